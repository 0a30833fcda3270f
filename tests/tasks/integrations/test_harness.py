"""An agent's answer comes as a stream of events; a Task gets its last message."""

import binascii
import json
import struct
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from sfn_emulator.engine.ports import TaskFailed, TaskSucceeded
from tests.tasks.conftest import Host, resource

ARN = "arn:aws:states:::bedrockagentcore:invokeHarness"
GIVEN: dict[str, Any] = {
    "HarnessArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:harness/h",
    "RuntimeSessionId": "s" * 36,
    "Messages": [{"Role": "user", "Content": [{"Text": "Is it in stock?"}]}],
    "Tools": [{"Type": "agentcore_browser", "Name": "b", "Config": {"AgentCoreBrowser": {"BrowserArn": "arn:x"}}}],
}
TURNS: list[tuple[str, dict[str, Any]]] = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Let me look."}}),
    ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "look"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}, "metrics": {"latencyMs": 30}}),
    ("messageStart", {"role": "user"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "what a tool said"}}),
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "There are "}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "three."}}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13}, "metrics": {"latencyMs": 12}}),
]


def message(kind: str, name: str, told: dict[str, Any]) -> bytes:
    """One message of AWS's event stream encoding."""
    headers = b""
    for key, value in ((":message-type", kind), (f":{kind}-type", name), (":content-type", "application/json")):
        headers += struct.pack("!B", len(key)) + key.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
    body = json.dumps(told).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    head = prelude + struct.pack("!I", binascii.crc32(prelude)) + headers + body
    return head + struct.pack("!I", binascii.crc32(head))


class Harness(BaseHTTPRequestHandler):
    """Answers by the harness's name in the query: ``refused``, ``torn``, or with the turns above."""

    asked: dict[str, Any] = {}  # noqa: RUF012 - what the one test server was asked last

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        type(self).asked = json.loads(self.rfile.read(length)) | {
            "session": self.headers["X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"]
        }
        if "missing" in self.path:
            body, status = json.dumps({"message": "No such harness"}).encode(), 404
        else:
            body, status = b"".join(message("event", *turn) for turn in TURNS), 200
        if "refused" in self.path:
            body = message("exception", "validationException", {"message": "Too many turns"})
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.amazon.eventstream" if status == 200 else "application/json")
        self.send_header("x-amzn-ErrorType", "ResourceNotFoundException")
        self.end_headers()
        self.wfile.write(body[:-3] if "torn" in self.path else body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def agents() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Harness)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def elsewhere(agents: str) -> Host:
    return Host(services={"bedrock-agentcore": agents})


def named(name: str) -> dict[str, Any]:
    return GIVEN | {"HarnessArn": GIVEN["HarnessArn"] + name}


def test_the_last_message_of_the_assistant_is_the_result(elsewhere: Host) -> None:
    told = elsewhere.run(ARN, GIVEN)
    assert isinstance(told, TaskSucceeded), told
    assert told.output == {
        "Output": {"Message": {"Role": "assistant", "Content": [{"Text": "There are three."}]}},
        "StopReason": "end_turn",
        "Usage": {"InputTokens": 14, "OutputTokens": 6, "TotalTokens": 20},
        "Metrics": {"LatencyMs": 42},
    }
    assert Harness.asked["messages"] == [{"role": "user", "content": [{"text": "Is it in stock?"}]}]
    assert Harness.asked["tools"][0]["config"] == {"agentCoreBrowser": {"browserArn": "arn:x"}}
    assert Harness.asked["session"] == "s" * 36


@pytest.mark.parametrize(
    ("name", "error", "cause"),
    [
        ("missing", "BedrockAgentCore.ResourceNotFoundException", "No such harness (Service: BedrockAgentCore"),
        ("refused", "BedrockAgentCore.ValidationException", "Too many turns (Service: BedrockAgentCore"),
    ],
)
def test_a_harnesss_refusal_is_an_error_of_the_service(elsewhere: Host, name: str, error: str, cause: str) -> None:
    told = elsewhere.run(ARN, named(name))
    assert isinstance(told, TaskFailed)
    assert told.error == error
    assert told.cause is not None and told.cause.startswith(cause)


def test_without_an_endpoint_there_is_no_harness(host: Host) -> None:
    failed = host.run(ARN, GIVEN)
    assert isinstance(failed, TaskFailed)
    assert failed.error == "BedrockAgentCore.ResourceNotFoundException"
    assert failed.cause is not None and "--endpoint bedrock-agentcore=URL" in failed.cause


@pytest.mark.parametrize("pattern", [".sync", ".waitForTaskToken"])
def test_no_job_and_no_callback_comes_of_a_harness(host: Host, pattern: str) -> None:
    assert "is not recognized" in str(host.tasks.supports(resource(ARN + pattern)))
