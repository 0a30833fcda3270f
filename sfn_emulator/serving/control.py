"""The server's own routes: what it reports about itself, and how it is controlled. None of the paths is AWS's.

=====================  ===================================================================
GET /health            version, uptime, and what it holds; 503 when something is wrong
GET /_sfn/clock        the time, and the setting by which it passes
POST /_sfn/clock       {"advance": SECONDS} moves time on, with everything that becomes due
POST /_sfn/reset       {} forgets everything, {"service": NAME} the state of one service
POST /moto-api/reset   the same as /_sfn/reset, for users of moto's server
POST /pace             {"execution": NAME, "time": "real" | "skip"}
=====================  ===================================================================
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from sfn_emulator.cloud.requests.message import Reply, Request, json_error, json_reply
from sfn_emulator.values import loads

LONGEST: Final = 10 * 365 * 24 * 3600
"""Seconds by which time can be moved on at once."""

Answer = Callable[[Request], Awaitable[Reply]]
Routes = Mapping[tuple[str, str], Answer]


class UnclearError(Exception):
    """A request can't be understood; the text says what to send."""


class UnavailableError(Exception):
    """What is asked for can't be done at present; the text says why."""


class Controlled(Protocol):
    """The part of the server that these routes use."""

    def health(self) -> Mapping[str, object]: ...
    def pace(self, execution: str, time: str) -> None: ...
    def clock(self) -> Mapping[str, object]: ...
    async def advance(self, seconds: float) -> None: ...
    async def reset(self, service: str | None) -> bool:
        """Forgets the state of ``service`` (boto3's name or the signing name), or everything. Returns false if there
        is no such service. Raises ``UnavailableError``.
        """


def routes(server: Controlled) -> Routes:
    """Method and path → the function that answers."""

    async def health(_: Request) -> Reply:
        told = server.health()
        return json_reply(200 if told["status"] == "ok" else 503, told)

    async def clock(_: Request) -> Reply:
        return json_reply(200, server.clock())

    async def advance(request: Request) -> Reply:
        await server.advance(_seconds(_told(request).get("advance")))
        return json_reply(200, server.clock())

    async def reset(request: Request) -> Reply:
        service = _told(request).get("service")
        if not (service is None or isinstance(service, str)):
            raise UnclearError('Send {} to forget everything, or {"service": NAME}.')
        if not await server.reset(service):
            raise UnclearError(f"There is no service '{service}' here. Use boto3's names: dynamodb, stepfunctions, ...")
        return json_reply(200, {"status": "ok"})

    async def pace(request: Request) -> Reply:
        told = _told(request)
        execution, time = told.get("execution"), told.get("time")
        if not isinstance(execution, str) or time not in ("real", "skip"):
            raise UnclearError('Send {"execution": NAME, "time": "real" or "skip"}.')
        server.pace(execution, time)
        return json_reply(200, {"execution": execution, "time": time})

    answers: Routes = {
        ("GET", "/health"): health,
        ("HEAD", "/health"): health,
        ("GET", "/_sfn/clock"): clock,
        ("POST", "/_sfn/clock"): advance,
        ("POST", "/_sfn/reset"): reset,
        ("POST", "/moto-api/reset"): reset,
        ("POST", "/pace"): pace,
    }
    return {route: _explained(answer) for route, answer in answers.items()}


def _explained(answer: Answer) -> Answer:
    async def explained(request: Request) -> Reply:
        try:
            return await answer(request)
        except UnclearError as error:
            return json_error(400, "ValidationException", str(error))
        except UnavailableError as error:
            return json_error(503, "ServiceUnavailable", str(error))

    return explained


def _seconds(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= LONGEST:
        raise UnclearError(f'Send {{"advance": SECONDS}}, a number greater than 0 and at most {LONGEST}.')
    return given


def _told(request: Request) -> Mapping[str, Any]:
    """The body's object; no body is an empty one."""
    try:
        told = loads(request.body or b"{}")
    except ValueError as error:
        raise UnclearError(f"The body is not JSON: {error}") from None
    if not isinstance(told, dict):
        raise UnclearError("The body is not a JSON object.")
    return told
