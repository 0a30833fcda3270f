"""``bedrockagentcore:invokeHarness``: an agent's streamed answer, folded into one message (`Invoke Amazon Bedrock
AgentCore harness with Step Functions`).

No harness is kept here: the Task fails with ``BedrockAgentCore.ResourceNotFoundException`` unless an endpoint is named.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sfn_emulator.engine.ports import TaskRequest
from sfn_emulator.errors import TIMEOUT, StateError
from sfn_emulator.tasks.clients import Clients, operation_model
from sfn_emulator.tasks.sdk.failures import Refusal, error_v2, no_answer, refusal, unreachable
from sfn_emulator.tasks.sdk.naming import member_v2
from sfn_emulator.tasks.sdk.shapes import Parameters, Rules
from sfn_emulator.tasks.sdk.wire import request_id
from sfn_emulator.values import Value

SERVICE: Final = "bedrock-agentcore"
OPERATION: Final = "invokeHarness"
LONGEST: Final = 900.0
"""Seconds an answer may take, whatever TimeoutSeconds says."""

_NONE_HERE: Final = (
    "There is no harness here. Start the server with --endpoint bedrock-agentcore=URL, "
    "or =aws for the real one, or mock the state."
)
_TOKENS: Final = {"inputTokens": "InputTokens", "outputTokens": "OutputTokens", "totalTokens": "TotalTokens"}


class InvokeHarness:
    """The action, ready to be called."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._model = operation_model(SERVICE, OPERATION)
        self._parameters = Parameters(self._model.input_shape, Rules(member_v2))

    def problems(self, value: Value) -> list[str]:
        return self._parameters.problems(value)

    def __call__(self, request: TaskRequest) -> Value:
        from botocore.exceptions import ClientError

        service = self._model.service_model
        seed = request_id(f"{request.token}{request.attempt}")
        if self._clients.is_ours(SERVICE):
            raise error_v2(service.service_id, _NONE_HERE, 404, seed, "ResourceNotFoundException")
        client = self._clients.client(SERVICE, request.identity.region)
        try:
            answer = client.invoke_harness(**self._parameters(request.input))
            return folded(_in_time(answer["stream"]))
        except ClientError as error:
            said = self._told(refusal(error, service, seed))
            raise error_v2(service.service_id, said.message, said.status, said.request_id, said.shape) from None
        except no_answer() as error:
            raise unreachable("BedrockAgentCore", error) from None

    def _told(self, said: Refusal) -> Refusal:
        """The error of an event within the stream: it has the event's name, and the status of the stream."""
        shape = self._model.get_event_stream_output().members.get(said.code)
        if shape is None:
            return said
        status = shape.metadata.get("error", {}).get("httpStatusCode", 500)
        return said._replace(shape=shape.name, status=status)


def _in_time(events: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    began = time.monotonic()
    for event in events:
        if time.monotonic() - began > LONGEST:
            raise StateError(TIMEOUT, None)
        yield event


@dataclass(slots=True)
class _Answer:
    """The stream's content so far. ``texts`` are those of the assistant's last message, by block."""

    texts: dict[int, str] = field(default_factory=dict)
    assistant: bool = True
    stop_reason: Value = None
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TOKENS, 0))
    latency: int = 0

    def begin(self, told: Mapping[str, Any]) -> None:
        self.assistant = told.get("role") == "assistant"
        if self.assistant:
            self.texts = {}

    def add(self, told: Mapping[str, Any]) -> None:
        text = told["delta"].get("text")
        if self.assistant and text is not None:
            block = told["contentBlockIndex"]
            self.texts[block] = self.texts.get(block, "") + text

    def stop(self, told: Mapping[str, Any]) -> None:
        self.stop_reason = told.get("stopReason")

    def count(self, told: Mapping[str, Any]) -> None:
        for name in _TOKENS:
            self.tokens[name] += told.get("usage", {}).get(name, 0)
        self.latency += told.get("metrics", {}).get("latencyMs", 0)


_HEARD: Final = {
    "messageStart": _Answer.begin,
    "contentBlockDelta": _Answer.add,
    "messageStop": _Answer.stop,
    "metadata": _Answer.count,
}


def folded(events: Iterable[Mapping[str, Any]]) -> Value:
    """The texts of the assistant's last message, with the tokens and the time of all messages."""
    answer = _Answer()
    for event in events:
        for name, told in event.items():
            if name in _HEARD:
                _HEARD[name](answer, told)
    content = [{"Text": text} for _, text in sorted(answer.texts.items())]
    return {
        "Output": {"Message": {"Role": "assistant", "Content": content}},
        "StopReason": answer.stop_reason,
        "Usage": {name: answer.tokens[member] for member, name in _TOKENS.items()},
        "Metrics": {"LatencyMs": answer.latency},
    }
