"""Velocity templates: text → a function of a frame, compiled once.

Text with references (``$a.b('x')[0]``, ``${a.b}``, ``$!a``) and the directives ``#set``, ``#if``, ``#foreach``,
``#macro``, ``#define``, ``#evaluate``, ``#break``, ``#stop``, comments and ``#[[ ]]#``. A reference that finds nothing
is empty text, as in API Gateway. Newlines after a directive's end belong to the directive (``Parser.jjt``).
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from sfn_emulator.cloud.rest.velocity.expressions import NAME, Parser
from sfn_emulator.cloud.rest.velocity.frame import DEEPEST, Expression, Frame, Part, VtlError
from sfn_emulator.cloud.rest.velocity.scopes import Defined, Left, Loop, Macro, kept
from sfn_emulator.cloud.rest.velocity.values import plain_rows, text_of, truth

TEMPLATE_LONGEST: Final = 307_200
"""Characters of a template (API Gateway quotas: 300 KB)."""
_LOOPS: Final = 1_000
"""Iterations of one #foreach (API Gateway quotas)."""
_SIGN: Final = re.compile(
    r"##[^\n]*\n?|#\*.*?\*#|#\[\[(?P<raw>.*?)\]\]#|(?P<hidden>\\+)(?=[#$])|#(?P<brace>\{)?(?P<name>[A-Za-z_]\w*)(?(brace)\})"
    r"|\$!?\{?[A-Za-z_]",
    re.S,
)
_NEWLINE: Final = re.compile(r"[ \t]*(?:\r\n|\r|\n)")
_ENDINGS: Final = frozenset({"end", "else", "elseif"})
_NESTING: Final = 60


def render(template: str, variables: Mapping[str, Any]) -> str:
    """The template's text. Raises ``VtlError`` for a template that does not parse, asks for something that does not
    exist, or takes too many steps, too much text or too much time.
    """
    body, macros = compile_template(template)
    frame = Frame(dict(variables), dict(macros))
    try:
        body(frame)
    except Left:
        pass
    except RecursionError:
        raise VtlError("The template or its values are nested too deeply.") from None
    return "".join(frame.output)


@lru_cache(maxsize=256)
def compile_template(template: str) -> tuple[Part, dict[str, Macro]]:
    """Raises ``VtlError``."""
    if len(template) > TEMPLATE_LONGEST:
        raise VtlError(f"The template has more than {TEMPLATE_LONGEST} characters.")
    reader = _Reader(template)
    try:
        body, ending = reader.block()
    except RecursionError:
        raise VtlError("The template is nested too deeply.") from None
    if ending:
        raise VtlError(f"#{ending} without a beginning at {reader.at} in the template.")
    return body, reader.macros


def interpolated(text: str) -> Callable[[Frame], str]:
    """A text between double quotes: a template within the template."""
    body, macros = compile_template(text)

    def show(frame: Frame) -> str:
        outer, frame.output = frame.output, []
        frame.macros.update(macros)
        try:
            body(frame)
            return "".join(frame.output)
        finally:
            frame.output = outer

    return show


class _Reader:
    """Reads one template text; ``at`` is where it stands."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self._nesting = text, 0, 0
        self.macros: dict[str, Macro] = {}

    def block(self) -> tuple[Part, str]:
        """Parts up to the directive that ends the block, and which that is (empty: the text's end)."""
        self._nesting += 1
        if self._nesting > _NESTING:
            raise VtlError("The template is nested too deeply.")
        parts: list[Part] = []
        ending = ""
        while not ending:
            found = _SIGN.search(self.text, self.at)
            if found is None:
                parts.append(_literal(self.text[self.at :]))
                self.at = len(self.text)
                break
            parts.append(_literal(self.text[self.at : found.start()]))
            if found["name"] in _ENDINGS:
                ending, self.at = found["name"], found.end()
            else:
                parts.append(self._part(found))
        if ending == "end":
            self._skip_newline()
        self._nesting -= 1
        return _sequence([part for part in parts if part is not _NOTHING]), ending

    def _part(self, found: re.Match[str]) -> Part:
        self.at = found.end()
        if found["hidden"]:
            return self._escaped(found["hidden"])
        if found["raw"] is not None:
            return _literal(found["raw"])
        if found["name"]:
            return self._directive(found)
        if self.text[found.start()] == "#":
            return _NOTHING
        parser = Parser(self.text, found.start(), interpolated)
        value = parser.reference()
        self.at = parser.at
        return lambda frame: frame.write(text_of(value(frame)))

    def _escaped(self, slashes: str) -> Part:
        """``\\$name`` and ``\\#if``: the sign itself; two backslashes are one (User Guide, "Escaping")."""
        following = _SIGN.match(self.text, self.at)
        if following is None or not (following["name"] in _DIRECTIVES or self.text[self.at] == "$"):
            return _literal(slashes)
        shown = slashes[: len(slashes) // 2]
        if len(slashes) % 2:
            shown += self.text[self.at]
            self.at += 1
        return _literal(shown)

    def _directive(self, found: re.Match[str]) -> Part:
        name = found["name"]
        if name in _DIRECTIVES:
            return _DIRECTIVES[name](self)
        if found["brace"] or not self.text.startswith("(", self.at):
            return _literal(found[0])
        return self._macro_call(name, found.start())

    # -- one directive each

    def set(self) -> Part:
        parser = self._opened()
        assign = parser.target()
        parser.expect("=")
        value = parser.expression()
        self._closed(parser)

        def put(frame: Frame) -> None:
            frame.step()
            assign(frame, value(frame))

        return put

    def choice(self) -> Part:
        branches: list[tuple[Expression, Part]] = []
        ending, otherwise = "elseif", _NOTHING
        while ending == "elseif":
            condition = self._condition()
            body, ending = self.block()
            branches.append((condition, body))
        if ending == "else":
            self._skip_newline()
            otherwise, ending = self.block()
        if ending != "end":
            raise VtlError("#if without #end in the template.")
        return _chosen(branches, otherwise)

    def loop(self) -> Part:
        parser = self._opened()
        name = parser.variable()
        parser.word("in")
        items = parser.expression()
        self._closed(parser)
        return _repeated(name, items, self._body("foreach"))

    def macro(self) -> Part:
        parser = self._opened()
        parser.skip()
        named = NAME.match(self.text, parser.at)
        if named is None:
            raise VtlError("A #macro without a name in the template.")
        parser.at = named.end()
        names = []
        while not parser.accept(")"):
            parser.accept(",")
            names.append(parser.variable())
        self.at = parser.at
        self._skip_newline()
        self.macros[named[0]] = Macro(names, self._body("macro"))
        return _NOTHING

    def define(self) -> Part:
        parser = self._opened()
        name = parser.variable()
        self._closed(parser)
        body = self._body("define")

        def put(frame: Frame) -> None:
            frame.variables[name] = Defined(frame, body)

        return put

    def evaluate(self) -> Part:
        parser = self._opened()
        text = parser.expression()
        self._closed(parser)

        def run(frame: Frame) -> None:
            frame.step()
            if frame.depth >= DEEPEST:
                raise VtlError("#evaluate within #evaluate, too deep, in the template.")
            frame.depth += 1
            frame.write(interpolated(text_of(text(frame)))(frame))
            frame.depth -= 1

        return run

    def leave(self, loop: bool) -> Part:
        def leave(frame: Frame) -> None:
            raise Left(loop)

        return leave

    def refused(self, name: str) -> Part:
        raise VtlError(f"#{name} reads other files: a mapping template has none.")

    def _macro_call(self, name: str, start: int) -> Part:
        parser = Parser(self.text, self.at + 1, interpolated)
        arguments: list[Expression] = []
        try:
            while not parser.accept(")"):
                parser.accept(",")
                arguments.append(parser.expression())
        except VtlError:
            return _literal(self.text[start : self.at])
        self.at = parser.at
        written = self.text[start : self.at]

        def run(frame: Frame) -> None:
            frame.step()
            macro = frame.macros.get(name)
            if macro is None:
                frame.write(written)
            else:
                macro(frame, [argument(frame) for argument in arguments])

        return run

    # -- their parts

    def _condition(self) -> Expression:
        parser = self._opened()
        condition = parser.expression()
        self._closed(parser)
        return condition

    def _body(self, of: str) -> Part:
        body, ending = self.block()
        if ending != "end":
            raise VtlError(f"#{of} without #end in the template.")
        return body

    def _opened(self) -> Parser:
        parser = Parser(self.text, self.at, interpolated)
        parser.expect("(")
        return parser

    def _closed(self, parser: Parser) -> None:
        parser.expect(")")
        self.at = parser.at
        self._skip_newline()

    def _skip_newline(self) -> None:
        found = _NEWLINE.match(self.text, self.at)
        self.at = found.end() if found else self.at


_DIRECTIVES: Final[dict[str, Callable[[_Reader], Part]]] = {
    "set": _Reader.set,
    "if": _Reader.choice,
    "foreach": _Reader.loop,
    "macro": _Reader.macro,
    "define": _Reader.define,
    "evaluate": _Reader.evaluate,
    "break": lambda reader: reader.leave(loop=True),
    "stop": lambda reader: reader.leave(loop=False),
    "parse": lambda reader: reader.refused("parse"),
    "include": lambda reader: reader.refused("include"),
}


def _chosen(branches: list[tuple[Expression, Part]], otherwise: Part) -> Part:
    def choose(frame: Frame) -> None:
        frame.step()
        for condition, body in branches:
            if truth(condition(frame)):
                return body(frame)
        return otherwise(frame)

    return choose


def _repeated(name: str, items: Expression, body: Part) -> Part:
    def repeat(frame: Frame) -> None:
        rows = list(plain_rows(items(frame)))
        variables, loop = frame.variables, Loop(len(rows), frame.variables.get("foreach"))
        with kept(frame, [name, "foreach", "velocityCount"]):
            for item in rows[:_LOOPS]:
                frame.step()
                loop.advance()
                variables.update({name: item, "foreach": loop, "velocityCount": loop.getCount()})
                try:
                    body(frame)
                except Left as broken:
                    if not broken.loop:
                        raise
                    break

    return repeat


def _literal(text: str) -> Part:
    return (lambda frame: frame.write(text)) if text else _NOTHING


def _nothing(frame: Frame) -> None:
    """A part without text."""


_NOTHING: Final[Part] = _nothing


def _sequence(parts: list[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]

    def all_of(frame: Frame) -> None:
        for part in parts:
            part(frame)

    return all_of
