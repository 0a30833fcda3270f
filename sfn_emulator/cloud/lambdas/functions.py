"""A deployed function, read from moto's Lambda backend, and the code and environment that it runs with."""

import os
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from sfn_emulator.cloud.lambdas.archive import clear, laid_over, unpack
from sfn_emulator.cloud.lambdas.runtimes import images
from sfn_emulator.cloud.lambdas.runtimes.families import Laid, beside, family_of
from sfn_emulator.cloud.neighbours import Neighbours

_ARN: Final = re.compile(
    r"^(?:arn:aws[\w-]*:lambda:(?P<region>[\w-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[\w-]{1,140})(?::(?P<qualifier>\$LATEST|[\w-]+))?$"
)
_CHANGING: Final = ("lambda", "cloudformation")


class InvokeError(Exception):
    """An invocation that was not begun: Lambda's error ``code``, ``message`` and HTTP ``status``."""

    def __init__(self, code: str, message: str, status: int) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(message)


class ThrottledError(InvokeError):
    """There is no room for one more invocation; ``reason`` is AWS's name for the limit that was met."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("TooManyRequestsException", "Rate Exceeded.", 429)


class FunctionNotFoundError(InvokeError, LookupError):
    """No such function, version or alias; the text is AWS's."""

    def __init__(self, arn: str) -> None:
        super().__init__("ResourceNotFoundException", f"Function not found: {arn}", 404)


class FunctionName(NamedTuple):
    region: str
    name: str
    qualifier: str | None


@dataclass(frozen=True, slots=True)
class Function:
    """``version`` is a number or ``$LATEST``; ``arn`` the one it was asked for by, ``timeout`` in seconds."""

    region: str
    name: str
    version: str
    arn: str
    handler: str
    runtime: str
    timeout: float
    memory: int
    reserved: int | None
    variables: tuple[tuple[str, str], ...]
    retries: int
    """Retries of an asynchronous invocation. It is given up ``most_age`` seconds after it was accepted."""
    most_age: float
    on_success: str | None
    on_failure: str | None
    dead_letters: str | None
    code: bytes = field(repr=False)
    layers: tuple[bytes, ...] = field(repr=False)
    image: images.Image | None = None

    @property
    def log_group(self) -> str:
        return f"/aws/lambda/{self.name}"


def parsed(function: str, qualifier: str | None, region: str) -> FunctionName:
    """The parts of a function's name, partial ARN or full ARN. Raises ``InvokeError`` for any other text."""
    found = _ARN.match(function)
    if found is None:
        text = f"1 validation error detected: Value '{function}' at 'functionName' failed to satisfy constraint"
        raise InvokeError("ValidationException", text, 400)
    return FunctionName(found["region"] or region, found["name"], qualifier or found["qualifier"])


class Functions:
    """The functions that can be invoked; kept until something about Lambda changes."""

    def __init__(self, neighbours: Neighbours, account: str) -> None:
        self._neighbours, self._account = neighbours, account
        self._known: dict[FunctionName, Ways] = {}
        self._seen = -1

    def get(self, name: FunctionName) -> Function:
        """Raises ``FunctionNotFoundError``."""
        known = self.known(name)
        if known is not None:
            return known
        ways = self._known[name] = self._read(name)
        return _drawn(ways)

    def known(self, name: FunctionName) -> Function | None:
        """The function, if it was read before and nothing has changed since. Does not wait."""
        changes = self._neighbours.changes(*_CHANGING)
        if changes != self._seen:
            self._known, self._seen = {}, changes
        ways = self._known.get(name)
        return None if ways is None else _drawn(ways)

    def arn(self, name: FunctionName) -> str:
        whole = f"arn:aws:lambda:{name.region}:{self._account}:function:{name.name}"
        return f"{whole}:{name.qualifier}" if name.qualifier else whole

    def _read(self, name: FunctionName) -> "Ways":
        with self._neighbours.held("awslambda"):
            backend = self._neighbours.backend("awslambda", name.region)
            try:
                found = backend.get_function(name.name, name.qualifier)
            except Exception:  # moto raises one exception for a missing function, another for a missing version
                named = name if name.qualifier else name._replace(qualifier="$LATEST")
                raise FunctionNotFoundError(self.arn(named)) from None
            others = [
                (weight, self._told(backend.get_function(name.name, version), name, backend))
                for version, weight in _weights(backend, name).items()
            ]
            return (*others, (1.0, self._told(found, name, backend)))

    def _told(self, found: Any, name: FunctionName, backend: Any) -> Function:
        latest = name.qualifier in (None, "$LATEST")
        return Function(
            region=name.region,
            name=name.name,
            version="$LATEST" if latest else str(found.version),
            arn=self.arn(name),
            handler=found.handler or "",
            runtime=found.run_time or "",
            timeout=float(found.timeout or 3),
            memory=int(found.memory_size or 128),
            reserved=None if found.reserved_concurrency is None else int(found.reserved_concurrency),
            variables=tuple((str(k), str(v)) for k, v in (found.environment_vars or {}).items()),
            **_when_asynchronous(found),
            code=bytes(getattr(found, "code_bytes", b"")),
            layers=tuple(filter(None, (_layer(backend, layer["Arn"]) for layer in found.layers))),
            image=images.image_of(found),
        )


Ways: TypeAlias = tuple[tuple[float, Function], ...]
"""The versions an invocation may reach, each with its share of the traffic; the last one has the rest."""


def _drawn(ways: Ways) -> Function:
    if len(ways) > 1:
        left = int.from_bytes(os.urandom(7)) / 2**56
        for share, function in ways[:-1]:
            left -= share
            if left < 0:
                return function
    return ways[-1][1]


def _weights(backend: Any, name: FunctionName) -> dict[str, float]:
    """The additional versions that get a share of an alias's traffic (Lambda, "Implement canary deployments using an
    alias").
    """
    alias = next((alias for alias in backend.list_aliases(name.name) if alias.name == name.qualifier), None)
    told = (alias.routing_config or {}) if alias is not None else {}
    return {str(key): float(weight) for key, weight in (told.get("AdditionalVersionWeights") or {}).items()}


def _when_asynchronous(found: Any) -> dict[str, Any]:
    """EventInvokeConfig and DeadLetterConfig."""
    told = found.event_invoke_config[0].config if found.event_invoke_config else {}
    places = told.get("DestinationConfig") or {}
    return {
        "retries": int(told.get("MaximumRetryAttempts", 2)),
        "most_age": float(told.get("MaximumEventAgeInSeconds", 21_600)),
        "on_success": (places.get("OnSuccess") or {}).get("Destination") or None,
        "on_failure": (places.get("OnFailure") or {}).get("Destination") or None,
        "dead_letters": (getattr(found, "dead_letters", None) or {}).get("TargetArn") or None,
    }


def _layer(backend: Any, arn: str) -> bytes:
    found = backend.layers_versions_by_arn(arn)
    return bytes(getattr(found, "code_bytes", None) or b"")


class Bundles:
    """Functions' code on disk, unpacked once per content and process.

    Files that an earlier process unpacked are not used: somebody may have changed them.
    """

    def __init__(self, directory: Path) -> None:
        clear(directory)
        self._directory = directory
        self._lock = threading.Lock()

    def spec(self, function: Function, endpoint: str, stream: str) -> dict[str, Any]:
        """The settings that a worker is started with: root, path, handler, environment, and ``command`` where it is a
        program.

        Raises ``ArchiveError``, and ``UnrunnableError`` where no program on this machine runs the function.
        """
        if function.image is not None:
            return images.spec(function.image, _environment(function, endpoint, stream, "/"), function.memory)
        family = family_of(function.runtime)
        into = self._directory if family is None else beside(self._directory, function.layers)
        with self._lock:
            root = str(unpack(function.code, into))
            layers = [str(unpack(layer, self._directory)) for layer in function.layers]
            opt = {"opt": str(laid_over(list(map(Path, layers)), self._directory))} if layers else {}
        environment = _environment(function, endpoint, stream, root)
        if family is not None:
            laid = Laid(Path(root), tuple(map(Path, layers)), function.handler, function.memory)
            whole = {**family.environment(laid), **environment}
            return {"environment": whole, "root": root, "command": family.command(laid), **opt}
        own = environment.get("PYTHONPATH", "").replace("/var/task", root).split(":")
        deep = f"python/lib/{function.runtime}/site-packages"
        libraries = [f"{layer}/{part}".rstrip("/") for layer in layers for part in (deep, "python", "")]
        path = [root, *libraries, *(part for part in own if part)]
        return {"environment": environment, "root": root, "path": path, "handler": function.handler, **opt}


def _environment(function: Function, endpoint: str, stream: str, root: str) -> dict[str, str]:
    """The environment variables that Lambda gives a function (Lambda, ``configuration-envvars``), and our port's
    address.
    """
    return {
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": "/tmp",
        "AWS_ENDPOINT_URL": endpoint,
        **dict(function.variables),
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "LAMBDA_TASK_ROOT": root,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }
