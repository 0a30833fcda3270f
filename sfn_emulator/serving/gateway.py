"""One port for all services: finds the service of each request.

A request that names a Step Functions operation is recognised by one header. Any other request is examined more closely
(``cloud.requests.addressing``) and answered by a neighbour in a thread, so that moto never holds up the loop. Errands
(``cloud.keeping.errands``) are the exception: they are done sooner than a thread would be woken.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import unquote

from sfn_emulator.cloud.corrections.faults.replies import error_reply
from sfn_emulator.cloud.keeping.errands import is_errand
from sfn_emulator.cloud.lambdas.api import LambdaApi
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.addressing import DataPlane, FunctionUrl, address, bucket_path, data_plane
from sfn_emulator.cloud.requests.door import Door
from sfn_emulator.cloud.requests.message import Headers, Reply, Request, json_error
from sfn_emulator.cloud.requests.operation import operation
from sfn_emulator.cloud.rest.api import RestApi
from sfn_emulator.cloud.rest.http.api import HttpApi
from sfn_emulator.cloud.rest.http.urls import FunctionUrls
from sfn_emulator.cloud.stacks.api import StacksApi
from sfn_emulator.errors import OWN_FAULT
from sfn_emulator.service.running.causes import cause, caused_by

R = TypeVar("R")

_log: Final = logging.getLogger(__name__)

STATES_TARGET: Final = "AWSStepFunctions."
LONG_POLL: Final = STATES_TARGET + "GetActivityTask"
_OUR_PATHS: Final = ("/moto-api/",)
"""Paths that no AWS service has."""
CONSOLE: Final = "/_sfn"
ERRANDS: Final = 0.01
"""Seconds that errands may take of the loop until it has seen to all others."""
CHANGES: Final = CONSOLE + "/api/changes"
_LED_THERE: Final = Reply(302, [("location", CONSOLE + "/"), ("cache-control", "no-store")])


class Answered(Protocol):
    """The form of the Step Functions API's answers."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Any: ...
    @property
    def body(self) -> bytes: ...


class Shown(Protocol):
    """The form of the console's answers."""

    @property
    def status(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def stream(self) -> AsyncGenerator[bytes, None] | None: ...


class Console(Protocol):
    def answer(
        self, method: str, path: str, parameters: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Awaitable[Shown]: ...


class StepFunctions(Protocol):
    def handle(self, target: str, body: bytes, headers: Headers) -> Awaitable[Answered]: ...
    def handle_at_once(self, target: str, body: bytes, headers: Headers) -> Answered | None: ...


class Gateway:
    """``answer`` is for the host's loop; ``answer_from_thread`` for threads that want a reply without a socket.

    ``own`` maps the server's own routes (method and path) to functions.
    """

    def __init__(
        self,
        neighbours: Neighbours,
        lambda_api: LambdaApi,
        account: str,
        step_functions: StepFunctions | None = None,
        *,
        own: Mapping[tuple[str, str], Callable[[Request], Awaitable[Reply]]] | None = None,
        door: Door | None = None,
    ) -> None:
        self.step_functions = step_functions
        self._neighbours = neighbours
        self._lambda = lambda_api
        self._rest = RestApi(neighbours, account, self.answer_from_thread)
        self._http = HttpApi(neighbours, account, self.answer_from_thread)
        self._urls = FunctionUrls(neighbours, self.answer_from_thread)
        self.stacks: StacksApi | None = None
        self._door = door or Door()
        self._own = own or {}
        self._own_paths = frozenset(path for _, path in self._own)
        self.console: Console | None = None
        self._threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix="neighbour")
        self._waiting = ThreadPoolExecutor(max_workers=512, thread_name_prefix="waiting")
        self._invocations = ThreadPoolExecutor(max_workers=512, thread_name_prefix="invocation")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._left = ERRANDS

    def refuse(self, request: Request) -> Reply | None:
        """The refusal of a request from a client that is not allowed; its body need not be read. ``None`` if it is
        allowed.
        """
        return self._door.refuse(request)

    def while_connected(self, request: Request) -> bool:
        """Whether the request is given up when its client goes away, so that the task it would get stays for others."""
        return request.headers.get("x-amz-target") == LONG_POLL or request.path == CHANGES

    async def respond(self, request: Request) -> Reply:
        """The reply to a request that came over a socket."""
        try:
            reply = await self.answer(request)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            reply = _failure()
        return self._shown_to(request, reply)

    def respond_at_once(self, request: Request) -> Reply | None:
        """Like ``respond``, for requests without waiting: reads of Step Functions, and errands."""
        if data_plane(request) is not None:
            return None
        target = request.headers.get("x-amz-target", "")
        reply = None
        if is_errand(request):
            reply = self._run_errand(request)
        elif target.startswith(STATES_TARGET) and self.step_functions is not None and request.method == "POST":
            told = self.step_functions.handle_at_once(target, request.body, request.headers)
            reply = None if told is None else Reply(told.status, _pairs(told.headers), told.body)
        return None if reply is None else self._shown_to(request, reply)

    def _shown_to(self, request: Request, reply: Reply) -> Reply:
        """The reply in the form that the asking page may see."""
        reply = reply if request.path.startswith(CONSOLE) else _boxed(request, reply)
        own = request.path in self._own_paths
        if "origin" not in request.headers or (request.path.startswith(CONSOLE) and not own):
            return reply
        return self._door.granted(request, reply, own=own)

    async def answer(self, request: Request) -> Reply:
        """The reply to ``request``; an unexpected error becomes a 500."""
        if data_plane(request) is not None:  # first: pages of any origin may call it, and must reach nothing else
            return await self._elsewhere(request)
        target = request.headers.get("x-amz-target", "")
        if target.startswith(STATES_TARGET):
            return await self._states(target, request)
        if (permit := self._door.preflight(request, own=request.path in self._own_paths)) is not None:
            return permit
        return await self._without_target(request, target)

    def _run_errand(self, request: Request) -> Reply | None:
        """Its reply; ``None`` when it is left to a thread, as all are once errands had their share of the loop."""
        if self._left <= 0:
            return None
        if self._left == ERRANDS:
            asyncio.get_running_loop().call_soon(self._refresh)
        began = time.perf_counter()
        reply = self._guarded_call(request, partial(self._neighbours.answer_at_once, address(request).region, request))
        self._left -= time.perf_counter() - began
        return reply

    def _refresh(self) -> None:
        self._left = ERRANDS

    async def _without_target(self, request: Request, target: str) -> Reply:
        """The reply to a request whose service is known from its path and method, or from its signature."""
        own = self._own.get((request.method, request.path))
        if own is not None:
            return await own(request)
        if request.path.startswith(CONSOLE) or _is_opened(request):
            return await self._shown(request)
        if address(request).service == "states":
            return await self._states(target, request)
        return await self._elsewhere(request)

    async def _shown(self, request: Request) -> Reply:
        """The reply to the page under ``/_sfn/``; no bucket can have that name."""
        if self.console is None:
            return json_error(503, "ServiceUnavailable", "The server is not open yet.")
        if request.path in (CONSOLE, "/"):
            return _LED_THERE
        path = unquote(request.path.removeprefix(f"{CONSOLE}/"))
        told = await self.console.answer(request.method, path, request.parameters(), request.headers, request.body)
        return Reply(told.status, [("content-type", told.type), *told.headers], told.body, told.stream)

    def answer_from_thread(self, request: Request) -> Reply:
        """Like ``answer``, but blocking, in the calling thread; only Step Functions itself is called on the loop.
        Never call it on the loop.
        """
        if self._is_states(request):
            if self._loop is None:
                raise RuntimeError("The gateway is not open yet.")
            return asyncio.run_coroutine_threadsafe(self.answer(request), self._loop).result()
        return self._guarded_call(request, self._destination(request)[1])

    def open(self) -> None:
        """Called on the loop before the first request."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._waiting.shutdown(wait=False, cancel_futures=True)
        self._rest.close()
        self._http.close()
        self._invocations.shutdown(wait=False, cancel_futures=True)

    async def _states(self, target: str, request: Request) -> Reply:
        if self.step_functions is None:
            return json_error(501, "NotImplemented", "Step Functions is not served by this process.")
        if request.method != "POST":
            return json_error(404, "UnknownOperationException", f"Operations are POSTed; this was a {request.method}.")
        told = await self.step_functions.handle(target, request.body, request.headers)
        return Reply(told.status, _pairs(told.headers), told.body)

    async def _elsewhere(self, request: Request) -> Reply:
        if request.path.startswith(_OUR_PATHS):
            return json_error(404, "UnknownOperationException", f"There is no {request.method} {request.path} here.")
        if self._neighbours.refusal is not None:
            return error_reply(address(request).service, request, 503, "ServiceUnavailable", self._neighbours.refusal)
        if data_plane(request) is None and (begun := self._begun(request)) is not None:
            return await begun
        threads, call = self._destination(request)
        try:
            reply = asyncio.get_running_loop().run_in_executor(threads, self._guarded_call, request, call)
        except RuntimeError as error:  # the system gives no further thread
            told = f"The request can't be taken at present: {error}."
            return error_reply(address(request).service, request, 503, "ServiceUnavailable", told)
        return await reply

    def _begun(self, request: Request) -> Awaitable[Reply] | None:
        """The reply to come of an invocation that needs no thread."""
        where = address(request)
        if where.service != "lambda":
            return None
        with self._caused(request):
            return self._lambda.begin(where.region, request)

    def _is_states(self, request: Request) -> bool:
        return data_plane(request) is None and request.headers.get("x-amz-target", "").startswith(STATES_TARGET)

    def _destination(self, request: Request) -> tuple[ThreadPoolExecutor, Callable[[], Reply]]:
        """The neighbour that answers, and its pool of threads: requests that wait (for a function, a message, a stack)
        must not take the threads that others need.
        """
        called = data_plane(request)
        if called is not None:
            return self._invocations, partial(self._called, called, request)
        if self.stacks is not None and self.stacks.is_signal(request):
            return self._waiting, partial(self.stacks.take, request)
        where = address(request)
        if where.service == "lambda":
            threads = self._invocations if self._lambda.is_invocation(request) else self._threads
            return threads, partial(self._lambda.answer, where.region, request)
        if self.stacks is not None and self.stacks.serves(where.service):
            return self._waiting, partial(self.stacks.answer, where.service, where.region, request)
        request.path = bucket_path(request) or request.path
        threads = self._waiting if operation(request) == "ReceiveMessage" else self._threads
        return threads, partial(self._neighbours.answer, where.service, where.region, request)

    def _called(self, where: DataPlane | FunctionUrl, request: Request) -> Reply:
        if isinstance(where, FunctionUrl):
            return self._urls.answer(where, request)
        return (self._http if self._http.has(where.api) else self._rest).answer(where, request)

    def _caused(self, request: Request) -> AbstractContextManager[None]:
        """Makes the cause of a request that of everything this thread does in its block."""
        trace = request.headers.get("x-amzn-trace-id")
        return nullcontext() if trace is None else caused_by(self._neighbours.witness.traces.of(trace) or cause())

    def _guarded_call(self, request: Request, call: Callable[[], R]) -> R | Reply:
        try:
            with self._caused(request):
                return call()
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return _failure()


def _failure() -> Reply:
    return json_error(500, "InternalFailure", OWN_FAULT)


def _is_opened(request: Request) -> bool:
    """Whether a browser opens ``/``. An S3 client that lists its buckets there signs, and does not accept HTML."""
    if request.path != "/" or request.query or request.method not in ("GET", "HEAD"):
        return False
    headers = request.headers
    return "text/html" in headers.get("accept", "") and "authorization" not in headers


def _pairs(headers: Any) -> list[tuple[str, str]]:
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers)


_PAGES: Final = ("text/html", "application/xhtml", "image/svg")
_BOX: Final = ("content-security-policy", "sandbox allow-scripts allow-forms allow-popups")


def _boxed(request: Request, reply: Reply) -> Reply:
    """Gives a document of a bucket or a function an origin of its own, so that it can't reach the page's token.

    A policy that the document brings (helmet's) is kept beside ours: a browser obeys both.
    """
    kind = next((value for name, value in reply.headers if name == "content-type"), "")
    shown = kind.lower().startswith(_PAGES) or "sec-fetch-dest" in request.headers
    if not shown:
        return reply
    return reply._replace(headers=[*reply.headers, _BOX])
