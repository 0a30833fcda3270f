"""One request of AWS JSON 1.0 from its target header to its answer. Knows no socket.

The order: operation by name → parameters checked by the model → the service's function → commit → bytes.
"""

import contextlib
import logging
import re
import sqlite3
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any, Final

from sfn_emulator.api.operations import ADMITTED, ANSWERING, AT_ONCE, HISTORY, READS, TRACED, Operation, operations
from sfn_emulator.api.protocol import TARGET_PREFIX, Response, answer, codec, error_answer, parameters, unpacked
from sfn_emulator.errors import OWN_FAULT, RESTORE
from sfn_emulator.service.errors import ApiError, store_unavailable
from sfn_emulator.service.machines.definitions import LARGE
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.service.store.database import DamagedRowError
from sfn_emulator.service.surroundings import Surroundings

_log: Final = logging.getLogger(__name__)
_SCOPE: Final = re.compile(r"Credential=[^/,\s]+/\d{8}/([a-z0-9-]{1,32})/")
_NO_TARGET: Final = "Step Functions speaks AWS JSON 1.0: the request has no header X-Amz-Target: AWSStepFunctions.NAME."
TRACE: Final = "x-amzn-trace-id"


class StepFunctionsApi:
    """All requests on the loop's thread."""

    def __init__(self, service: StepFunctions) -> None:
        self._service = service
        self._operations = operations(service)
        self._regions: dict[str, Surroundings] = {}

    async def handle(self, target: str, body: bytes, headers: Mapping[str, str]) -> Response:
        """The answer to ``X-Amz-Target: AWSStepFunctions.NAME``. Header names are in lower case. Raises nothing but
        cancellation.
        """
        around = self._around(headers)
        request_id = around.new_id()
        try:
            name, operation = self._operation(target)
            told = _told(name, body, headers)
            return answer(codec(name), await self._perform(around, name, operation, told), request_id)
        except Exception as error:
            return self._refusal(error, target, request_id)

    def handle_at_once(self, target: str, body: bytes, headers: Mapping[str, str]) -> Response | None:
        """As ``handle``, where nothing is waited for; ``None`` for all else. What others have changed in this tick is
        committed at its end, so then this is, too."""
        name, journal = target.partition(".")[2], self._service.journal
        if name not in AT_ONCE or journal.pending or not (name in READS or journal.is_quick):
            return None
        if (name in ANSWERING or name == HISTORY) and self._service.host.is_behind:
            return None
        around = self._around(headers)
        request_id = around.new_id()
        try:
            _, operation = self._operation(target)
            result = operation(around, _told(name, body, headers))
            assert not isinstance(result, Awaitable), name
            if self._service.store.database.changing:
                journal.changed()
            journal.commit_now()
            return answer(codec(name), result, request_id)
        except Exception as error:
            return self._refusal(error, target, request_id)

    def _refusal(self, error: Exception, target: str, request_id: str) -> Response:
        if isinstance(error, ApiError):
            return error_answer(error, request_id)
        if isinstance(error, DamagedRowError) or type(error) is sqlite3.DatabaseError:  # the disk's are subclasses
            self._service.unreadable = f"The state directory cannot be read: {error}. {RESTORE}"
            return error_answer(store_unavailable(str(error), "read"), request_id)
        if isinstance(error, sqlite3.Error):
            self._service.journal.broken(error)
            done = "read" if target.rpartition(".")[2] in READS else "written"
            return error_answer(store_unavailable(str(error), done), request_id)
        _log.error("%s failed", target, exc_info=error)
        return error_answer(ApiError("InternalFailure", OWN_FAULT, status=500), request_id)

    async def _perform(
        self, around: Surroundings, name: str, operation: Operation, told: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if len(told.get("definition", "")) >= LARGE:
            await self._service.definitions.prepare(told)
        if name in ADMITTED:
            for admission in self._service.admissions:
                await admission(around, told)
        if name in ANSWERING and not self._service.tokens.knows(told["taskToken"]):
            await self._service.host.all_caught_up()
        if name == HISTORY:
            await self._service.host.shows_its_events(told["executionArn"])
        journal = self._service.journal
        done = operation(around, told)
        result = await done if isinstance(done, Awaitable) else done
        if name in READS:
            await self._seen()
        else:
            if self._service.store.database.changing:
                journal.changed()
            if journal.pending:
                await journal.committed()
        return result

    async def _seen(self) -> None:
        """Commits before a read is answered, so that an event a client has seen survives a crash. If the disk refuses,
        reads are answered nevertheless.
        """
        journal = self._service.journal
        if journal.pending and journal.failure is None:
            with contextlib.suppress(ApiError):
                await journal.committed()

    def _operation(self, target: str) -> tuple[str, Operation]:
        prefix, _, name = target.partition(".")
        operation = self._operations.get(name)
        if prefix != TARGET_PREFIX or operation is None:
            told = f"The operation '{target}' is not known." if target else _NO_TARGET
            raise ApiError("UnknownOperationException", told)
        return name, operation

    def _around(self, headers: Mapping[str, str]) -> Surroundings:
        """The surroundings of a request to the service: the region it was signed for."""
        signed = _SCOPE.search(headers.get("authorization", ""))
        home = self._service.around
        if signed is None or signed[1] == home.place.region:
            return home
        region = signed[1]
        if region not in self._regions:
            if len(self._regions) > 64:
                self._regions.clear()
            self._regions[region] = home.at(replace(home.place, region=region))
        return self._regions[region]


def _told(name: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a request; raises ``ApiError``."""
    told = parameters(codec(name), unpacked(body, headers.get("content-encoding", "")))
    if name in TRACED and TRACE in headers:
        told["traceHeader"] = headers[TRACE][:256]
    return told
