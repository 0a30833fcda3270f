"""The places of the data that an expression reads, found in its text. Unknown values are opened there beforehand."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sfn_emulator.prove.walk.unknown.values import Key
from sfn_emulator.query.jsonata.expression import is_expression
from sfn_emulator.values import Value

SUBJECT: Final = "$"
CONTEXT: Final = "$$"


class Read(NamedTuple):
    """``root`` is ``$``, ``$$``, a member of ``$states``, or a variable's name. ``whole``: by index and name alone."""

    root: str
    keys: tuple[Key, ...]
    whole: bool = True


_STEP: Final = r"(?:\.[A-Za-z_][\w-]*|\[\d+\]|\['[^']*'\])"
_JSON_PATH: Final = re.compile(rf"(\$\$|\$[A-Za-z_]\w*|\$)({_STEP}*)([.\[]?)")
_JSONATA: Final = re.compile(r"\$(?:states\.(\w+)|([A-Za-z_]\w*)(?![\w(]))((?:\.(?:[A-Za-z_]\w*|`[^`]*`)|\[\d+\])*)")
_KEYS: Final = re.compile(r"\.([A-Za-z_][\w-]*)|\.`([^`]*)`|\[(\d+)\]|\['([^']*)'\]")


def reads_of(source: Value) -> tuple[Read, ...]:
    """The places that an expression or template reads, each once, in the order of the text."""
    found: dict[Read, None] = {}
    for text in _texts(source):
        found.update(dict.fromkeys(_jsonata(text) if is_expression(text) else _json_path(text)))
    return tuple(found)


def _texts(source: Value) -> Iterator[str]:
    """Paths and expressions; in a JSONPath template they stand behind keys that end in ``.$``."""
    if isinstance(source, str):
        yield source
    elif isinstance(source, list):
        for item in source:
            yield from _inner_texts("", item)
    elif isinstance(source, dict):
        for key, item in source.items():
            yield from _inner_texts(key, item)


def _inner_texts(key: str, item: Any) -> Iterator[str]:
    if not isinstance(item, str) or is_expression(item) or key.endswith(".$"):
        yield from _texts(item)


def _json_path(text: str) -> Iterator[Read]:
    for root, steps, more in _JSON_PATH.findall(re.sub(r"'(?:[^'\\]|\\.)*'(?!\])", "''", text)):
        yield Read(root if root in (SUBJECT, CONTEXT) else root[1:], _keys(steps), not more)


def _jsonata(text: str) -> Iterator[Read]:
    for member, variable, steps in _JSONATA.findall(_without_literals(text)):
        if member != "context" and variable != "states":
            yield Read(member or variable, _keys(steps))


def _keys(steps: str) -> tuple[Key, ...]:
    return tuple(
        int(index) if index else name or quoted or other for name, quoted, index, other in _KEYS.findall(steps)
    )


_LITERAL: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_NUMBER: Final = re.compile(r"(?<![\w.$])-?\d+(?:\.\d+)?(?![\w.])")


def _without_literals(text: str) -> str:
    return _LITERAL.sub("''", text)


def literals_of(text: str) -> list[Value]:
    """The strings, numbers and truth values an expression's text names."""
    found: list[Value] = [one or other for one, other in _LITERAL.findall(text)]
    rest = _without_literals(text)
    found += [float(number) if "." in number else int(number) for number in _NUMBER.findall(rest)]
    return found + [value for word, value in (("true", True), ("false", False), ("null", None)) if word in rest]
