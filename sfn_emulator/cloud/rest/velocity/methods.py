"""The methods and properties of values: Java's lists, maps, numbers and booleans, as tables."""

from typing import Any, Final

from sfn_emulator.cloud.rest.velocity.frame import Frame, VtlError
from sfn_emulator.cloud.rest.velocity.texts import STRING, Method
from sfn_emulator.cloud.rest.velocity.values import Bean, Entry, JavaClass, equal, text_of, weigh
from sfn_emulator.values import dumps

_ITEMS: Final = 100_000
"""Items a list or map of a template may hold."""


def call(frame: Frame, base: Any, name: str, arguments: list[Any]) -> Any:
    """``base.name(arguments)``; null stays null. Raises ``VtlError`` where there is no such method."""
    if base is None:
        return None
    frame.step()
    try:
        if isinstance(base, Bean):
            return _bean_method(base, name)(*arguments)
        return _method(base, name)(frame, base, *arguments)
    except (TypeError, AttributeError, ValueError, OverflowError, IndexError) as error:
        if isinstance(error, VtlError):
            raise
        raise VtlError(f"{name}({len(arguments)} arguments) can't be called like this in the template.") from None


def prop(frame: Frame, base: Any, name: str) -> Any:
    """``base.name``: ``getName()``, a map's member, or ``isName()``, in Velocity's order; null where there is none."""
    if base is None:
        return None
    titled = name[:1].upper() + name[1:]
    if name == "class":
        return JavaClass(base)
    if isinstance(base, dict):
        return base.get(name)
    for getter in (f"get{titled}", f"is{titled}"):
        if _has(base, getter):
            return call(frame, base, getter, [])
    return getattr(base, name) if isinstance(base, Bean) and name in getattr(base, "FIELDS", ()) else None


def item(base: Any, index: Any) -> Any:
    """``base[index]``: a negative index counts from the end; null if there is no such item."""
    try:
        return base[index] if isinstance(base, list | dict) else None
    except (TypeError, KeyError, IndexError):
        return None


def put_item(base: Any, index: Any, value: Any) -> None:
    """``base[index] = value`` of #set. Raises ``VtlError`` where there is no such place."""
    try:
        if isinstance(base, dict):
            _put(None, base, index, value)
        else:
            base[index] = value
    except (TypeError, IndexError):
        raise VtlError("#set of an item that is not there in the template.") from None


def _has(base: Any, name: str) -> bool:
    if isinstance(base, Bean):
        return not name.startswith("_") and callable(getattr(type(base), name, None))
    return name in next((row for kind, row in _METHODS if isinstance(base, kind)), {})


def _bean_method(base: Bean, name: str) -> Any:
    if name == "getClass":
        return lambda: JavaClass(base)
    if not _has(base, name):
        raise VtlError(f"There is no method '{name}' for what it is called on in the template.")
    return getattr(base, name)


def _method(base: Any, name: str) -> Method:
    if name == "getClass":
        return lambda frame, value: JavaClass(value)
    found = next((row.get(name) for kind, row in _METHODS if isinstance(base, kind)), None)
    if found is None:
        raise VtlError(f"There is no method '{name}' for what it is called on in the template.")
    return found


def _room(held: Any) -> None:
    if len(held) >= _ITEMS:
        raise VtlError(f"A list or map of more than {_ITEMS} items in the template.")


def _json(value: Any) -> str:
    weigh(value)
    return dumps(value)


# -- java.util.List


def _add(frame: Frame, items: list[Any], *given: Any) -> bool | None:
    _room(items)
    if len(given) == 2:
        items.insert(*given)
        return None
    items.append(*given)
    return True


def _add_all(frame: Frame, items: list[Any], more: list[Any]) -> bool:
    for value in list(more):
        _add(frame, items, value)
    return bool(more)


def _index(frame: Frame, items: list[Any], value: Any) -> int:
    frame.step(1 + len(items) // 50)
    return next((i for i, held in enumerate(items) if type(held) is type(value) and equal(held, value)), -1)


def _last_index(frame: Frame, items: list[Any], value: Any) -> int:
    found = _index(frame, items[::-1], value)
    return -1 if found < 0 else len(items) - 1 - found


def _remove(frame: Frame, items: list[Any], what: Any) -> Any:
    """Removes by index for a number, else by value (Java's overloads)."""
    if isinstance(what, int) and not isinstance(what, bool):
        return items.pop(what)
    at = _index(frame, items, what)
    if at >= 0:
        items.pop(at)
    return at >= 0


def _replace_item(frame: Frame, items: list[Any], index: int, value: Any) -> Any:
    before, items[index] = items[index], value
    return before


def _retain(wanted: bool) -> Method:
    def retain(frame: Frame, items: list[Any], others: list[Any]) -> bool:
        kept = [held for held in items if (_index(frame, others, held) >= 0) is wanted]
        changed, items[:] = len(kept) != len(items), kept
        return changed

    return retain


_LIST: Final[dict[str, Method]] = {
    "add": _add,
    "addAll": _add_all,
    "clear": lambda frame, items: items.clear(),
    "contains": lambda frame, items, value: _index(frame, items, value) >= 0,
    "containsAll": lambda frame, items, others: all(_index(frame, items, other) >= 0 for other in others),
    "count": lambda frame, items: len(items),
    "equals": lambda frame, items, other: equal(items, other),
    "get": lambda frame, items, index: items[index],
    "indexOf": _index,
    "isEmpty": lambda frame, items: not items,
    "iterator": lambda frame, items: items,
    "lastIndexOf": _last_index,
    "remove": _remove,
    "removeAll": _retain(False),
    "retainAll": _retain(True),
    "set": _replace_item,
    "size": lambda frame, items: len(items),
    "subList": lambda frame, items, start, end: items[start:end],
    "toArray": lambda frame, items: list(items),
    "toJSONString": lambda frame, items: _json(items),
    "toString": lambda frame, items: text_of(items),
}

# -- java.util.Map


def _put(frame: Frame | None, mapping: dict[Any, Any], key: Any, value: Any) -> Any:
    _room(mapping)
    before = mapping.get(key)
    mapping[key] = value
    return before


def _put_all(frame: Frame, mapping: dict[Any, Any], more: dict[Any, Any]) -> None:
    for key, value in dict(more).items():
        _put(frame, mapping, key, value)


def _put_if_absent(frame: Frame, mapping: dict[Any, Any], key: Any, value: Any) -> Any:
    return mapping[key] if mapping.get(key) is not None else _put(frame, mapping, key, value)


_MAP: Final[dict[str, Method]] = {
    "clear": lambda frame, mapping: mapping.clear(),
    "containsKey": lambda frame, mapping, key: key in mapping,
    "containsValue": lambda frame, mapping, value: any(equal(held, value) for held in mapping.values()),
    "entrySet": lambda frame, mapping: [Entry(key, value) for key, value in mapping.items()],
    "equals": lambda frame, mapping, other: equal(mapping, other),
    "get": lambda frame, mapping, key: mapping.get(key),
    "getOrDefault": lambda frame, mapping, key, other: mapping.get(key, other),
    "isEmpty": lambda frame, mapping: not mapping,
    "keySet": lambda frame, mapping: list(mapping),
    "put": _put,
    "putAll": _put_all,
    "putIfAbsent": _put_if_absent,
    "remove": lambda frame, mapping, key: mapping.pop(key, None),
    "size": lambda frame, mapping: len(mapping),
    "toJSONString": lambda frame, mapping: _json(mapping),
    "toString": lambda frame, mapping: text_of(mapping),
    "values": lambda frame, mapping: list(mapping.values()),
}

# -- java.lang.Boolean and the numbers; their static methods are reached through any of them


_BOOLEAN: Final[dict[str, Method]] = {
    "booleanValue": lambda frame, value: value,
    "compareTo": lambda frame, value, other: int(value) - int(other),
    "equals": lambda frame, value, other: value is other,
    "parseBoolean": lambda frame, value, text: text_of(text).lower() == "true",
    "toString": lambda frame, value: text_of(value),
    "valueOf": lambda frame, value, text: text_of(text).lower() == "true",
}
_NUMBER: Final[dict[str, Method]] = {
    "abs": lambda frame, value, other: abs(other),
    "compareTo": lambda frame, value, other: (value > other) - (value < other),
    "doubleValue": lambda frame, value: float(value),
    "equals": lambda frame, value, other: type(value) is type(other) and value == other,
    "floatValue": lambda frame, value: float(value),
    "intValue": lambda frame, value: int(value),
    "longValue": lambda frame, value: int(value),
    "max": lambda frame, value, one, other: max(one, other),
    "min": lambda frame, value, one, other: min(one, other),
    "parseDouble": lambda frame, value, text: float(text_of(text)),
    "parseFloat": lambda frame, value, text: float(text_of(text)),
    "parseInt": lambda frame, value, text: int(text_of(text)),
    "parseLong": lambda frame, value, text: int(text_of(text)),
    "toString": lambda frame, value, *other: text_of(other[0] if other else value),
    "valueOf": lambda frame, value, text: type(value)(text_of(text)),
}
_METHODS: Final[tuple[tuple[Any, dict[str, Method]], ...]] = (
    (str, STRING),
    (list, _LIST),
    (dict, _MAP),
    (bool, _BOOLEAN),
    ((int, float), _NUMBER),
)
