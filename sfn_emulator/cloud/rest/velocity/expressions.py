"""Velocity's references and expressions: text → a function of the frame."""

import re
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.rest.velocity import operators
from sfn_emulator.cloud.rest.velocity.frame import DEEPEST, Expression, Frame, VtlError
from sfn_emulator.cloud.rest.velocity.methods import call, item, prop, put_item

NAME: Final = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SPACE: Final = re.compile(r"\s*")
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}
_DEPTH: Final = DEEPEST * 3

Interpolation = Callable[[str], Callable[[Frame], str]]
Assignment = Callable[[Frame, Any], None]


class Parser:
    """A recursive-descent parser over one text; ``at`` is where it stands.

    ``interpolated`` makes a template of a text in double quotes.
    """

    def __init__(self, text: str, at: int, interpolated: Interpolation) -> None:
        self.text, self.at, self._depth = text, at, 0
        self._interpolated = interpolated

    # -- references

    def reference(self) -> Expression:
        """The reference whose dollar sign stands at ``at``. Raises ``VtlError``."""
        self.at += 1
        self._if_next("!")
        braced = self._if_next("{")
        name = self._name()
        found: Expression = lambda frame: frame.variables.get(name)  # noqa: E731 - one of many closures like it
        while True:
            step = self._step(found)
            if step is None:
                break
            found = step
        if braced:
            self.expect("}")
        return found

    def target(self) -> Assignment:
        """The target of #set: a variable, or a property or item of one."""
        self.expect("$")
        self._if_next("!")
        braced = self._if_next("{")
        name, steps = self._name(), self._target_steps()
        if braced:
            self.expect("}")
        return _assignment(name, steps)

    def _target_steps(self) -> list[Expression]:
        steps: list[Expression] = []
        while True:
            named = NAME.match(self.text, self.at + 1) if self.text.startswith(".", self.at) else None
            if named is not None:
                self.at = named.end()
                steps.append(_constant(named[0]))
            elif self._if_next("["):
                steps.append(self.expression())
                self.expect("]")
            else:
                return steps

    def _step(self, base: Expression) -> Expression | None:
        if self._if_next("["):
            index = self.expression()
            self.expect("]")
            return lambda frame: item(base(frame), index(frame))
        named = NAME.match(self.text, self.at + 1) if self.text.startswith(".", self.at) else None
        if named is None:
            return None
        self.at = named.end()
        name = named[0]
        if not self._if_next("("):
            return lambda frame: prop(frame, base(frame), name)
        arguments = self._list(")")
        return lambda frame: call(frame, base(frame), name, [argument(frame) for argument in arguments])

    # -- expressions

    def expression(self) -> Expression:
        """Raises ``VtlError``."""
        self._depth += 1
        if self._depth > _DEPTH:
            raise VtlError("The template is nested too deeply.")
        found = self._binary(0)
        self._depth -= 1
        return found

    def _binary(self, level: int) -> Expression:
        if level == len(operators.LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while True:
            self.skip()
            sign = next((s for s in operators.LEVELS[level] if self._is_sign(s)), None)
            if sign is None:
                return left
            self.at += len(sign)
            left = operators.LEVELS[level][sign](left, self._binary(level + 1))

    def _is_sign(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        return not (sign.isalpha() and self.text[self.at + len(sign) : self.at + len(sign) + 1].isalnum())

    def _unary(self) -> Expression:
        self.skip()
        negated = "!" if self.text.startswith("!", self.at) else "not" if self._is_sign("not") else ""
        if negated:
            self.at += len(negated)
            self._depth += 1
            if self._depth > _DEPTH:
                raise VtlError("The template is nested too deeply.")
            return operators.negation(self._unary())
        if self.accept("("):
            inside = self.expression()
            self.expect(")")
            return inside
        return self._primary()

    def _primary(self) -> Expression:
        sign = self.text[self.at : self.at + 1]
        if sign == "$":
            return self.reference()
        if sign in ("'", '"'):
            return self._string(sign)
        if self._if_next("["):
            return self._list_or_range()
        if self._if_next("{"):
            return self._map()
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            return _constant(int(number[0]) if number[0].lstrip("-").isdigit() else float(number[0]))
        word = self._name()
        if word not in _WORDS:
            raise VtlError(f"'{word}' is not understood in the template.")
        return _constant(_WORDS[word])

    def _string(self, quote: str) -> Expression:
        """A string literal. Within it, its own quote is written twice; a backslash has no special meaning."""
        found = re.compile(f"{quote}((?:[^{quote}]|{quote}{quote})*){quote}").match(self.text, self.at)
        if found is None:
            raise VtlError("A text is not closed in the template.")
        self.at = found.end()
        text = found[1].replace(quote * 2, quote)
        return self._interpolated(text) if quote == '"' and ("$" in text or "#" in text) else _constant(text)

    def _list_or_range(self) -> Expression:
        if self.accept("]"):
            return lambda frame: []
        first = self.expression()
        if self.accept(".."):
            last = self.expression()
            self.expect("]")
            return operators.span(first, last)
        rest = self._list("]", first)
        return lambda frame: [value(frame) for value in rest]

    def _list(self, closing: str, *given: Expression) -> list[Expression]:
        items = [*given]
        while not self.accept(closing):
            if items:
                self.expect(",")
            items.append(self.expression())
        return items

    def _map(self) -> Expression:
        pairs: list[tuple[Expression, Expression]] = []
        while not self.accept("}"):
            if pairs:
                self.expect(",")
            key = self.expression()
            self.expect(":")
            pairs.append((key, self.expression()))
        return lambda frame: {key(frame): value(frame) for key, value in pairs}

    # -- characters

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise VtlError(f"Expected '{sign}' at {self.at} in the template.")

    def word(self, expected: str) -> None:
        self.skip()
        if self._name() != expected:
            raise VtlError(f"Expected '{expected}' at {self.at} in the template.")

    def variable(self) -> str:
        """The name after a dollar sign."""
        self.expect("$")
        self._if_next("!")
        braced = self._if_next("{")
        name = self._name()
        if braced:
            self.expect("}")
        return name

    def accept(self, sign: str) -> bool:
        self.skip()
        return self._if_next(sign)

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _name(self) -> str:
        found = NAME.match(self.text, self.at)
        if found is None:
            raise VtlError(f"Expected a name at {self.at} in the template.")
        self.at = found.end()
        return found[0]

    def _if_next(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True


def _constant(value: Any) -> Expression:
    return lambda frame: value


def _assignment(name: str, steps: list[Expression]) -> Assignment:
    """#set of null leaves the old value (User Guide, "Set"). Missing maps on the way are made."""

    def assign(frame: Frame, value: Any) -> None:
        if value is None:
            return
        if not steps:
            frame.variables[name] = value
            return
        place = frame.variables.setdefault(name, {})
        for step in steps[:-1]:
            key = step(frame)
            place = place.setdefault(key, {}) if isinstance(place, dict) else item(place, key)
        put_item(place, steps[-1](frame), value)

    return assign
