"""Functions run in the emulator's own process, so that a breakpoint in a handler just works.

If the working directory holds the very files that were deployed, those files are run, so a debugger's breakpoints in
them are hit. The function's environment variables, current request and output are kept per thread. A time-out is
reported but can't be enforced on a thread. While a debugger is attached it is not reported either.
"""

import contextlib
import importlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, Self, TextIO, cast

from sfn_emulator.cloud.lambdas import worker as lambda_worker
from sfn_emulator.cloud.lambdas.functions import Bundles, Function
from sfn_emulator.cloud.lambdas.processes import Processes, Ran, Told, log_stream
from sfn_emulator.cloud.lambdas.zygote import Outcome

_DEBUGGERS: Final = ("pdb", "pydevd", "debugpy", "ipdb")
_current: Final = threading.local()


def _is_debugged() -> bool:
    return any(name in sys.modules for name in _DEBUGGERS)


class InProcess:
    """Blocking, from any thread."""

    def __init__(self, bundles: Bundles, endpoint: Callable[[], str]) -> None:
        self._bundles, self._endpoint = bundles, endpoint
        self._lock = threading.RLock()
        self._loaded: dict[tuple[str, str, str], tuple[Function, dict[str, Any], lambda_worker.Handler]] = {}
        self._others = Processes(bundles, endpoint)
        """Runs functions that are not Python: no thread of this process can."""
        _share_by_thread()

    def warm_up(self) -> None:
        """Nothing to do."""

    def forget(self) -> None:
        """Makes every function load again."""
        with self._lock:
            self._loaded.clear()
        self._others.forget()

    def close(self) -> None:
        """Handlers still running are daemon threads."""
        self._others.close()

    def load(self, function: Function) -> None:
        """Imports the function's modules; raises what they raise."""
        if function.runtime.startswith("python"):
            spec = self._bundles.spec(function, self._endpoint(), "")
            with _as_lambda(spec["environment"], io.StringIO()):
                self._handler(function, spec)

    def run(self, function: Function, header: Mapping[str, Any], payload: bytes) -> Ran:
        if not function.runtime.startswith("python"):
            return self._others.run(function, header, payload)
        result: list[Outcome] = []
        stream = log_stream(function)

        def invoke() -> None:
            result.append(self._invoke(function, dict(header), payload, stream))

        thread = threading.Thread(target=invoke, name=f"lambda {function.name}", daemon=True)
        thread.start()
        thread.join(None if _is_debugged() else function.timeout)
        if _is_debugged():  # since its first breakpoint(): a person is looking at it
            thread.join()
        return Ran(result[0] if result else Outcome("timed out", {}, b"", b""), stream)

    def has_idle(self, function: Function) -> bool:
        """False: a handler of this process needs a thread."""
        return False

    def begin(self, function: Function, header: Mapping[str, Any], payload: bytes, told: Told) -> bool:
        """False: a handler of this process needs a thread."""
        return False

    def _invoke(self, function: Function, header: dict[str, Any], payload: bytes, stream: str) -> Outcome:
        output = io.StringIO()
        spec = self._bundles.spec(function, self._endpoint(), stream)
        with _as_lambda({**spec["environment"], "_X_AMZN_TRACE_ID": header["trace"]}, output):
            try:
                handler = self._handler(function, spec)
                context = lambda_worker.Context(spec["environment"], header)
                failed, answer = lambda_worker.call(handler, payload, context, spec["root"])
            except SystemExit as leaving:
                status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
                return Outcome("exited", {}, b"", output.getvalue().encode(), status)
            except Exception as error:
                failed, answer = True, lambda_worker.failure(error, "", spec["root"])
        return Outcome("answered", {"failed": failed, "memory": function.memory}, answer, output.getvalue().encode())

    def _handler(self, function: Function, spec: dict[str, Any]) -> lambda_worker.Handler:
        key = (function.region, function.name, function.version)
        with self._lock:
            known = self._loaded.get(key)
            if known is not None and known[0] == function:
                return known[2]
            handler = _loaded_apart(spec)
            self._loaded[key] = (function, spec, handler)
            return handler


def _loaded_apart(spec: dict[str, Any]) -> lambda_worker.Handler:
    """The handler, its modules imported afresh so that two functions may both have a module ``app``."""
    root = _source(Path(spec["root"]))
    mine = {part.stem for part in Path(spec["root"]).iterdir()}
    hidden = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in mine}
    for name in hidden:
        del sys.modules[name]
    path = list(sys.path)
    sys.path[:0] = [str(root), *spec["path"][1:]]
    importlib.invalidate_caches()
    try:
        return lambda_worker.load(spec["handler"])
    finally:
        sys.path[:] = path
        for name in [name for name in sys.modules if name.partition(".")[0] in mine]:
            del sys.modules[name]
        sys.modules.update(hidden)


def _source(root: Path) -> Path:
    """A directory at or below the working directory that holds the same files; ``root`` when there is none."""
    here = Path.cwd()
    candidates = [here, *(part for part in here.iterdir() if part.is_dir() and not part.name.startswith("."))]
    files = [file.relative_to(root) for file in root.rglob("*.py")][:200]
    return next((place for place in candidates if files and _holds(place, root, files)), root)


def _holds(place: Path, root: Path, files: list[Path]) -> bool:
    return all((place / file).is_file() and (place / file).read_bytes() == (root / file).read_bytes() for file in files)


# -- one process, several environments


@contextlib.contextmanager
def _as_lambda(environment: dict[str, str], output: TextIO) -> Iterator[None]:
    _current.environment, _current.output = environment, output
    try:
        yield
    finally:
        del _current.environment, _current.output


class _Environment(MutableMapping[str, str]):
    """``os.environ`` for a process in which a thread may be a function's."""

    def __init__(self, own: MutableMapping[str, str]) -> None:
        self.own = own

    def _now(self) -> MutableMapping[str, str]:
        mapping: MutableMapping[str, str] = getattr(_current, "environment", self.own)
        return mapping

    def __getitem__(self, name: str) -> str:
        return self._now()[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._now()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def copy(self) -> dict[str, str]:
        return dict(self)

    def __or__(self, other: Mapping[str, str]) -> dict[str, str]:
        return dict(self) | dict(other)

    def __ror__(self, other: Mapping[str, str]) -> dict[str, str]:
        return dict(other) | dict(self)

    def __ior__(self, other: Mapping[str, str]) -> Self:
        self.update(other)
        return self


def overheard(own: TextIO) -> TextIO:
    """Wraps ``own`` into a ``sys.stdout`` that also puts each function's output into that function's log."""
    return cast(TextIO, _Output(own))


class _Output:
    """``sys.stdout`` that lets a function's thread be overheard."""

    def __init__(self, own: TextIO) -> None:
        self._own = own

    def write(self, text: str) -> int:
        output: TextIO | None = getattr(_current, "output", None)
        if output is not None:
            output.write(text)
            sys.stderr.write(text)
            return len(text)
        return self._own.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


def _share_by_thread() -> None:
    if not isinstance(os.environ, _Environment):
        vars(os)["environ"] = _Environment(os.environ)
        sys.stdout = overheard(sys.stdout)
