"""Messages to a stack from outside: answers of custom resources and signals of wait conditions, PUT to a URL of
ours.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from sfn_emulator.cloud.requests.message import Reply, Request, json_error
from sfn_emulator.cloud.stacks.deploying.journal import StoppedError
from sfn_emulator.cloud.stacks.errors import ResourceError

PATH: Final = "/_aws/cloudformation/signals/"
_LOOK: Final = 0.5
"""Seconds between two checks whether the server ends."""


class PutSignals:
    """Signals by handle; the handle in the URL is a secret, as a presigned URL's signature is."""

    def __init__(
        self, endpoint: Callable[[], str], is_stopping: Callable[[], bool], elapsed: Callable[[], float]
    ) -> None:
        """``elapsed`` are seconds by which waits are measured: time that is moved on by hand counts."""
        self._endpoint, self._is_stopping, self._elapsed = endpoint, is_stopping, elapsed
        self._told: dict[str, list[Mapping[str, Any]]] = {}
        self._changed = threading.Condition()

    def address(self, handle: str) -> str:
        with self._changed:
            self._told.setdefault(handle, [])
        return f"{self._endpoint()}{PATH}{handle}"

    def handle(self, address: str) -> str:
        """The handle in an address of ours."""
        return address.partition(PATH)[2].partition("?")[0]

    def take(self, request: Request) -> Reply:
        """The reply to a PUT (or POST) to an address."""
        handle = request.path.removeprefix(PATH)
        if request.method not in ("PUT", "POST"):
            return json_error(405, "MethodNotAllowed", "Answers of custom resources and wait conditions are PUT here.")
        try:
            told = orjson.loads(request.body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            return json_error(400, "InvalidSignal", 'Send a JSON object with "Status" SUCCESS or FAILED.')
        return Reply(200, []) if self.tell(handle, told) else json_error(404, "NoSuchKey", "Nobody waits for this.")

    def tell(self, handle: str, told: Mapping[str, Any]) -> bool:
        with self._changed:
            if handle not in self._told:
                return False
            self._told[handle].append(told)
            self._changed.notify_all()
        return True

    def wait(
        self,
        handle: str,
        count: int,
        seconds: float,
        failed: Callable[[], str | None] = lambda: None,
        late: str | None = None,
    ) -> list[Mapping[str, Any]]:
        """The first ``count`` signals with distinct ids, or all up to one that failed. ``failed`` returns why no
        signal will come, ``late`` is the error's text when they come too late. Raises ``ResourceError``, and
        ``StoppedError`` when the server ends.
        """
        until = self._elapsed() + seconds
        with self._changed:
            while not (found := _enough(self._told.setdefault(handle, []), count)):
                if self._is_stopping():
                    raise StoppedError
                reason = failed()
                if reason is not None:
                    raise ResourceError(reason)
                left = until - self._elapsed()
                if left <= 0:
                    got = len(self._told[handle])
                    raise ResourceError(
                        late or f"WaitCondition timed out. Received {got} conditions when expecting {count}"
                    )
                self._changed.wait(min(_LOOK, left))
        return found


def _enough(told: list[Mapping[str, Any]], count: int) -> list[Mapping[str, Any]]:
    distinct: dict[str, Mapping[str, Any]] = {}
    for number, signal in enumerate(told):
        distinct.setdefault(str(signal.get("UniqueId", number)), signal)
        if signal.get("Status") == "FAILED":
            return list(distinct.values())
    return list(distinct.values())[:count] if len(distinct) >= count else []
