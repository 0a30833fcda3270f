"""What an event pattern may say (EventBridge User Guide, ``eb-create-pattern-operators``): a row for each operator.

What moto would fail on, or pass over in silence, when an event comes.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final

_COMPARISONS: Final = frozenset({"<", "<=", "=", ">=", ">"})
_OR: Final = "$or"


class PatternError(ValueError):
    """The pattern is none; the text says why."""


def check(pattern: Any) -> None:
    """Raises ``PatternError``."""
    if not isinstance(pattern, dict):
        raise PatternError("Filter is not an object")
    for name, told in pattern.items():
        if name == _OR and isinstance(told, list) and all(isinstance(row, dict) for row in told):
            for row in told:
                check(row)
        elif isinstance(told, dict):
            check(told)
        elif isinstance(told, list):
            for value in told:
                _check_value(value)


def _check_value(value: Any) -> None:
    if isinstance(value, list):
        raise PatternError("Match value must be String, number, true, false, or null")
    if isinstance(value, dict):
        if len(value) != 1:
            raise PatternError("Only one key allowed in match expression")
        ((kind, told),) = value.items()
        if kind not in _OPERATORS:
            raise PatternError(f"Unrecognized match type {kind}")
        holds, words = _OPERATORS[kind]
        if not holds(told):
            raise PatternError(words)


def _is_text(told: Any) -> bool:
    return isinstance(told, str)


def _is_affix(told: Any) -> bool:
    return _is_text(told) or (
        isinstance(told, dict) and set(told) == {"equals-ignore-case"} and _is_text(told["equals-ignore-case"])
    )


def _is_truth(told: Any) -> bool:
    return isinstance(told, bool)


def _is_number(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool)


def _is_range(told: Any) -> bool:
    return (
        isinstance(told, list)
        and len(told) in (2, 4)
        and all(isinstance(sign, str) and sign in _COMPARISONS for sign in told[::2])
        and all(map(_is_number, told[1::2]))
    )


def _is_network(told: Any) -> bool:
    try:
        return isinstance(told, str) and bool(ipaddress.ip_network(told, strict=False))
    except ValueError:
        return False


def _is_excluded(told: Any) -> bool:
    if isinstance(told, dict):
        ((kind, inner),) = told.items() if len(told) == 1 else (("", None),)
        texts = inner if isinstance(inner, list) else [inner]
        return kind in _EXCLUDED and bool(texts) and all(_is_affix(text) for text in texts)
    values = told if isinstance(told, list) else [told]
    return bool(values) and all(value is None or isinstance(value, str | int | float) for value in values)


_EXCLUDED: Final = frozenset({"prefix", "suffix", "equals-ignore-case", "wildcard"})
_OPERATORS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "prefix": (_is_affix, "prefix match pattern must be a string"),
    "suffix": (_is_affix, "suffix match pattern must be a string"),
    "equals-ignore-case": (_is_text, "equals-ignore-case match pattern must be a string"),
    "wildcard": (_is_text, "wildcard match pattern must be a string"),
    "exists": (_is_truth, "exists match pattern must be either true or false."),
    "numeric": (_is_range, "Value of numeric must be an array of one or two comparisons with numbers"),
    "cidr": (_is_network, "Malformed CIDR, one '/' required"),
    "anything-but": (_is_excluded, "Value of anything-but must be an array or single string/number value."),
}
