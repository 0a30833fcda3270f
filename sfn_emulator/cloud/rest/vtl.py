"""Velocity templates, as far as API Gateway's mapping templates commonly use them.

Text with references (``$a.b('x')[0]``, ``${a.b}``, ``$!a``) and the directives ``#set``, ``#if``/``#elseif``/``#else``,
``#foreach`` and ``##``. A template compiles once to a function of its variables. What a reference does not find is
empty text. Methods are those of Java's strings, lists and maps that templates use, as tables.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

import orjson

from sfn_emulator.cloud.rest.vtl_expressions import Expression, Parser, VtlError, reference

Variables: TypeAlias = dict[str, Any]
Part: TypeAlias = Callable[[Variables, list[str]], None]

_DIRECTIVE: Final = re.compile(
    r"##[^\n]*\n?|#\*.*?\*#|#\{?(set|if|elseif|else|end|foreach)\b\}?|\$!?\{?[A-Za-z_]", re.S
)
_LOOPS: Final = 10_000

__all__ = ["VtlError", "compile_template", "render"]


def render(template: str, variables: Mapping[str, Any]) -> str:
    """The template's text. Raises ``VtlError`` for a template that does not parse or a method there is none of."""
    output: list[str] = []
    compile_template(template)(dict(variables), output)
    return "".join(output)


@lru_cache(maxsize=256)
def compile_template(template: str) -> Part:
    body, at, ending = _block(template, 0)
    if ending is not None:
        raise VtlError(f"#{ending} without a beginning at {at}")
    return body


def text_of(value: Any) -> str:
    """A value as a template shows it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return orjson.dumps(value, default=str).decode()


def _block(text: str, at: int) -> tuple[Part, int, str | None]:
    """Parts up to the directive that ends the block, where it ends, and which it was (``None``: the text's end)."""
    parts: list[Part] = []
    while True:
        found = _DIRECTIVE.search(text, at)
        if found is None:
            parts.append(_literal(text[at:]))
            return _sequence(parts), len(text), None
        parts.append(_literal(text[at : found.start()]))
        name = found[1]
        if name in ("end", "else", "elseif"):
            return _sequence(parts), found.end(), name
        part, at = _part(text, found, name)
        parts.append(part)


def _part(text: str, found: re.Match[str], name: str | None) -> tuple[Part, int]:
    if name is not None:
        return _DIRECTIVES[name](text, found.end())
    if text[found.start()] == "#":
        return _literal(""), found.end()
    value, end = reference(text, found.start())

    def show(variables: Variables, output: list[str]) -> None:
        output.append(text_of(value(variables)))

    return show, end


def _set(text: str, at: int) -> tuple[Part, int]:
    parser = Parser(text, at)
    parser.expect("(")
    name, path = parser.target()
    parser.expect("=")
    value = parser.expression()
    parser.expect(")")

    def assign(variables: Variables, output: list[str]) -> None:
        if not path:
            variables[name] = value(variables)
            return
        place = variables.setdefault(name, {})
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value(variables)

    return assign, _past_newline(text, parser.at)


def _if(text: str, at: int) -> tuple[Part, int]:
    branches: list[tuple[Expression, Part]] = []
    condition, at = _condition(text, at)
    otherwise: Part = _literal("")
    while True:
        body, at, ending = _block(text, at)
        branches.append((condition, body))
        if ending == "elseif":
            condition, at = _condition(text, at)
            continue
        if ending == "else":
            otherwise, at, ending = _block(text, at)
        if ending != "end":
            raise VtlError("#if without #end")
        return _choose(branches, otherwise), at


def _choose(branches: list[tuple[Expression, Part]], otherwise: Part) -> Part:
    def choose(variables: Variables, output: list[str]) -> None:
        for condition, body in branches:
            if condition(variables) not in (None, False):
                return body(variables, output)
        return otherwise(variables, output)

    return choose


def _foreach(text: str, at: int) -> tuple[Part, int]:
    parser = Parser(text, at)
    parser.expect("(")
    name, _ = parser.target()
    parser.word("in")
    items = parser.expression()
    parser.expect(")")
    body, at, ending = _block(text, parser.at)
    if ending != "end":
        raise VtlError("#foreach without #end")

    def repeat(variables: Variables, output: list[str]) -> None:
        found = items(variables) or []
        rows = list(found.values()) if isinstance(found, dict) else list(found)
        for index, item in enumerate(rows[:_LOOPS]):
            variables[name] = item
            variables["foreach"] = {"index": index, "count": index + 1, "hasNext": index + 1 < len(rows)}
            variables["velocityCount"] = index + 1
            body(variables, output)

    return repeat, at


_DIRECTIVES: Final[dict[str, Callable[[str, int], tuple[Part, int]]]] = {"set": _set, "if": _if, "foreach": _foreach}


def _condition(text: str, at: int) -> tuple[Expression, int]:
    parser = Parser(text, at)
    parser.expect("(")
    condition = parser.expression()
    parser.expect(")")
    return condition, parser.at


def _past_newline(text: str, at: int) -> int:
    found = re.compile(r"[ \t]*\r?\n").match(text, at)
    return found.end() if found else at


def _literal(text: str) -> Part:
    def put(variables: Variables, output: list[str]) -> None:
        output.append(text)

    return put


def _sequence(parts: list[Part]) -> Part:
    def all_of(variables: Variables, output: list[str]) -> None:
        for part in parts:
            part(variables, output)

    return all_of
