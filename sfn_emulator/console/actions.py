"""The page's actions. Each is an operation of the Step Functions API, called as by any client."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from sfn_emulator.console.answers import RefusedError
from sfn_emulator.console.opened import FILE, Pasts
from sfn_emulator.console.past import Past
from sfn_emulator.console.tokens import token_of
from sfn_emulator.service.operations.again import start_again
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.service.store.records import Revision, StateMachine
from sfn_emulator.values import dumps, loads


class Answered(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


_AGAIN: Final[Mapping[str, type]] = {
    **dict.fromkeys(("state", "data", "variables", "input", "name"), str),
    "event": int,
    "current": bool,
}
_NO_ROLE: Final = "arn:aws:iam::123456789012:role/TestState"

Call = Callable[[str, bytes], Awaitable[Answered]]
"""(operation, JSON body) → the API's answer."""

WriteTest = Callable[[Past], tuple[str, str]]
"""A file's name and its text; blocking. Raises ``RefusedError`` where no test can be written."""


class Actions:
    """The page's actions, by name. Each raises ``RefusedError`` with a sentence for the page."""

    def __init__(self, service: StepFunctions, pasts: Pasts, call: Call, write_test: WriteTest) -> None:
        self._service, self._pasts, self._call, self._write_test = service, pasts, call, write_test

    async def perform(self, name: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the action of that name. Raises ``RefusedError`` (404 for a name that is none)."""
        action = _ACTIONS.get(name)
        if action is None:
            raise RefusedError(f"There is no action {name[:40]}.", 404)
        return await action(self, told)

    async def _asked(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The API's answer. Raises ``RefusedError`` with the API's own message."""
        answer = await self._call(operation, dumps(dict(body)).encode())
        said = loads(answer.body or b"{}")
        if answer.status != 200:
            raise RefusedError(str(said.get("message") or said.get("__type") or answer.status), answer.status)
        return dict(said)

    async def start(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """StartExecution: ``machine`` is an ARN, ``input`` a JSON text; ``name`` may be left out."""
        body = {"stateMachineArn": told.get("machine"), "input": told.get("input", "{}")}
        if told.get("name"):
            body["name"] = told["name"]
        return await self._asked("StartExecution", body)

    async def again(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Starts an execution at a state of the one that is named; see ``service.operations.again``."""
        service = self._service
        found = self._pasts.found(str(told.get("arn", "")))
        if found is None:
            raise RefusedError("There is no such execution.", 404)
        wrong = [name for name, kind in _AGAIN.items() if name in told and not isinstance(told[name], kind)]
        if wrong:
            raise RefusedError(f"{wrong[0]!r} is not of the right type: texts, but for 'event' and 'current'.")
        made = start_again(service.around, service.executions, service.definitions, found.execution, told)
        if service.journal.pending:
            await service.journal.committed()
        return {"executionArn": made.arn}

    async def test(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """A pytest file that repeats this run."""
        past = await self._pasts.get(str(told.get("arn", "")))
        name, text = await asyncio.to_thread(self._write_test, past)
        return {"name": name, "text": text}

    async def try_state(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """TestState with its most detailed inspection, for a state of a stored definition."""
        definition, role = await self._definition(told)
        asked: dict[str, Any] = {"definition": definition, "roleArn": role, "inspectionLevel": "TRACE"}
        members = ("stateName", "input", "variables", "context", "mock")
        return await self._asked("TestState", asked | {name: told[name] for name in members if told.get(name)})

    async def _definition(self, told: Mapping[str, Any]) -> tuple[str, str]:
        """The definition an execution ran by (``arn``) or that of a ``machine``'s ``revision``, and the role."""
        store, arn = self._service.store, str(told.get("arn", ""))
        if arn.startswith(FILE):
            past = await self._pasts.get(arn)
            return past.text, past.told.role or _NO_ROLE
        found = self._pasts.found(arn) if arn else None
        machine = store.get(StateMachine, str(told.get("machine", "")))
        id_ = told.get("revision") or (machine.revision if machine else "")
        revision = store.get(Revision, found.execution.revision if found else str(id_))
        if revision is None:
            raise RefusedError("Say whose state is meant: an execution ('arn') or a 'machine'.", 404)
        return revision.definition, revision.role_arn

    async def stop(self, told: Mapping[str, Any]) -> dict[str, Any]:
        body = {"executionArn": told.get("arn"), "error": "StoppedFromTheConsole"}
        return await self._asked("StopExecution", body)

    async def redrive(self, told: Mapping[str, Any]) -> dict[str, Any]:
        return await self._asked("RedriveExecution", {"executionArn": told.get("arn")})

    async def succeed(self, told: Mapping[str, Any]) -> dict[str, Any]:
        body = {"taskToken": await self._token(told), "output": told.get("output", "{}")}
        return await self._asked("SendTaskSuccess", body)

    async def fail(self, told: Mapping[str, Any]) -> dict[str, Any]:
        body = {"taskToken": await self._token(told), "error": told.get("error", ""), "cause": told.get("cause", "")}
        return await self._asked("SendTaskFailure", body)

    async def _token(self, told: Mapping[str, Any]) -> str:
        past = await self._pasts.get(str(told.get("arn", "")))
        n = told.get("n")
        if not isinstance(n, int) or not 0 <= n < len(past.told.visits):
            raise RefusedError("Say which visit waits ('n').")
        return token_of(past, past.told.visits[n])

    async def skip(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Ends the present wait now. Later waits take their time."""
        live = self._service.host.live(str(told.get("arn", "")))
        if live is None or live.ended:
            raise RefusedError("This execution has ended.", 409)
        if not live.skip_wait():
            raise RefusedError("The execution waits only for work that is under way.", 409)
        return {}

    async def open(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Opens a history from a file: ``text`` is its content. Answers the ARN under which the page reads it."""
        text, name, definition = told.get("text"), told.get("name", "history.json"), told.get("definition")
        if not isinstance(text, str) or not isinstance(name, str):
            raise RefusedError("Send 'text', the file's content, and its 'name'.")
        return {"arn": await self._pasts.open(text, name, definition if isinstance(definition, str) else None)}


_ACTIONS: Final[Mapping[str, Callable[[Actions, Mapping[str, Any]], Awaitable[dict[str, Any]]]]] = {
    "start": Actions.start,
    "again": Actions.again,
    "test": Actions.test,
    "try": Actions.try_state,
    "stop": Actions.stop,
    "redrive": Actions.redrive,
    "succeed": Actions.succeed,
    "fail": Actions.fail,
    "skip": Actions.skip,
    "open": Actions.open,
}
