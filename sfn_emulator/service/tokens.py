"""Task tokens: the waiter of each, and the three operations that answer them.

A token is drawn from its execution's seed, so it can't be guessed and is the same after a restart. Its waiter registers
itself. A token of our form without a waiter was used, has timed out, or belongs to an execution that has ended. AWS
answers TaskTimedOut to all of these, and InvalidToken to any other text.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from sfn_emulator.service.errors import refuse
from sfn_emulator.service.inputs import fault_of
from sfn_emulator.service.surroundings import Surroundings
from sfn_emulator.values import PAYLOAD_LIMIT, Value, loads

_LOOKS_LIKE_ONE: Final = re.compile(r"AQ[A-Za-z0-9+/=]{40,2000}")


class Waiter(Protocol):
    """A waiter for a token. It is called on the loop's thread."""

    def succeeded(self, output: Value) -> None: ...
    def failed(self, error: str | None, cause: str | None) -> None: ...
    def heartbeat(self) -> None: ...


class Tokens:
    """The tokens that have a waiter now."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiter] = {}

    def wait(self, token: str, waiter: Waiter) -> None:
        self._waiting[token] = waiter

    def forget(self, token: str) -> None:
        """Idempotent."""
        self._waiting.pop(token, None)

    def __len__(self) -> int:
        return len(self._waiting)

    def knows(self, token: str) -> bool:
        """Whether it has a waiter, or can never have one."""
        return token in self._waiting or not _LOOKS_LIKE_ONE.fullmatch(token)

    def _waiter(self, token: str) -> Waiter:
        found = self._waiting.get(token)
        if found is not None:
            return found
        if _LOOKS_LIKE_ONE.fullmatch(token):
            raise refuse("TaskTimedOut", "Provided task does not exist anymore")
        raise refuse("InvalidToken", "Invalid token")

    # -- operations

    def send_task_success(self, _: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        waiter = self._waiter(told["taskToken"])
        text: str = told["output"]
        if len(text.encode("utf-8", "surrogatepass")) > PAYLOAD_LIMIT:
            raise refuse("InvalidOutput", f"Output exceeds {PAYLOAD_LIMIT} bytes")
        try:
            output = loads(text)
        except ValueError:
            raise refuse("InvalidOutput", fault_of(text)) from None
        self.forget(told["taskToken"])
        waiter.succeeded(output)
        return {}

    def send_task_failure(self, _: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        waiter = self._waiter(told["taskToken"])
        self.forget(told["taskToken"])
        waiter.failed(told.get("error"), told.get("cause"))
        return {}

    def send_task_heartbeat(self, _: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        self._waiter(told["taskToken"]).heartbeat()
        return {}
