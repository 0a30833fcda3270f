"""Page tokens: opaque, bound to the list they were issued for, good for 24 hours (API reference: ``nextToken``)."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from sfn_emulator.service.errors import refuse
from sfn_emulator.values import dumps, loads

T = TypeVar("T")

DEFAULT_SIZE: Final = 100
MAX_SIZE: Final = 1_000
LIFETIME: Final = 24 * 3600
_SEAL: Final = 8


def page_size(asked: int | None) -> int:
    """``maxResults``: 0 and absent mean the default of 100; the model bounds it at 1,000."""
    return min(asked or DEFAULT_SIZE, MAX_SIZE)


def issue(scope: str, position: Any, now: float) -> str:
    """A token for the page that begins after ``position`` (JSON) of the list ``scope``."""
    body = dumps([int(now), position]).encode()
    return base64.urlsafe_b64encode(_seal(scope, body) + body).decode()


def resume(scope: str, token: str | None, now: float) -> Any:
    """The position a token holds, ``None`` for no token. Raises ``InvalidToken`` when forged, foreign or expired."""
    if token is None:
        return None
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise refuse("InvalidToken", "Invalid token") from None
    seal, body = raw[:_SEAL], raw[_SEAL:]
    if seal != _seal(scope, body):
        raise refuse("InvalidToken", "Invalid token")
    issued, position = loads(body)
    if now - issued > LIFETIME:
        raise refuse("InvalidToken", "Token is expired")
    return position


def _seal(scope: str, body: bytes) -> bytes:
    return hashlib.blake2s(body, digest_size=_SEAL, key=hashlib.blake2s(scope.encode()).digest()).digest()


def page(
    found: Sequence[T], size: int, scope: str, position: Callable[[T], Any], now: float
) -> tuple[Sequence[T], dict[str, str]]:
    """The page of ``size + 1`` found records, and its ``nextToken`` member, if there are more."""
    if len(found) <= size:
        return found, {}
    shown = found[:size]
    return shown, {"nextToken": issue(scope, position(shown[-1]), now)}
