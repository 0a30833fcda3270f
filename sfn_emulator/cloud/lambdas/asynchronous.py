"""Asynchronous invocations: their retries and the record of their end (Lambda, ``invocation-async``).

After a function error it is tried again, after one and two minutes; after a throttle or a fault of the system for up to
six hours, with growing pauses. In the end a destination gets the record of the invocation, and the dead-letter queue
the event itself.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from sfn_emulator.cloud.delivery.outbox import Parcel
from sfn_emulator.cloud.lambdas.functions import Function, InvokeError

_log: Final = logging.getLogger(__name__)

KIND: Final = "invocation"
_RETRY_AFTER: Final = (60.0, 120.0)
"""Seconds Lambda waits before it tries a failed asynchronous invocation again."""
_LONGEST_PAUSE: Final = 300.0
_THROTTLED: Final = 429

Send: TypeAlias = Callable[[str, str, Mapping[str, str]], None]
"""(ARN of a queue, topic, function, bus or bucket, text, attributes)."""


class Answer(Protocol):
    @property
    def payload(self) -> bytes: ...
    @property
    def function_error(self) -> str | None: ...
    @property
    def executed_version(self) -> str: ...


class Runs(Protocol):
    """Runs one attempt. Raises ``InvokeError``."""

    def found(self, arn: str) -> Function: ...
    def attempt(self, function: Function, payload: bytes, request_id: str) -> Answer: ...


class Ended(NamedTuple):
    """How an invocation ended: ``condition`` in the words of a destination's record, and the answer if there was
    one.
    """

    condition: str
    answer: Answer | None


class Asynchronous:
    """The outbox's carrier of invocations. An invocation that ends while the server ``is_closing`` is reported to
    nobody.
    """

    def __init__(self, runs: Runs, send: Send, is_closing: Callable[[], bool]) -> None:
        self._runs, self._send, self._is_closing = runs, send, is_closing

    def carry(self, parcel: Parcel) -> float | None:
        """See ``Carrier``."""
        try:
            function = self._runs.found(parcel.target)
        except InvokeError:  # it was deleted meanwhile
            return None
        try:
            answer = self._runs.attempt(function, parcel.content, parcel.about["id"])
        except InvokeError as refusal:
            return self._refused(function, parcel, refusal)
        if answer.function_error is None:
            self._tell(function, parcel, Ended("Success", answer))
            return None
        if parcel.attempt < min(function.retries, len(_RETRY_AFTER)):
            return _RETRY_AFTER[parcel.attempt]
        self._tell(function, parcel, Ended("RetriesExhausted", answer))
        return None

    def _refused(self, function: Function, parcel: Parcel, refusal: InvokeError) -> float | None:
        age = datetime.now(UTC).timestamp() - parcel.posted  # noqa: TID251 - the outbox keeps the machine's time
        passing = refusal.status == _THROTTLED or refusal.status >= 500
        if passing and age < function.most_age and function.reserved != 0:
            return float(min(_LONGEST_PAUSE, 2.0 ** min(parcel.attempt, 9)))
        self._tell(
            function, parcel, Ended("EventAgeExceeded" if age >= function.most_age else "RetriesExhausted", None)
        )
        return None

    def _tell(self, function: Function, parcel: Parcel, ended: Ended) -> None:
        if self._is_closing():
            return
        well = ended.condition == "Success"
        place = function.on_success if well else function.on_failure
        if place is not None:
            told = {"well": str(well), "folder": f"aws/lambda/async/{function.name}"}
            self._safely(place, _record(function, parcel, ended), told)
        if function.dead_letters is not None and not well:
            self._safely(function.dead_letters, parcel.content.decode(), _attributes(parcel, ended))

    def _safely(self, arn: str, text: str, attributes: Mapping[str, str]) -> None:
        try:
            self._send(arn, text, attributes)
        except Exception as error:
            _log.warning("The end of an invocation could not be told to %s: %s", arn, error)


def _record(function: Function, parcel: Parcel, ended: Ended) -> str:
    answer = ended.answer
    told: dict[str, Any] = {
        "version": "1.0",
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",  # noqa: TID251 - told to people
        "requestContext": {
            "requestId": parcel.about["id"],
            "functionArn": function.arn if function.arn.count(":") > 6 else f"{function.arn}:$LATEST",
            "condition": ended.condition,
            "approximateInvokeCount": parcel.attempt + 1,
        },
        "requestPayload": _value(parcel.content),
    }
    if answer is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": answer.executed_version}
        if answer.function_error is not None:
            context["functionError"] = answer.function_error
        told |= {"responseContext": context, "responsePayload": _value(answer.payload)}
    return json.dumps(told)


def _attributes(parcel: Parcel, ended: Ended) -> dict[str, str]:
    told = _value(ended.answer.payload) if ended.answer is not None else {}
    message = told.get("errorMessage", "") if isinstance(told, dict) else ""
    return {
        "RequestID": parcel.about["id"],
        "ErrorCode": "200" if ended.answer else "429",
        "ErrorMessage": message[:1024],
    }


def _value(content: bytes) -> Any:
    """A runtime of one's own may answer what is no JSON: then the text itself."""
    try:
        return json.loads(content or b"null")
    except ValueError:
        return content.decode("utf-8", "replace")
