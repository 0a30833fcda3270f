"""Runs Lambda functions: which one is invoked and where, and what its caller and its log get.

``Lambdas`` blocks and may be called from any thread; it never holds moto's lock while a function runs, so a function
may call DynamoDB, and other functions, as it likes.
"""

import asyncio
import datetime
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import orjson

from sfn_emulator.cloud.delivery.outbox import Post
from sfn_emulator.cloud.keeping.chance import new_id
from sfn_emulator.cloud.lambdas.archive import ArchiveError
from sfn_emulator.cloud.lambdas.asynchronous import KIND
from sfn_emulator.cloud.lambdas.functions import (
    Bundles,
    Function,
    FunctionName,
    Functions,
    InvokeError,
    ThrottledError,
    parsed,
)
from sfn_emulator.cloud.lambdas.pool import BusyError
from sfn_emulator.cloud.lambdas.processes import Processes, Ran, Told
from sfn_emulator.cloud.lambdas.runtimes.families import UnrunnableError, family_of
from sfn_emulator.cloud.lambdas.zygote import Outcome
from sfn_emulator.cloud.logs import Lines, LogWriter
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.service.running.causes import Cause, cause

REQUEST_LIMIT: Final = 6_291_456
EVENT_LIMIT: Final = 1_048_576
"""Bytes of a synchronous and of an asynchronous invocation (Lambda quotas)."""
_LOG_TAIL: Final = 4096
_LIGHT: Final = 256 * 1024
"""Bytes that are looked through on the loop."""


class InvokeResult(NamedTuple):
    """The answer of Invoke; ``function_error`` is None or "Unhandled", ``log`` the last 4 KB of the log."""

    payload: bytes
    function_error: str | None
    executed_version: str
    status_code: int = 200
    request_id: str = ""
    log: bytes = b""


class Invocation(NamedTuple):
    """One that has begun: ``began`` is in seconds, ``who`` the execution's Task that makes it."""

    function: Function
    id: str
    depth: int
    context: Mapping[str, Any] | None
    began: float
    who: Cause | None

    @property
    def header(self) -> dict[str, Any]:
        """The header of the frame that its worker gets."""
        timeout, trace = self.function.timeout, trace_id(self.id, self.depth + 1)
        told = {"id": self.id, "arn": self.function.arn, "timeout": timeout, "client_context": self.context}
        return {**told, "depth": self.depth, "trace": trace}


class Runner(Protocol):
    def warm_up(self) -> None: ...
    def load(self, function: Function) -> None: ...
    def run(self, function: Function, header: Mapping[str, Any], payload: bytes) -> Ran: ...
    def has_idle(self, function: Function) -> bool: ...
    def begin(self, function: Function, header: Mapping[str, Any], payload: bytes, told: Told) -> bool: ...
    def forget(self) -> None: ...
    def close(self) -> None: ...


class Logs(Protocol):
    def write(self, lines: Lines) -> None: ...
    def forget(self) -> None: ...
    def close(self) -> None: ...


class Lambdas:
    """``endpoint`` gives the URL handlers reach us at; ``directory`` is where code is unpacked.

    ``logs`` takes the functions' output; without it, CloudWatch Logs does.
    """

    def __init__(
        self,
        neighbours: Neighbours,
        *,
        account: str,
        region: str,
        directory: Path,
        endpoint: Callable[[], str],
        post: Post,
        mode: str = "process",
        logs: Logs | None = None,
    ) -> None:
        self._post = post
        self._region = region
        self._functions = Functions(neighbours, account)
        self._runner = _runner(mode, Bundles(directory), endpoint)
        self._logs: Logs = LogWriter(neighbours.answer) if logs is None else logs
        self.heard: Callable[[Lines], None] = lambda lines: None
        """Called with the log lines of each invocation."""
        self._witness = neighbours.witness
        self._active: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def invoke(
        self,
        function: str,
        payload: bytes,
        qualifier: str | None = None,
        *,
        region: str | None = None,
        client_context: Mapping[str, Any] | None = None,
        depth: int = 0,
    ) -> InvokeResult:
        """Runs it and waits. ``depth`` is the number of functions that wait for it, in a chain.

        Raises ``FunctionNotFoundError`` (a ``LookupError``) and ``InvokeError``."""
        found = self._checked(function, payload, qualifier, region, REQUEST_LIMIT)
        self._occupy(found)
        try:
            return self._run(_invocation(found, client_context, depth=depth), payload)
        finally:
            self._leave(found)

    def begin(
        self,
        function: str,
        payload: bytes,
        qualifier: str | None = None,
        *,
        region: str | None = None,
        client_context: Mapping[str, Any] | None = None,
        depth: int = 0,
    ) -> asyncio.Future[InvokeResult] | None:
        """Like ``invoke``, on the loop and without waiting. ``None`` if something would have to be waited for, or if
        it is refused; then nothing was done, and ``invoke`` does it or says why.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a proof runs executions on its own
            return None
        try:
            found = self._functions.known(parsed(function, qualifier, region or self._region))
            if found is None or len(payload) > _LIGHT or not self._runner.has_idle(found):
                return None
            self._check(found, payload, REQUEST_LIMIT)
            self._occupy(found)
        except InvokeError:
            return None
        invocation = _invocation(found, client_context, depth=depth)
        header, result = invocation.header, loop.create_future()
        if not self._runner.begin(found, header, payload, partial(self._ended, invocation, result)):
            self._leave(found)
            return None
        self._witness.traces.begin(header["trace"])
        return result

    def _ended(self, invocation: Invocation, result: asyncio.Future[InvokeResult], run: Callable[[], Ran]) -> None:
        self._leave(invocation.function)
        if result.done():  # nobody waits any more
            return
        try:
            result.set_result(self._result(invocation, run))
        except Exception as error:
            result.set_exception(error)

    def invoke_later(
        self, function: str, payload: bytes, qualifier: str | None = None, *, region: str | None = None
    ) -> str:
        """Runs it without waiting (InvocationType Event), and again when it fails. Returns its request id."""
        found = self._checked(function, payload, qualifier, region, EVENT_LIMIT)
        request_id = new_id()
        self._post(KIND, found.arn, payload, {"id": request_id})
        return request_id

    def check(self, function: str, payload: bytes, qualifier: str | None = None, *, region: str | None = None) -> None:
        """The checks of an invocation, without running it (InvocationType DryRun)."""
        self._checked(function, payload, qualifier, region, REQUEST_LIMIT)

    def preload(self, function: str) -> None:
        """Imports the function's code into this process, where it runs in this process. Raises as ``invoke`` does."""
        self._runner.load(self._functions.get(parsed(function, None, self._region)))

    def warm_up(self) -> None:
        """Gets ready to run a function that was deployed."""
        threading.Thread(target=self._runner.warm_up, name="lambda-warm-up", daemon=True).start()

    def forget(self) -> None:
        """The neighbours forgot their functions and logs: the next invocations begin with new workers."""
        self._runner.forget()
        self._logs.forget()

    def close(self) -> None:
        self._runner.close()
        self._logs.close()

    def _checked(
        self, function: str, payload: bytes, qualifier: str | None, region: str | None, limit: int
    ) -> Function:
        found = self._functions.get(parsed(function, qualifier, region or self._region))
        self._check(found, payload, limit)
        return found

    def _check(self, function: Function, payload: bytes, limit: int) -> None:
        if len(payload) > limit:
            text = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            raise InvokeError("RequestTooLargeException", text, 413)
        _check_json(payload)
        if not (function.image or function.runtime.startswith("python") or family_of(function.runtime)):
            text = f"The runtime '{function.runtime}' of function {function.name} is not run here."
            raise InvokeError("InvalidRuntimeException", text, 502)

    def _occupy(self, function: Function) -> None:
        with self._lock:
            key = (function.region, function.name)
            if function.reserved is not None and self._active[key] >= function.reserved:
                raise ThrottledError("ReservedFunctionConcurrentInvocationLimitExceeded")
            self._active[key] += 1

    def _leave(self, function: Function) -> None:
        with self._lock:
            self._active[function.region, function.name] -= 1

    def attempt(self, function: Function, payload: bytes, request_id: str) -> InvokeResult:
        """Runs an asynchronous invocation once. Raises ``InvokeError``."""
        self._occupy(function)
        try:
            return self._run(_invocation(function, request_id=request_id), payload)
        finally:
            self._leave(function)

    def found(self, arn: str) -> Function:
        """Raises ``FunctionNotFoundError``."""
        return self._functions.get(parsed(arn, None, self._region))

    def _run(self, invocation: Invocation, payload: bytes) -> InvokeResult:
        header = invocation.header
        self._witness.traces.begin(header["trace"])
        return self._result(invocation, lambda: self._runner.run(invocation.function, header, payload))

    def _result(self, invocation: Invocation, run: Callable[[], Ran]) -> InvokeResult:
        """What the caller gets, after the log has its lines. Raises ``InvokeError``."""
        try:
            ran = run()
        except (ArchiveError, UnrunnableError) as error:
            ran = Ran(_unusable(str(error)), "")
        except BusyError:
            raise ThrottledError("ConcurrentInvocationLimitExceeded") from None
        except OSError as error:
            raise InvokeError("ServiceException", f"The function could not be started: {error}", 500) from None
        function, seconds = invocation.function, time.perf_counter() - invocation.began
        failed, answer = _answer(ran.outcome, function, invocation.id)
        lines = _report(ran, function, invocation.id, seconds * 1000)
        if ran.stream:
            told = Lines(function.region, function.log_group, ran.stream, _milliseconds(), lines)
            self._logs.write(told)
            self.heard(told)
        tail = "\n".join(lines).encode()[-_LOG_TAIL:]
        self._witness.invoked(function.name, tail, seconds, invocation.who)
        return InvokeResult(answer, "Unhandled" if failed else None, function.version, 200, invocation.id, tail)


def _invocation(
    function: Function, context: Mapping[str, Any] | None = None, request_id: str = "", depth: int = 0
) -> Invocation:
    return Invocation(function, request_id or new_id(), depth, context, time.perf_counter(), cause())


def _runner(mode: str, bundles: Bundles, endpoint: Callable[[], str]) -> Runner:
    if mode == "inprocess":
        from sfn_emulator.cloud.lambdas.inprocess import InProcess

        return InProcess(bundles, endpoint)
    return Processes(bundles, endpoint)


def _check_json(payload: bytes) -> None:
    try:
        orjson.loads(payload or b"{}")
    except ValueError as error:
        text = f"Could not parse request body into json: Could not parse payload into json: {error}"
        raise InvokeError("InvalidRequestContentException", text, 400) from None


def trace_id(request_id: str, depth: int) -> str:
    """X-Ray's header, with the lineage that a function's own SDK passes on in its calls."""
    digits = request_id.replace("-", "")
    root = f"Root=1-{time.time_ns() // 1_000_000_000:08x}-{digits[:24]};Parent={digits[16:]};Sampled=0"
    return f"{root};Lineage=1:{digits[:8]}:{depth}"


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000  # log lines carry the machine's time, as handlers see it


# -- what an outcome is to the caller, and to the log


def _answer(outcome: Outcome, function: Function, request_id: str) -> tuple[bool, bytes]:
    if outcome.ended == "answered":
        return bool(outcome.header.get("failed")), outcome.payload
    kind, text = _ending(outcome, function)
    return True, orjson.dumps({"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {text}"})


def _ending(outcome: Outcome, function: Function) -> tuple[str, str]:
    if outcome.ended == "timed out":
        return "Sandbox.Timedout", f"Task timed out after {function.timeout:.2f} seconds"
    if outcome.status == 0:
        return "Runtime.ExitError", "Runtime exited without providing a reason"
    how = f"exit status {outcome.status}" if outcome.status > 0 else f"signal: {_signal(-outcome.status)}"
    return "Runtime.ExitError", f"Runtime exited with error: {how}"


def _signal(number: int) -> str:
    return {9: "killed", 11: "segmentation fault", 6: "aborted", 15: "terminated"}.get(number, str(number))


def _unusable(message: str) -> Outcome:
    told = orjson.dumps({"errorType": "Runtime.InvalidEntrypoint", "errorMessage": message})
    return Outcome("answered", {"failed": True}, told, b"")


def _report(ran: Ran, function: Function, request_id: str, milliseconds: float) -> list[str]:
    """The invocation's lines as Lambda logs them (``monitoring-cloudwatchlogs``)."""
    outcome = ran.outcome
    told = outcome.log.decode("utf-8", "replace")
    lines = [f"START RequestId: {request_id} Version: {function.version}", *told.splitlines()]
    if outcome.ended != "answered":
        now = datetime.datetime.fromtimestamp(_milliseconds() / 1000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        kind, text = _ending(outcome, function)
        lines.append(f"{now[:-3]}Z {request_id} {text}" if kind == "Sandbox.Timedout" else f"{kind}: {text}")
    billed = -int(-milliseconds // 1)
    duration = max(0.01, milliseconds - (ran.init or 0.0))  # loading time is billed, and reported separately
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms\tBilled Duration: {billed} ms\t"
        f"Memory Size: {function.memory} MB\tMax Memory Used: {outcome.header.get('memory', function.memory)} MB"
    )
    init = f"\tInit Duration: {ran.init:.2f} ms" if ran.init is not None else ""
    return [*lines, f"END RequestId: {request_id}", report + init]


__all__ = ["FunctionName", "InvokeError", "InvokeResult", "Lambdas"]
