"""The answers to the page, and its refusals."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, NamedTuple

import orjson

JSON: Final = "application/json"


class Answer(NamedTuple):
    """``stream`` is a body that is made as it is sent; ``body`` is empty then."""

    status: int
    type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    stream: AsyncGenerator[bytes, None] | None = None


class RefusedError(Exception):
    """A request can't be done; the message is shown on the page."""

    def __init__(self, message: str, status: int = 400) -> None:
        self.message, self.status = message, status
        super().__init__(message)


def told(value: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
    """A value as a JSON answer."""
    return Answer(status, JSON, orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS), headers)


def asked(parameters: Mapping[str, str], name: str) -> str:
    """A required parameter."""
    value = parameters.get(name, "")
    if not value:
        raise RefusedError(f"'{name}' is missing.")
    return value


def number(parameters: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A parameter from 0 to ``most``."""
    text = parameters.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise RefusedError(f"'{name}' is not a number: {text[:20]}")
    return min(int(text), most)
