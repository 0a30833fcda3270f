"""Functions run in warm child processes: the ordinary way."""

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from sfn_emulator.cloud.keeping.chance import drawn
from sfn_emulator.cloud.lambdas.conversation import Conversation
from sfn_emulator.cloud.lambdas.functions import Bundles, Function
from sfn_emulator.cloud.lambdas.pool import IDLE_SECONDS, IN_ALL, INIT_SECONDS, PER_FUNCTION, Pool
from sfn_emulator.cloud.lambdas.runtimes.images import ContainerWorker
from sfn_emulator.cloud.lambdas.runtimes.interface import Interface
from sfn_emulator.cloud.lambdas.runtimes.worker import RuntimeWorker
from sfn_emulator.cloud.lambdas.zygote import Outcome, Worker, Zygote

_SHED_EVERY: Final = 30.0
_NOBODY: Final = Outcome("departed", {}, b"", b"")


class Ran(NamedTuple):
    """An outcome, its log stream, and the milliseconds that a new worker took to load."""

    outcome: Outcome
    stream: str
    init: float | None = None


Told = Callable[[Callable[[], Ran]], None]
"""Takes a function that gives what ``run`` would give, or raises what it would raise."""


class Processes:
    """Blocking, from any thread. ``endpoint`` is asked when a worker is made, not before."""

    def __init__(self, bundles: Bundles, endpoint: Callable[[], str]) -> None:
        self._bundles, self._endpoint = bundles, endpoint
        self._zygote = Zygote()
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, str, str], tuple[Function, Pool]] = {}
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None

    def load(self, function: Function) -> None:
        """Does nothing: no function's code runs in this process."""

    def warm_up(self) -> None:
        """Makes the first invocation fast. Called when a function is deployed; works on a thread of its own."""
        with contextlib.suppress(OSError):
            self._zygote.start()

    def run(self, function: Function, header: Mapping[str, Any], payload: bytes) -> Ran:
        """One invocation. Raises ``ArchiveError`` for code that can't be unpacked."""
        pool = self._pool(function)
        worker, fit = pool.take(nested=header.get("depth", 0) > 0), False
        init: float | None = None
        log = b""
        try:
            outcome = worker.invoke(header, payload, function.timeout) if worker is not None else _NOBODY
            if worker is None or outcome.ended == "departed":
                worker, loaded, init = self._made(function)
                if loaded.ended != "answered" or not loaded.header["ready"]:
                    worker.kill()
                    return Ran(_not_loaded(loaded), worker.stream, init)
                log = outcome.log + loaded.log
                self._zygote.learn(loaded.header.get("models"))
                outcome = worker.invoke(header, payload, function.timeout)
            if outcome.ended == "departed":  # a new one, too
                outcome = outcome._replace(ended="exited", status=-signal.SIGKILL)
            self._zygote.learn(outcome.header.get("models"))
            fit = outcome.ended == "answered"
            return Ran(outcome._replace(log=log + outcome.log), worker.stream, init)
        finally:
            pool.give_back(worker if fit else None)

    def has_idle(self, function: Function) -> bool:
        """Whether a warm worker of it is free. False for a function that is a program of its own."""
        pool = self._known_pool(function)
        return pool is not None and pool.has_idle

    def begin(self, function: Function, header: Mapping[str, Any], payload: bytes, told: Told) -> bool:
        """Like ``run``, on the loop, which ``told`` is called on. False if ``has_idle`` is, and nothing was done."""
        pool = self._known_pool(function)
        worker = None if pool is None else pool.take_idle()
        if pool is None or worker is None:
            return False
        if not worker.is_sound:
            pool.keep(None)
            _on_thread(worker.kill)
            return False

        def ended(outcome: Outcome) -> None:
            self._zygote.learn(outcome.header.get("models"))
            if outcome.ended != "answered":
                pool.keep(None)
            elif not pool.keep(worker):
                _on_thread(worker.kill)
            if outcome.ended != "departed":
                told(lambda: Ran(outcome, worker.stream))
            else:
                again = asyncio.get_running_loop().run_in_executor(None, self.run, function, header, payload)
                again.add_done_callback(lambda ran: told(ran.result))

        Conversation(worker, header, payload, function.timeout, ended)
        return True

    def forget(self) -> None:
        """Ends the workers of all functions: idle ones now, busy ones when they are done."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for _, pool in pools.values():
            pool.retire()

    def close(self) -> None:
        """Ends every worker. Invocations under way see theirs exit."""
        self._closing.set()
        self._zygote.close()
        for _, pool in list(self._pools.values()):
            pool.retire()

    def _made(self, function: Function) -> Any:
        began = time.perf_counter()
        stream = log_stream(function)
        spec = self._bundles.spec(function, self._endpoint(), stream)
        worker = self._spawned(spec)
        worker.stream = stream
        loaded = worker.initialise(INIT_SECONDS + function.timeout)
        return worker, loaded, (time.perf_counter() - began) * 1000

    def _spawned(self, spec: dict[str, Any]) -> Worker:
        if "command" not in spec:
            return self._zygote.spawn(spec)
        interface = Interface()
        environment = {**spec["environment"], "AWS_LAMBDA_RUNTIME_API": interface.address}
        made: Callable[..., Worker] = partial(RuntimeWorker, interface)
        if "container" in spec:
            made = partial(ContainerWorker, spec["command"][0], spec["container"], interface)
        try:
            return self._zygote.spawn({**spec, "environment": environment}, made)
        except OSError:
            interface.close()
            raise

    def _known_pool(self, function: Function) -> Pool | None:
        known, pool = self._pools.get(_key(function), (None, None))
        return pool if known is function and _is_ours(function) else None

    def _pool(self, function: Function) -> Pool:
        key = _key(function)
        with self._lock:
            known = self._pools.get(key)
            if known is not None and _same_code(known[0], function):
                self._pools[key] = (function, known[1])
                return known[1]
            pool = Pool(PER_FUNCTION)
            self._pools[key] = (function, pool)
            self._keep()
        if known is not None:
            known[1].retire()
        return pool

    def _keep(self) -> None:
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._shed, name="lambda-keeper", daemon=True)
            self._keeper.start()

    def _shed(self) -> None:
        while not self._closing.wait(_SHED_EVERY):
            with self._lock:
                pools = list(self._pools.items())
            idle = IDLE_SECONDS
            while sum(pool.shed(time.monotonic() - idle) for _, (_, pool) in pools) > IN_ALL and idle > 1:
                idle /= 2


def log_stream(function: Function) -> str:
    """A new worker's stream name, as Lambda makes them: date, version, 32 hexadecimal digits."""
    return f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{function.version}]{drawn().hex()}"


def _key(function: Function) -> tuple[str, str, str]:
    return function.region, function.name, function.version


def _on_thread(kill: Callable[[], None]) -> None:
    """Ends a worker, which waits for the zygote."""
    threading.Thread(target=kill, name="lambda-end", daemon=True).start()


def _is_ours(function: Function) -> bool:
    """Whether its workers run our own code, and not a program that speaks the Runtime API."""
    return function.image is None and function.runtime.startswith("python")


def _same_code(one: Function, other: Function) -> bool:
    if one is other:
        return True
    names = ("handler", "runtime", "memory", "variables", "code", "layers", "image")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _not_loaded(loaded: Outcome) -> Outcome:
    if loaded.ended != "answered":
        return loaded
    return loaded._replace(header={"failed": True})
