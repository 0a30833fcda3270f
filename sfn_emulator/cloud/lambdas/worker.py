"""Runs a Lambda function's code: the part of the emulator that lives in the child processes.

Standard library only, and run by path, so that a child carries nothing of the emulator. One child, the zygote, has
boto3 imported and does nothing but fork: ``spawn`` makes a worker for one function within milliseconds, ``reap`` tells
how a worker ended. The zygote ends when its socket does, and its workers with it, so nothing outlives the server.

On the wire, both ways: two big-endian 32-bit lengths, a JSON header, a raw payload.
"""

import array
import gc
import importlib
import importlib.util
import json
import logging
import os
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, TextIO

PAYLOAD_LIMIT = 6_291_556
"""Bytes a synchronous answer may have (AWS: Lambda quotas, 6 MB)."""

FRAME_LIMIT = 64 * 1024 * 1024
"""Bytes that each part of a frame may have. A longer one is no frame of ours."""

_LENGTHS = struct.Struct(">II")
_LOG_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
_TASK_ROOT = "/var/task"
_APPLICATION = "installation_id app_title app_version_name app_version_code app_package_name"

Json = dict[str, Any]
Handler = Callable[[Any, Any], Any]


def _beside(name: str) -> Any:
    """The module in the file next to this one; ``sys.path`` is the functions' own."""
    spec = importlib.util.spec_from_file_location(f"_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_RESULTS = _beside("results")
_BOUNDS = _beside("bounds")


# -- frames


def send(sock: socket.socket, header: Json, payload: bytes = b"") -> None:
    sock.sendall(framed(header, payload))


def framed(header: Json, payload: bytes) -> bytes:
    text = json.dumps(header).encode()
    return _LENGTHS.pack(len(text), len(payload)) + text + payload


def receive(sock: socket.socket) -> tuple[Json, bytes] | None:
    """The next frame, or ``None`` at the end of the stream."""
    lengths = _exactly(sock, _LENGTHS.size)
    if lengths is None:
        return None
    header_size, payload_size = _LENGTHS.unpack(lengths)
    if max(header_size, payload_size) > FRAME_LIMIT:
        return None
    header, payload = _exactly(sock, header_size), _exactly(sock, payload_size)
    return None if header is None or payload is None else (json.loads(header), payload)


def _exactly(sock: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = sock.recv(min(size - len(parts), 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)


# -- what a handler sees, as AWS's Python runtime does it


class FunctionError(Exception):
    """A fault of the function outside of its code, before or after it runs; ``kind`` is a ``Runtime.*`` name."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        self.kind, self.message, self.trace = kind, message, trace or []
        super().__init__(message)


class ClientContext:
    """``context.client_context``: what the caller passed in X-Amz-Client-Context."""

    def __init__(self, told: Json) -> None:
        self.custom, self.env = told.get("custom"), told.get("env")
        client, names = told.get("client"), _APPLICATION.split()
        self.client = SimpleNamespace(**{n: client.get(n) for n in names}) if isinstance(client, dict) else None


class Identity:
    cognito_identity_id = cognito_identity_pool_id = None


class Context:
    """The context object of an invocation (AWS Lambda, Python: ``python-context``)."""

    def __init__(self, environment: Json, header: Json) -> None:
        self.aws_request_id: str = header["id"]
        self.invoked_function_arn: str = header["arn"]
        self.function_name: str = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version: str = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb: str = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name: str = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name: str = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        self.client_context = ClientContext(header["client_context"]) if header.get("client_context") else None
        self._deadline = time.monotonic() + header["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


def load(handler: str) -> Handler:
    """The function that a handler name (``module.function``) names. Raises ``FunctionError``, and the module's own
    errors.
    """
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        text = f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        raise FunctionError("Runtime.MalformedHandlerName", text)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        raise FunctionError("Runtime.ImportModuleError", text) from None
    except SyntaxError as error:
        line = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        text = f"Syntax error in module '{module_name}': {error}"
        raise FunctionError("Runtime.UserCodeSyntaxError", text, [line]) from None
    try:
        found: Handler = getattr(module, name)
    except AttributeError:
        text = f"Handler '{name}' missing on module '{module_name}'"
        raise FunctionError("Runtime.HandlerNotFound", text) from None
    return found


def call(handler: Handler, payload: bytes, context: Context, root: str) -> tuple[bool, bytes]:
    """Whether the function failed, and its answer or error as JSON."""
    try:
        answer = _marshalled(handler(json.loads(payload or b"{}"), context))
        if len(answer) > PAYLOAD_LIMIT:
            return True, _too_large(len(answer))
        return False, answer
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)  # as Lambda does: the function does not hear of it
        raise
    except Exception as error:
        return True, failure(error, context.aws_request_id, root)


def failure(error: Exception, request_id: str, root: str) -> bytes:
    """The error as the runtime reports it: errorMessage, errorType, requestId, stackTrace."""
    if isinstance(error, FunctionError):
        message, kind, trace = error.message, error.kind, error.trace
    else:
        message, kind, trace = str(error), type(error).__name__, _trace(error)
    trace = [line.replace(root, _TASK_ROOT) for line in trace]
    told = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    lines = [f"[ERROR] {kind}: {message}", *(["Traceback (most recent call last):", *trace] if trace else [])]
    sys.stdout.write("\n".join(lines) + "\n")
    return text if len(text := json.dumps(told).encode()) <= PAYLOAD_LIMIT else _too_large(len(text))


def _trace(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    own = (__file__, importlib.__file__)
    told = [frame for frame in frames if frame.filename not in own and "importlib._bootstrap" not in frame.filename]
    return traceback.format_list([(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in told])


def _marshalled(answer: Any) -> bytes:
    try:
        return bytes(_RESULTS.marshalled(answer))
    except Exception as error:
        raise FunctionError("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def _too_large(size: int) -> bytes:
    text = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
    return json.dumps({"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}).encode()


class _Models:
    read: Any = None
    """The service models of botocore that are read already (``service_models``), in the zygote and its children."""


class _RequestId(logging.Filter):
    current = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = _RequestId.current
        return True


# -- the worker: one function's code, one invocation at a time


def work(sock: socket.socket, spec: Json) -> NoReturn:
    """Loads the function and answers invocations until the stream ends. The process ends here."""
    environment, root = spec["environment"], spec["root"]
    try:
        handler = _initialised(spec)
    except Exception as error:
        send(sock, {"ready": False}, failure(error, "", root))
        os._exit(1)
    send(sock, {"ready": True, **_Models.read.news()})
    while True:
        told = receive(sock)
        if told is None:
            os._exit(0)
        header, payload = told
        _RequestId.current = header["id"]
        os.environ["_X_AMZN_TRACE_ID"] = header.get("trace", "")
        failed, answer = call(handler, payload, Context(environment, header), root)
        _flush()
        about = {"id": header["id"], "failed": failed, "memory": _BOUNDS.peak_megabytes(), **_Models.read.news()}
        send(sock, about, answer)


def become(sock: socket.socket, spec: Json) -> NoReturn:
    """Replaces this process by the program that runs the function. The socket stays open in it, so that the server
    sees its end.
    """
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(spec["root"])
    os.set_inheritable(sock.fileno(), True)
    command = spec["command"]
    try:
        os.execve(command[0], command, spec["environment"])
    except OSError as error:
        sock.sendall(f"fork/exec {command[0]}: {(error.strerror or str(error)).lower()}".encode())
    os._exit(1)


def _initialised(spec: Json) -> Handler:
    os.chdir(spec["root"])
    sys.path[:0] = spec["path"]
    bundled = [name for name in ("boto3", "botocore") if any(Path(part, name).is_dir() for part in spec["path"])]
    for name in [name for name in sys.modules if name.partition(".")[0] in bundled]:
        del sys.modules[name]
    return load(spec["handler"])


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue


def _become_worker(sock: socket.socket, log: int, spec: Json) -> NoReturn:
    status = 1
    try:
        if "opt" in spec:
            _BOUNDS.show_at_opt(spec["opt"], spec.get("command", [sys.executable])[0])
        _BOUNDS.die_with_parent()
        os.setsid()
        for target in (1, 2):
            os.dup2(log, target)
        os.close(log)
        sys.stdout, sys.stderr = _lines(1), _lines(2)
        os.environ.clear()
        os.environ.update(spec["environment"])
        os.umask(0o022)
        _BOUNDS.adopt_orphans()
        if "command" in spec:
            become(sock, spec)
        time.tzset()
        _log_to_stdout()
        _BOUNDS.keep_to(int(spec["environment"].get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0)))
        work(sock, spec)
    except SystemExit as leaving:
        status = _exit_status(leaving.code)
    except BaseException:
        traceback.print_exc()
    finally:
        _flush()
        os._exit(status)


def _lines(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _exit_status(code: object) -> int:
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _log_to_stdout() -> None:
    formatter = logging.Formatter(_LOG_FORMAT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(formatter)
    lines.addFilter(_RequestId())
    logging.getLogger().addHandler(lines)


# -- the zygote


def fork_on_demand(control: socket.socket) -> NoReturn:
    """Answers ``spawn``, ``reap`` and ``models`` until the server is gone."""
    for name in ("boto3", "boto3.dynamodb.types", "botocore.httpsession", "botocore.retries.standard", "xml.etree"):
        importlib.import_module(name)  # so that no worker has to
    _Models.read = _beside("service_models").ServiceModels()
    _Models.read.make(["sts"])
    gc.collect()
    gc.freeze()
    _BOUNDS.adopt_orphans()
    workers: set[int] = set()
    try:
        send(control, {"ready": True})
        while (told := _receive_with_descriptors(control)) is not None:
            order, descriptors = told
            if "reap" in order:
                workers.discard(order["reap"])
                send(control, {"status": _BOUNDS.ended(order["reap"])})
                _BOUNDS.end_orphans(workers)
            elif "models" in order:
                _Models.read.make(order["models"])
                gc.freeze()
                send(control, {})
            else:
                try:
                    workers.add(pid := _fork(control, order, descriptors))
                except OSError as error:  # no further process is to be had
                    send(control, {"error": error.strerror})
                else:
                    send(control, {"pid": pid})
    except ConnectionError:  # the server has stopped meanwhile
        pass
    _BOUNDS.end_all(workers)
    os._exit(0)


def _fork(control: socket.socket, spec: Json, descriptors: list[int]) -> int:
    sock, log = descriptors
    try:
        pid = os.fork()
        if pid == 0:
            control.close()
            _become_worker(socket.socket(fileno=sock), log, spec)
        return pid
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _receive_with_descriptors(control: socket.socket) -> tuple[Json, list[int]] | None:
    descriptors = array.array("i")
    try:
        lengths, ancillary, _, _ = control.recvmsg(_LENGTHS.size, socket.CMSG_SPACE(2 * descriptors.itemsize))
    except ConnectionError:
        return None
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    if len(lengths) < _LENGTHS.size:
        return None
    text = _exactly(control, _LENGTHS.unpack(lengths)[0])
    return None if text is None else (json.loads(text), list(descriptors))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us by closing the socket
    if sys.argv[2] not in sys.path:
        sys.path.append(sys.argv[2])
    fork_on_demand(socket.socket(fileno=int(sys.argv[1])))
