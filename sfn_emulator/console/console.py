"""Requests under ``/_sfn/`` → answers. Reads come by GET. A request that changes something is POSTed with the page's
token, which no page of another origin can read.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sfn_emulator.console.actions import Actions, Call, WriteTest
from sfn_emulator.console.answers import JSON, Answer, RefusedError, asked, told
from sfn_emulator.console.changes import Changes
from sfn_emulator.console.definitions import Definitions
from sfn_emulator.console.download import slices
from sfn_emulator.console.execution import ExecutionView, Tables
from sfn_emulator.console.files import SAFE, file
from sfn_emulator.console.lists import Lists
from sfn_emulator.console.opened import Pasts
from sfn_emulator.picture.definition import UndrawableError
from sfn_emulator.service.errors import ApiError
from sfn_emulator.service.running.deeds import Deeds
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.values import loads

ROOT: Final = "/_sfn/"
_API: Final = "api/"
_STORED: Final = (("cache-control", "no-store"), *SAFE)
_DOWNLOAD: Final = "download"
_LONG: Final = 256 * 1024
"""A body with more bytes than this, a history that is opened, is parsed in a thread."""

View = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]


class Console:
    """``call`` is the Step Functions API; ``tables`` reads all tables and ``write_test`` writes a test, both blocking.
    All requests on the loop's thread."""

    def __init__(self, service: StepFunctions, deeds: Deeds, call: Call, tables: Tables, write_test: WriteTest) -> None:
        loop = service.around.loop
        self._pasts = pasts = Pasts(service)
        self._token = secrets.token_urlsafe(24)
        self.changes = Changes(loop, secrets.token_hex(4))
        service.journal.watch = self.changes.changed
        deeds.watch = self.changes.changed_elsewhere
        view, lists = ExecutionView(pasts, deeds, tables), Lists(service, pasts)
        self._actions = Actions(service, pasts, call, write_test)
        self._views: Mapping[str, View] = {
            "machines": lists.machines,
            "executions": lists.executions,
            "grid": lists.grid,
            "execution": view.outline,
            "visit": view.visit,
            "events": view.events,
            "event": view.event,
            "tables": view.tables,
            "definition": Definitions(service).definition,
        }
        self._secret: Mapping[str, View] = {"token": view.token}

    async def answer(
        self, method: str, path: str, parameters: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """``path`` is what follows ``/_sfn/``. Header names are in lower case."""
        try:
            return await self._answer(method, path, parameters, headers, body)
        except RefusedError as error:
            return told({"message": error.message}, error.status, *_STORED)
        except ApiError as error:
            return told({"message": error.message}, error.status, *_STORED)
        except UndrawableError as error:
            return told({"message": str(error)}, 400, *_STORED)

    async def _answer(
        self, method: str, path: str, parameters: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if not path.startswith(_API):
            found = file(path, self._token, headers.get("if-none-match", "")) if method in ("GET", "HEAD") else None
            if found is None:
                raise RefusedError("There is nothing here.", 404)
            return found
        name = path.removeprefix(_API)
        if method == "POST":
            return await self._changed(name, headers, body)
        if method != "GET":
            raise RefusedError(f"Nothing here answers to {method}.", 405)
        if name == _DOWNLOAD:
            return Answer(200, JSON, b"", _STORED, slices(self._pasts.source(asked(parameters, "arn"))))
        return told(await self._read(name, parameters), 200, *_STORED)

    async def _read(self, name: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        if name == "changes":
            return {"version": await self.changes.after(parameters.get("since", ""))}
        view = self._views.get(name)
        if view is None:
            raise RefusedError(f"There is no {name[:40]} to read.", 404)
        return await view(parameters)

    async def _changed(self, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if not secrets.compare_digest(headers.get("x-sfn-token", "").encode(), self._token.encode()):
            raise RefusedError("Only the page itself may do this: its token is missing or old. Reload the page.", 403)
        try:
            given = loads(body or b"{}") if len(body) < _LONG else await asyncio.to_thread(loads, body)
        except ValueError as error:
            raise RefusedError(f"Not JSON: {error}") from None
        if not isinstance(given, dict):
            raise RefusedError("Send an object.")
        if name in self._secret:
            return told(await self._secret[name]({key: str(value) for key, value in given.items()}), 200, *_STORED)
        return told(await self._actions.perform(name, given), 200, *_STORED)
