"""Velocity's references and expressions: text → a function of the template's variables."""

import operator
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Expression: TypeAlias = Callable[[dict[str, Any]], Any]

_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_SPACE: Final = re.compile(r"\s*")
_DEPTH: Final = 60


class VtlError(ValueError):
    """A template that can't be understood or evaluated."""


def reference(text: str, at: int) -> tuple[Expression, int]:
    """The reference that starts with the dollar sign at ``at``, and where it ends."""
    parser = Parser(text, at)
    return parser.reference(), parser.at


class Parser:
    """A recursive-descent parser over one text; ``at`` is where it stands."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at, self._depth = text, at, 0

    def expression(self) -> Expression:
        """Raises ``VtlError``."""
        self._depth += 1
        if self._depth > _DEPTH:
            raise VtlError("The template is nested too deeply.")
        found = self._binary(0)
        self._depth -= 1
        return found

    def target(self) -> tuple[str, list[str]]:
        """What #set and #foreach assign to: a variable, or a property path of one."""
        self.expect("$")
        self._accept("!")
        braced = self._accept("{")
        name, path = self._name(), []
        while self.text[self.at : self.at + 1] == ".":
            self.at += 1
            path.append(self._name())
        if braced:
            self.expect("}")
        return name, path

    def expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise VtlError(f"Expected '{sign}' at {self.at} in the template.")

    def word(self, expected: str) -> None:
        self._skip()
        if self._name() != expected:
            raise VtlError(f"Expected '{expected}' at {self.at} in the template.")

    def reference(self) -> Expression:
        self.at += 1
        if self.text[self.at : self.at + 1] == "!":
            self.at += 1
        braced = self.text[self.at : self.at + 1] == "{"
        self.at += braced
        name = self._name()
        found: Expression = lambda variables: variables.get(name)  # noqa: E731 - one of many closures like it
        while True:
            step = self._step(found)
            if step is None:
                break
            found = step
        if braced:
            self.expect("}")
        return found

    def _step(self, base: Expression) -> Expression | None:
        if self.text[self.at : self.at + 1] == "[":
            self.at += 1
            index = self.expression()
            self.expect("]")
            return lambda variables: _item(base(variables), index(variables))
        named = _NAME.match(self.text, self.at + 1) if self.text[self.at : self.at + 1] == "." else None
        if named is None:
            return None
        self.at = named.end()
        name = named[0]
        if self.text[self.at : self.at + 1] != "(":
            return lambda variables: _property(base(variables), name)
        self.at += 1
        arguments = self._list(")")
        return lambda variables: _call(base(variables), name, [argument(variables) for argument in arguments])

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while True:
            self._skip()
            sign = next((s for s in _LEVELS[level] if self._is_sign(s)), None)
            if sign is None:
                return left
            self.at += len(sign)
            left = _combine(_LEVELS[level][sign], left, self._binary(level + 1))

    def _is_sign(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        return not (sign.isalpha() and self.text[self.at + len(sign) : self.at + len(sign) + 1].isalnum())

    def _unary(self) -> Expression:
        if self._accept("!"):
            inner = self._unary()
            return lambda variables: inner(variables) in (None, False)
        if self._accept("("):
            inside = self.expression()
            self.expect(")")
            return inside
        return self._primary()

    def _primary(self) -> Expression:
        self._skip()
        sign = self.text[self.at : self.at + 1]
        if sign == "$":
            return self.reference()
        if sign in ("'", '"'):
            return self._string(sign)
        if sign == "[":
            self.at += 1
            items = self._list("]")
            return lambda variables: [item(variables) for item in items]
        if sign == "{":
            self.at += 1
            return self._map()
        return self._constant()

    def _constant(self) -> Expression:
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            value: Any = float(number[0]) if number[1] else int(number[0])
            return lambda variables: value
        word = self._name()
        if word not in _WORDS:
            raise VtlError(f"'{word}' is not understood in the template.")
        return lambda variables: _WORDS[word]

    def _string(self, quote: str) -> Expression:
        end = self.text.find(quote, self.at + 1)
        if end < 0:
            raise VtlError("A text is not closed in the template.")
        text = self.text[self.at + 1 : end]
        self.at = end + 1
        if quote == '"' and "$" in text:
            from sfn_emulator.cloud.rest.vtl import render

            return lambda variables: render(text, variables)
        return lambda variables: text

    def _list(self, closing: str) -> list[Expression]:
        items: list[Expression] = []
        while not self._accept(closing):
            if items:
                self.expect(",")
            items.append(self.expression())
        return items

    def _map(self) -> Expression:
        pairs: list[tuple[Expression, Expression]] = []
        while not self._accept("}"):
            if pairs:
                self.expect(",")
            key = self.expression()
            self.expect(":")
            pairs.append((key, self.expression()))
        return lambda variables: {key(variables): value(variables) for key, value in pairs}

    def _name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise VtlError(f"Expected a name at {self.at} in the template.")
        self.at = found.end()
        return found[0]

    def _accept(self, sign: str) -> bool:
        self._skip()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at


_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}


def _truth(value: Any) -> bool:
    return value not in (None, False)


def _add(left: Any, right: Any) -> Any:
    from sfn_emulator.cloud.rest.vtl import text_of

    plain = isinstance(left, int | float) and isinstance(right, int | float)
    return left + right if plain else text_of(left) + text_of(right)


def _divide(left: Any, right: Any) -> Any:
    return left // right if isinstance(left, int) and isinstance(right, int) else left / right


_LEVELS: Final[tuple[dict[str, Callable[[Any, Any], Any]], ...]] = (
    {"||": lambda a, b: _truth(a) or _truth(b), "or": lambda a, b: _truth(a) or _truth(b)},
    {"&&": lambda a, b: _truth(a) and _truth(b), "and": lambda a, b: _truth(a) and _truth(b)},
    {"==": operator.eq, "!=": operator.ne, "eq": operator.eq, "ne": operator.ne},
    {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt},
    {"+": _add, "-": operator.sub},
    {"*": operator.mul, "/": _divide, "%": operator.mod},
)


def _combine(apply: Callable[[Any, Any], Any], left: Expression, right: Expression) -> Expression:
    def combined(variables: dict[str, Any]) -> Any:
        try:
            return apply(left(variables), right(variables))
        except (TypeError, ZeroDivisionError):
            return None

    return combined


def _item(base: Any, index: Any) -> Any:
    try:
        return base[index]
    except (TypeError, KeyError, IndexError):
        return None


def _property(base: Any, name: str) -> Any:
    if isinstance(base, dict):
        return base.get(name)
    return getattr(base, name, None) if getattr(base, "is_vtl_object", False) else None


def _call(base: Any, name: str, arguments: list[Any]) -> Any:
    if getattr(base, "is_vtl_object", False) and not name.startswith("_"):
        return getattr(base, name)(*arguments)
    method = next((row[name] for kind, row in _METHODS if isinstance(base, kind) and name in row), None)
    if base is None:
        return None
    if method is None:
        raise VtlError(f"There is no method '{name}' for what it is called on in the template.")
    return method(base, *arguments)


def _substring(text: str, start: int, end: int | None = None) -> str:
    return text[start:end]


def _put(mapping: dict[Any, Any], key: Any, value: Any) -> str:
    mapping[key] = value
    return ""


def _append(items: list[Any], value: Any) -> str:
    items.append(value)
    return ""


def _replace_all(text: str, pattern: str, by: str) -> str:
    return re.sub(pattern, lambda found: re.sub(r"\\(.)", r"\1", by), text)


_STRING: Final[dict[str, Callable[..., Any]]] = {
    "length": len,
    "isEmpty": lambda text: not text,
    "trim": str.strip,
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "contains": operator.contains,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "indexOf": str.find,
    "lastIndexOf": str.rfind,
    "equals": operator.eq,
    "equalsIgnoreCase": lambda text, other: text.lower() == str(other).lower(),
    "replace": lambda text, old, new: text.replace(old, new),
    "replaceAll": _replace_all,
    "matches": lambda text, pattern: bool(re.fullmatch(pattern, text)),
    "split": lambda text, pattern: re.split(pattern, text),
    "substring": _substring,
    "concat": operator.add,
    "toString": str,
}
_LIST: Final[dict[str, Callable[..., Any]]] = {
    "size": len,
    "isEmpty": lambda items: not items,
    "get": _item,
    "add": _append,
    "contains": operator.contains,
    "indexOf": lambda items, value: items.index(value) if value in items else -1,
}
_MAP: Final[dict[str, Callable[..., Any]]] = {
    "size": len,
    "isEmpty": lambda mapping: not mapping,
    "get": lambda mapping, key: mapping.get(key),
    "put": _put,
    "keySet": list,
    "values": lambda mapping: list(mapping.values()),
    "containsKey": operator.contains,
    "entrySet": lambda mapping: [{"key": key, "value": value} for key, value in mapping.items()],
}
_METHODS: Final = ((str, _STRING), (list, _LIST), (dict, _MAP), ((int, float), {"toString": str}))
