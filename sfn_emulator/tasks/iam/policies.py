"""IAM policy documents: whether a principal may do an action on a resource.

Source: IAM User Guide, `Policy evaluation logic` and `IAM JSON policy elements`: an explicit Deny wins, then any Allow,
otherwise the implicit Deny; a permissions boundary must allow, too. Resource policies and policies of organizations are
not read.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Final, NamedTuple, Protocol

Document = Mapping[str, Any]
Context = Mapping[str, str]
"""Condition keys and their values for one request; names in lower case."""

ANY: Final = "*"
"""A resource that is not known: any statement about the action applies, whatever its resources."""

NO_RESOURCE: Final = ""
"""The resource of an action that has none: only ``*`` covers it."""


class Decision(Enum):
    ALLOWED = "allowed"
    EXPLICITLY_DENIED = "with an explicit deny in an identity-based policy"
    IMPLICITLY_DENIED = "because no identity-based policy allows the {action} action"
    DENIED_BY_BOUNDARY = "with an explicit deny in a permissions boundary"
    OUTSIDE_BOUNDARY = "because no permissions boundary allows the {action} action"


class RolePolicy(NamedTuple):
    """A role in IAM: its inline and attached policies, its boundary, and its trust policy."""

    identity: Sequence[Document]
    boundary: Document | None = None
    trust: Document = {}  # noqa: RUF012 - never changed

    def decide(self, action: str, resource: str, context: Context) -> Decision:
        """Like the function ``decide``, within the boundary."""
        allowed = decide(self.identity, action, resource, context)
        if self.boundary is None or allowed is Decision.EXPLICITLY_DENIED:
            return allowed
        bound = decide([self.boundary], action, resource, context)
        if bound is Decision.EXPLICITLY_DENIED:
            return Decision.DENIED_BY_BOUNDARY
        return (
            Decision.OUTSIDE_BOUNDARY if (allowed, bound) == (Decision.ALLOWED, Decision.IMPLICITLY_DENIED) else allowed
        )


def decide(documents: Iterable[Document], action: str, resource: str, context: Context) -> Decision:
    """The decision of all documents together about ``action`` (``sqs:SendMessage``) on ``resource`` (an ARN)."""
    applying = [s for document in documents for s in _statements(document) if _applies(s, action, resource, context)]
    effects = {statement.get("Effect") for statement in applying}
    if "Deny" in effects:
        return Decision.EXPLICITLY_DENIED
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICITLY_DENIED


def trusts(document: Document, principals: Mapping[str, Collection[str]], context: Context) -> bool:
    """Whether a role's trust policy lets one of ``principals`` (names by kind: Service, AWS) assume the role."""
    effects = {
        statement.get("Effect")
        for statement in _statements(document)
        if _names(statement, "Action", lambda pattern: _matches(pattern, "sts:AssumeRole", re.IGNORECASE))
        and _is_about(statement, principals)
        and conditions_hold(statement.get("Condition") or {}, context)
    }
    return "Allow" in effects and "Deny" not in effects


def _is_about(statement: Document, principals: Mapping[str, Collection[str]]) -> bool:
    if "NotPrincipal" in statement:
        return not _is_about({"Principal": statement["NotPrincipal"]}, principals)
    told = statement.get("Principal")
    if not isinstance(told, Mapping):
        return bool(told == "*")
    return any(name == "*" or name in principals.get(kind, ()) for kind, names in told.items() for name in _list(names))


def _statements(document: Document) -> list[Document]:
    return [statement for statement in _list(document.get("Statement")) if isinstance(statement, Mapping)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _applies(statement: Document, action: str, resource: str, context: Context) -> bool:
    return (
        _names(statement, "Action", lambda pattern: _matches(pattern, action, re.IGNORECASE))
        and _names(statement, "Resource", lambda pattern: _covers(pattern, resource, context))
        and conditions_hold(statement.get("Condition") or {}, context)
    )


def _names(statement: Document, element: str, matches: Callable[[str], bool]) -> bool:
    if f"Not{element}" in statement:
        return not any(matches(str(pattern)) for pattern in _list(statement[f"Not{element}"]))
    return any(matches(str(pattern)) for pattern in _list(statement.get(element)))


def _covers(pattern: str, resource: str, context: Context) -> bool:
    return resource == ANY or _matches(_filled(pattern, context), resource)


_VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")


def _filled(pattern: str, context: Context) -> str:
    return _VARIABLE.sub(lambda found: context.get(found[1].lower(), found[0]), pattern)


def _matches(pattern: str, text: str, flags: int = 0) -> bool:
    return _wildcard(pattern, flags).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _wildcard(pattern: str, flags: int) -> re.Pattern[str]:
    """``*`` is any text, ``?`` any character. Runs of stars are one star, so that matching stays quick."""
    parts = (".*" if part.startswith("*") else "." if part == "?" else re.escape(part) for part in _parts(pattern))
    return re.compile("".join(parts), flags | re.DOTALL)


def _parts(pattern: str) -> list[str]:
    return [part for part in re.split(r"(\*+|\?)", pattern) if part]


# -- conditions


def conditions_hold(conditions: Mapping[str, Any], context: Context) -> bool:
    """Whether a statement's Condition, empty for none, holds."""
    return all(
        _holds(operator, key.lower(), _list(wanted), context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, key: str, wanted: list[Any], context: Context) -> bool:
    operator = operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:")
    optional = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    told = context.get(key)
    if operator == "Null":
        return (told is None) == (str(wanted[0]).lower() == "true")
    negated = "Not" in operator
    if told is None:
        return optional or negated
    compare = _OPERATORS.get(operator.replace("Not", ""))
    if compare is None:
        return False
    found = any(_safely(compare, told, _filled(str(value), context)) for value in wanted)
    return found != negated


def _safely(compare: Callable[[str, str], bool], told: str, wanted: str) -> bool:
    try:
        return compare(told, wanted)
    except ValueError:
        return False


def _instant(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()


_OPERATORS: Final[dict[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda told, wanted: told == wanted,
    "StringEqualsIgnoreCase": lambda told, wanted: told.lower() == wanted.lower(),
    "StringLike": lambda told, wanted: _matches(wanted, told),
    "ArnEquals": lambda told, wanted: _matches(wanted, told),
    "ArnLike": lambda told, wanted: _matches(wanted, told),
    "Bool": lambda told, wanted: told.lower() == wanted.lower(),
    "NumericEquals": lambda told, wanted: float(told) == float(wanted),
    "NumericLessThan": lambda told, wanted: float(told) < float(wanted),
    "NumericLessThanEquals": lambda told, wanted: float(told) <= float(wanted),
    "NumericGreaterThan": lambda told, wanted: float(told) > float(wanted),
    "NumericGreaterThanEquals": lambda told, wanted: float(told) >= float(wanted),
    "DateEquals": lambda told, wanted: _instant(told) == _instant(wanted),
    "DateLessThan": lambda told, wanted: _instant(told) < _instant(wanted),
    "DateLessThanEquals": lambda told, wanted: _instant(told) <= _instant(wanted),
    "DateGreaterThan": lambda told, wanted: _instant(told) > _instant(wanted),
    "DateGreaterThanEquals": lambda told, wanted: _instant(told) >= _instant(wanted),
    "IpAddress": lambda told, wanted: ip_address(told) in ip_network(wanted, strict=False),
}
"""The conditions by operator, without Not and IfExists. An unknown operator never holds."""


class Policies(Protocol):
    """A source of policies. It is called from worker threads, and may take its time."""

    def of(self, role_arn: str) -> RolePolicy:
        """A role's policies; ``LookupError`` if there is no such role."""
