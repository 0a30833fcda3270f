"""Writes a handler's answer as AWS's Python runtime client does: JSON by simplejson's rules, not by json's.

Source: aws-lambda-python-runtime-interface-client, ``lambda_runtime_marshaller.py``. Standard library only: it lives
in the worker.
"""

import decimal
import json
import os
from typing import Any


def marshalled(answer: Any) -> bytes:
    """Bytes as they are, any other value as JSON. Raises json's errors for a value that can't be written."""
    if isinstance(answer, bytes):
        return answer
    return json.dumps(_as_objects(answer), default=_plain, ensure_ascii=_escapes()).encode()


def _as_objects(value: Any) -> Any:
    """Named tuples are objects and keys of bytes are text, as simplejson, the runtime's library, has it."""
    if isinstance(value, dict):
        return {k.decode() if isinstance(k, bytes) else k: _as_objects(member) for k, member in value.items()}
    if isinstance(value, tuple) and callable(named := getattr(value, "_asdict", None)):
        return _as_objects(named())
    if isinstance(value, list | tuple):
        return [_as_objects(item) for item in value]
    return value


def _escapes() -> bool:
    """Whether characters beyond ASCII are escaped: runtimes before Python 3.12 do it."""
    return os.environ.get("AWS_EXECUTION_ENV", "").rpartition("_python3.")[2] in ("8", "9", "10", "11")


def _plain(value: object) -> object:
    """A Decimal becomes a float, 1 too; bytes become text."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
