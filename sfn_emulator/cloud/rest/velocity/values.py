"""Java's values as Velocity sees them: their text, their truth, and how they compare.

Strings, numbers, booleans and ``None`` are Python's. A list or map made in a template is Java's; a JSON array read
with ``$input.path`` shows as JSON, as json-smart's ``JSONArray`` does, while a JSON object is a ``LinkedHashMap``.
"""

from collections.abc import Iterable
from typing import Any, Final

from sfn_emulator.cloud.rest.velocity.frame import LONGEST, STEPS, too_long
from sfn_emulator.query.java.text import scalar_text
from sfn_emulator.values import dumps

_CLASSES: Final = (
    (bool, "java.lang.Boolean"),
    (int, "java.lang.Integer"),
    (float, "java.lang.Double"),
    (str, "java.lang.String"),
    (list, "java.util.ArrayList"),
    (dict, "java.util.LinkedHashMap"),
)


class JsonArray(list[Any]):
    """An array of a JSON text. Its ``toString`` is JSON."""

    __slots__ = ()


class Bean:
    """A Java object of a template: public methods are its methods, ``getFoo`` and ``isFoo`` its properties."""

    __slots__ = ()


class Entry(Bean):
    """``Map.Entry``."""

    __slots__ = ("_key", "_value")

    def __init__(self, key: Any, value: Any) -> None:
        self._key, self._value = key, value

    def getKey(self) -> Any:  # noqa: N802
        return self._key

    def getValue(self) -> Any:  # noqa: N802
        return self._value

    def toString(self) -> str:  # noqa: N802
        return f"{text_of(self._key)}={text_of(self._value, 'null')}"


class JavaClass(Bean):
    """The value of ``$x.class``."""

    __slots__ = ("_name",)

    def __init__(self, value: Any) -> None:
        self._name = next((name for kind, name in _CLASSES if isinstance(value, kind)), "java.lang.Object")

    def getName(self) -> str:  # noqa: N802
        return self._name

    def getSimpleName(self) -> str:  # noqa: N802
        return self._name.rpartition(".")[2]

    def toString(self) -> str:  # noqa: N802
        return f"class {self._name}"


def from_json(value: Any) -> Any:
    """A JSON value as a template sees it."""
    if isinstance(value, list):
        return JsonArray(from_json(item) for item in value)
    if isinstance(value, dict):
        return {key: from_json(member) for key, member in value.items()}
    return value


def text_of(value: Any, nothing: str = "") -> str:
    """``toString``: ``[1, a]`` for a list, ``{a=1}`` for a map, JSON for a JSON array. Raises ``VtlError`` for a text
    that is too long.
    """
    if isinstance(value, list | dict):
        weigh(value)
        return _shown(value)
    return _scalar(value, nothing)


def weigh(value: Any) -> None:
    """Raises ``VtlError`` for a value whose text would be too long. A small value can have one, because parts may be
    shared many times.
    """
    stack, parts, signs = [value], 0, 0
    while stack:
        held = stack.pop()
        parts += 1
        signs += len(held) if isinstance(held, str) else 0
        if parts > STEPS or signs > LONGEST:
            raise too_long()
        if isinstance(held, list):
            stack.extend(held[: STEPS + 1])
        elif isinstance(held, dict):
            stack.extend(held.values())


def _shown(value: Any) -> str:
    if isinstance(value, JsonArray):
        return dumps(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_shown(key)}={_shown(member)}" for key, member in value.items()) + "}"
    return _scalar(value, "null")


def _scalar(value: Any, nothing: str) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return nothing
    if isinstance(value, Bean):
        shown = getattr(value, "toString", None)
        return str(shown()) if shown else ""
    return scalar_text(value)


def truth(value: Any) -> bool:
    """Only null and false are false (1.7; an empty text is true)."""
    return value is not None and value is not False


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """Compares numbers by value, and values of different classes by their text (``ASTEQNode``)."""
    if left is None or right is None:
        return left is right
    if isinstance(left, list | dict) and isinstance(right, list | dict):
        weigh([left, right])
        return bool(left == right)
    if (is_number(left) and is_number(right)) or type(left) is type(right):
        return bool(left == right)
    return text_of(left) == text_of(right)


def plain_rows(value: Any) -> Iterable[Any]:
    """The items that #foreach visits: a list's items, a map's values; nothing for any other value."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
