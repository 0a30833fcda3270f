"""Lambda authorizers: a function decides whether a call may pass, and describes the caller.

Source: API Gateway Developer Guide, ``apigateway-use-lambda-authorizer`` and ``http-api-lambda-authorizer``. Answers
are not cached: the function is asked for each call.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson

from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.cloud.rest.faults import GatewayError, signed
from sfn_emulator.query.bounded import PatternError, matches

FUNCTION: Final = re.compile(r"(?:.*/functions/)?(?P<arn>arn:aws[\w-]*:lambda:.+?)(?:/invocations)?$")
_SOURCE: Final = re.compile(
    r"\$?(?:method\.)?(?:request\.)?(?P<place>header|querystring|stageVariables|context)\.(?P<name>.+)"
)
_ACTIONS: Final = ("execute-api:invoke", "execute-api:*", "*")

Ask = Callable[[Request], Reply]
Given = Mapping[str, Mapping[str, Any]]
"""A call's values by kind: ``header`` (names in lower case), ``querystring``, ``stageVariables``, ``context``."""


@dataclass(frozen=True, slots=True)
class Authorizer:
    """``kind`` is TOKEN or REQUEST; ``sources`` are where a call must say who it is from. ``simple`` answers say
    ``isAuthorized``, others are policies."""

    kind: str
    function: str
    sources: tuple[str, ...]
    version: str = "1.0"
    simple: bool = False
    pattern: str = ""


def authorizer(uri: str, kind: str, sources: Any, **more: Any) -> Authorizer:
    """``sources`` as a list, or in one text with commas between."""
    found = FUNCTION.match(uri or "")
    told = sources if isinstance(sources, list) else (sources or "").split(",")
    names = tuple(name.strip() for name in told if name.strip())
    return Authorizer(kind, found["arn"] if found else "", names, **more)


def identity(told: Authorizer, given: Given) -> list[str]:
    """The call's value at each identity source. Raises ``GatewayError`` 401 if one is missing or malformed."""
    values = identity_at(told.sources, given)
    if not all(_fits(told.pattern, str(value)) for value in values):
        raise unauthorized()
    return values


def identity_at(sources: Sequence[str], given: Given) -> list[str]:
    """The call's value at each identity source. Raises ``GatewayError`` 401 if one is missing."""
    values = [_value(source, given) for source in sources]
    if not all(values):
        raise unauthorized()
    return [str(value) for value in values]


def _fits(pattern: str, value: str) -> bool:
    """Whether a token fits the validation expression. An invalid or too slow expression lets nobody in."""
    try:
        return not pattern or matches(pattern, value)
    except PatternError:
        return False


def _value(source: str, given: Given) -> Any:
    found = _SOURCE.fullmatch(source)
    if found is None:
        return None
    name = found["name"].lower() if found["place"] == "header" else found["name"]
    return given[found["place"]].get(name)


def unauthorized() -> GatewayError:
    return GatewayError(401, "Unauthorized", "UnauthorizedException")


def allowed(told: Authorizer, region: str, event: Mapping[str, Any], arn: str, ask: Ask) -> dict[str, Any]:
    """The function's description of the caller: its context, with ``principalId`` if it gave one.

    ``arn`` is that of the method or route. Raises ``GatewayError``: 401, 403, or 500 for an answer that can't be
    used.
    """
    answer = _asked(told.function, region, event, ask)
    context = answer.get("context") or {}
    if told.simple:
        if answer.get("isAuthorized") is not True:
            raise GatewayError(403, "Forbidden", "ForbiddenException")
        return dict(context)
    verdict = _judged(answer.get("policyDocument"), arn)
    if verdict is not True:
        text = "User is not authorized to access this resource"
        more = " with an explicit deny" if verdict is False else ""
        raise GatewayError(403, text + more, "AccessDeniedException")
    return {**context, "principalId": answer.get("principalId")}


def _asked(function: str, region: str, event: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    path = f"/2015-03-31/functions/{function}/invocations"
    reply = ask(Request("POST", path, "", signed("lambda", region), orjson.dumps(event)))
    try:
        answer = orjson.loads(reply.body)
    except ValueError:
        answer = None
    failed = reply.status != 200 or any(name == "x-amz-function-error" for name, _ in reply.headers)
    if failed and isinstance(answer, dict) and answer.get("errorMessage") == "Unauthorized":
        raise unauthorized()
    if failed or not isinstance(answer, dict):
        raise GatewayError(500, "Internal Server Error", "AuthorizerConfigurationException")
    return answer


def _judged(policy: Any, arn: str) -> bool | None:
    """Whether a policy allows the call: ``False`` for an explicit Deny, ``None`` if no statement matches."""
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    listed = statements if isinstance(statements, list) else [statements]
    effects = {row.get("Effect") for row in listed if isinstance(row, dict) and _speaks_of(row, arn)}
    return False if "Deny" in effects else True if "Allow" in effects else None


def _speaks_of(statement: Mapping[str, Any], arn: str) -> bool:
    actions = [str(action).lower() for action in _listed(statement.get("Action"))]
    return any(action in _ACTIONS for action in actions) and any(
        _matches(str(resource), arn) for resource in _listed(statement.get("Resource"))
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _matches(pattern: str, arn: str) -> bool:
    """Whether a policy's pattern matches: ``*`` and ``?`` are wildcards, a bracket is an ordinary character."""
    return fnmatchcase(arn, pattern.replace("[", "[[]"))
