"""Delivers events to targets, tries again when that may help, and leaves what fails in a dead-letter queue.

Source: EventBridge User Guide, ``eb-rule-retry-policy`` and ``eb-rule-dlq``: a delivery that the target refuses for
good is not tried again; the dead letter says why.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final
from urllib.error import HTTPError

from botocore import xform_name

from sfn_emulator.cloud.delivery.outbox import Parcel
from sfn_emulator.cloud.delivery.sending import Client, UnsendableError, send
from sfn_emulator.cloud.events.destinations import Connect, call

_log: Final = logging.getLogger(__name__)

KIND: Final = "event"
MOST_HOPS: Final = 5
"""How many times an event may go on from bus to bus. Then it is dropped, which ends the loop of a bus that is its own
target.
"""
_LONGEST_PAUSE: Final = 300.0
_PASSING: Final = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "ServiceUnavailable", "ServiceException", "InternalFailure"}
)
"""Refusals after which another attempt may succeed."""

_hops: ContextVar[int] = ContextVar("hops", default=0)


def hops() -> int:
    """How many buses the event being delivered has passed."""
    return _hops.get()


class Courier:
    """The outbox's carrier of events. What fails while the server ``is_closing`` is left to the next one."""

    def __init__(self, client: Client, connect: Connect, is_closing: Callable[[], bool]) -> None:
        self._client, self._connect, self._is_closing = client, connect, is_closing

    def carry(self, parcel: Parcel) -> float | None:
        """See ``Carrier``."""
        about = parcel.about
        came = int(about.get("hops", 0))
        if came > MOST_HOPS:
            _log.warning("An event for %s has passed %d buses and ends here", parcel.target, came)
            return None
        token = _hops.set(came + 1)
        try:
            self._bring(parcel)
        except Exception as error:
            return self._failed(parcel, error)
        finally:
            _hops.reset(token)
        return None

    def _bring(self, parcel: Parcel) -> None:
        text, about = parcel.content.decode(), parcel.about
        if ":api-destination/" in parcel.target:
            call(self._client, self._connect, parcel.target, text, about.get("http") or {})
        elif parcel.target.startswith("arn:aws:scheduler:::aws-sdk:"):
            _by_name(self._client, parcel.target, text, about["region"])
        else:
            send(self._client, parcel.target, text, about.get("attributes"))

    def _failed(self, parcel: Parcel, error: Exception) -> float | None:
        if self._is_closing():
            return None
        code, message = _told(error)
        age = time.time_ns() / 1e9 - parcel.posted
        again = code in _PASSING and parcel.attempt < parcel.about["retries"] and age < parcel.about["age"]
        if again:
            return float(min(_LONGEST_PAUSE, 2.0 ** min(parcel.attempt, 9)))
        _log.warning("An event could not be delivered to %s: %s", parcel.target, message)
        self._leave(parcel, code, message)
        return None

    def _leave(self, parcel: Parcel, code: str, message: str) -> None:
        queue = parcel.about.get("dead_letters")
        if not queue:
            return
        attributes = {
            "RULE_ARN": parcel.about.get("rule") or "",
            "TARGET_ARN": parcel.target,
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message[:1024],
            "RETRY_ATTEMPTS": str(parcel.attempt),
        }
        try:
            send(self._client, queue, parcel.content.decode(), attributes)
        except Exception as error:
            _log.warning("The dead-letter queue %s took nothing: %s", queue, error)


def _told(error: Exception) -> tuple[str, str]:
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and "Error" in response:
        return str(response["Error"].get("Code", "")), str(response["Error"].get("Message", ""))
    if isinstance(error, HTTPError):
        return "ServiceUnavailable" if _may_pass(error.code) else "SDK_CLIENT_ERROR", str(error)
    if isinstance(error, ValueError):
        return "INVALID_PARAMETER", str(error)
    if isinstance(error, UnsendableError):
        return "UNSUPPORTED_TARGET", str(error)
    return "ServiceUnavailable", str(error)


def _may_pass(status: int) -> bool:
    """Whether an API destination's answer is worth another attempt (``eb-api-destinations``, "Error codes")."""
    return status in (401, 407, 409, 429) or status >= 500


def _by_name(client: Client, arn: str, text: str, region: str) -> None:
    """Scheduler's universal targets: any operation of any service (``managing-targets-universal``)."""
    service, operation = arn.split(":")[6:8]
    caller: Any = client(service, region)
    getattr(caller, xform_name(operation))(**json.loads(text or "{}"))
