"""Authorizers that check a token's issuer, audience, time and signature: JWT authorizers of HTTP APIs, and Cognito's
user pools of REST APIs.

The issuer's keys are read where it says they are: its ``/.well-known/openid-configuration`` names a JWKS. An issuer of
Cognito's is asked in this process, any other by HTTP. Source: API Gateway Developer Guide, ``http-api-jwt-authorizer``
and ``apigateway-integrate-with-cognito``.
"""

import base64
import binascii
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.cloud.rest.authorizers import unauthorized
from sfn_emulator.cloud.rest.faults import GatewayError, signed
from sfn_emulator.query.bounded import PatternError, matches

_COGNITO: Final = re.compile(r"https://cognito-idp\.(?P<region>[\w-]+)\.amazonaws\.com(?P<pool>/[\w-]+)")
_HASHES: Final = {"RS256": "SHA256", "RS384": "SHA384", "RS512": "SHA512"}
"""API Gateway accepts RSA signatures only."""
_SECONDS: Final = 5.0
_KEPT_FOR: Final = 300.0
_AT_MOST: Final = 1 << 20
"""Bytes of an issuer's answer that are read at most."""

Ask = Callable[[Request], Reply]
Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TokenAuthorizer:
    """``scopes`` are the route's: a token must have one of them, if there are any."""

    sources: tuple[str, ...]
    issuer: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PoolAuthorizer:
    """``issuers`` are user pools. ``scopes`` are the method's: if there are any, an access token must have one of them;
    else an ID token is wanted. ``pattern`` is what a token's audience must fit.
    """

    sources: tuple[str, ...]
    issuers: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    pattern: str = ""


def pools(arns: Sequence[str]) -> tuple[str, ...]:
    """The issuers of user pools, by their ARNs."""
    parts = [arn.split(":") for arn in arns]
    return tuple(f"https://cognito-idp.{part[3]}.amazonaws.com/{part[5].rpartition('/')[2]}" for part in parts)


class ExpiredError(ValueError):
    """The token was good once."""


class Issuers:
    """The keys of issuers, each by its id; safe to call from any thread."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Mapping[str, Mapping[str, Any]]]] = {}

    def key(self, issuer: str, key_id: str) -> Mapping[str, Any] | None:
        """The key. An unknown one makes the keys be fetched again, because issuers rotate them. Raises ``OSError`` and
        ``ValueError``.
        """
        with self._lock:
            at, keys = self._kept.get(issuer, (float("-inf"), {}))
        if key_id not in keys or time.monotonic() - at > _KEPT_FOR:
            keys = {str(row.get("kid")): row for row in self._read(issuer)}
            with self._lock:
                self._kept[issuer] = time.monotonic(), keys
        return keys.get(key_id)

    def _read(self, issuer: str) -> list[Mapping[str, Any]]:
        cognito = _COGNITO.fullmatch(issuer.rstrip("/"))
        if cognito is not None:
            path = f"{cognito['pool']}/.well-known/jwks.json"
            headers = {"host": f"cognito-idp.{cognito['region']}.amazonaws.com"}
            asked = Request("GET", path, "", {**signed("cognito-idp", cognito["region"]), **headers})
            return list(orjson.loads(self._ask(asked).body)["keys"])
        described = orjson.loads(_fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        return list(orjson.loads(_fetched(described["jwks_uri"]))["keys"])


def _fetched(url: str) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"An issuer is asked by http and https, not at {url}.")
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
        told: bytes = answer.read(_AT_MOST)
    return told


def verified(told: TokenAuthorizer, token: str, issuers: Issuers) -> dict[str, Any]:
    """The facts about the token's bearer for functions. Raises ``GatewayError``: 401, or 403 without a scope."""
    try:
        claims = _claims((told.issuer,), token, issuers)
        audience = claims.get("aud", claims.get("client_id"))
        _must(bool(set(told.audience) & set(audience if isinstance(audience, list) else [audience])))
    except _FLAWS:
        raise unauthorized() from None
    held = str(claims.get("scope") or claims.get("scp") or "").split()
    if told.scopes and not set(told.scopes) & set(held):
        raise GatewayError(403, "Forbidden", "ForbiddenException")
    shown = {name: _text(value) for name, value in claims.items()}
    return {"claims": shown, "scopes": [scope for scope in held if scope in told.scopes] or None}


def verified_by_pool(told: PoolAuthorizer, token: str, issuers: Issuers) -> dict[str, Any]:
    """The claims about the token's bearer, as ``$context.authorizer.claims`` has them. Raises ``GatewayError`` 401."""
    try:
        claims = _claims(told.issuers, token, issuers)
        _must(claims.get("token_use") == ("access" if told.scopes else "id"))
        _must(not told.scopes or bool(set(told.scopes) & set(str(claims.get("scope", "")).split())))
        _must(not told.pattern or matches(told.pattern, str(claims.get("aud", claims.get("client_id")))))
    except ExpiredError:
        raise GatewayError(401, "The incoming token has expired", "UnauthorizedException") from None
    except (*_FLAWS, PatternError):
        raise unauthorized() from None
    return {name: _shown(name, value) for name, value in claims.items()}


def _shown(name: str, value: Any) -> str:
    """A claim in the form that REST APIs pass on: times as dates, lists with commas."""
    if name in ("exp", "iat"):
        return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(float(value)))
    return ",".join(map(str, value)) if isinstance(value, list) else _text(value)


_FLAWS: Final = (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error)


def _claims(trusted: Sequence[str], token: str, issuers: Issuers) -> Claims:
    """The claims of a token that one of the trusted issuers signed and that is in force. Raises one of ``_FLAWS``."""
    head, body, signature = token.removeprefix("Bearer ").removeprefix("bearer ").strip().split(".")
    header, claims = orjson.loads(_decoded(head)), orjson.loads(_decoded(body))
    now = time.time_ns() / 1e9  # tokens carry their issuer's time
    _must(claims.get("iss") in trusted)
    key = issuers.key(claims["iss"], header["kid"])
    _must(key is not None and key.get("kty") == "RSA" and key.get("alg", header["alg"]) == header["alg"])
    assert key is not None
    _check_signature(key, _HASHES[header["alg"]], f"{head}.{body}".encode(), _decoded(signature))
    _must(now >= max(float(claims.get("nbf", 0)), float(claims.get("iat", 0))) - _SECONDS)
    if float(claims["exp"]) <= now:
        raise ExpiredError("The token has expired.")
    return dict(claims)


def _must(holds: bool) -> None:
    if not holds:
        raise ValueError("The token does not hold.")


def _check_signature(key: Mapping[str, Any], hashed: str, signed_text: bytes, signature: bytes) -> None:
    """Raises ``ValueError``."""
    from cryptography.exceptions import (
        InvalidSignature,
    )  # its import takes a twentieth of a second, and only tokens need it
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(_decoded(key[name])) for name in ("e", "n")))
    try:
        numbers.public_key().verify(signature, signed_text, padding.PKCS1v15(), getattr(hashes, hashed)())
    except InvalidSignature:
        raise ValueError("The signature is not the issuer's.") from None


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(value: Any) -> str:
    """A claim in the form that API Gateway passes on."""
    if isinstance(value, list):
        return f"[{' '.join(map(str, value))}]"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
