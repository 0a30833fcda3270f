"""The literals that a machine's Choices compare values with, from all of them: another Choice may ask about a pick.

Values are followed by the last part of the path that they stand at (``Status`` of ``$.Pay.Status``); names that data
goes to by a template, an ``Assign`` or an ``Output`` are the same name.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfn_emulator.asl.model import Choice, Machine, State, states_of
from sfn_emulator.prove.walk.unknown.reads import Read, literals_of, reads_of
from sfn_emulator.prove.walk.unknown.relevance import expressions
from sfn_emulator.query.jsonpath.conditions import COMBINATORS
from sfn_emulator.values import Value

Leaf = Mapping[str, Value]
"""One comparison of a JSONPath Choice: its Variable, its operator, what it compares with."""
ERROR: Final = "Error"
_MEMBER: Final = re.compile(r"""["'](\w+)["']\s*:\s*([^,{}]+)""")
"""A member of an object in an expression's text."""


class Literals:
    """The literals of one machine."""

    def __init__(self, machine: Machine) -> None:
        self._kin: dict[str, str] = {}
        self._leaves: list[tuple[str, Leaf]] = []
        self._texts: list[tuple[frozenset[str], str]] = []
        for state in states_of(machine.body):
            self._follow(state)
            if isinstance(state, Choice):
                for rule in state.rules:
                    self._gather(rule.condition.source)

    def leaves_about(self, read: Read) -> Iterator[Leaf]:
        """Comparisons with a value that may be the same."""
        kin = self._of(name_of(read))
        return (leaf for name, leaf in self._leaves if self._of(name) == kin)

    def texts_about(self, read: Read) -> Iterator[str]:
        """JSONata conditions about a value that may be the same."""
        kin = self._of(name_of(read))
        return (text for names, text in self._texts if kin in map(self._of, names))

    def about_errors(self) -> tuple[str, ...] | None:
        """Names of errors that Choices know; ``None`` if they ask about none."""
        read = Read("$", (ERROR,))
        told: list[Value] = [leaf[operator_of(leaf)] for leaf in self.leaves_about(read)]
        texts = list(self.texts_about(read))
        told += [value for text in texts for value in literals_of(text)]
        asked = bool(told or texts)
        return tuple(dict.fromkeys(v for v in told if isinstance(v, str) and _NAME.fullmatch(v))) if asked else None

    # -- names that are one

    def _follow(self, state: State) -> None:
        for _, compiled in expressions(state):
            self._follow_template(compiled.source)

    def _follow_template(self, source: Value) -> None:
        if isinstance(source, str):
            for name, text in _MEMBER.findall(source):
                self._join(name, text)
        elif isinstance(source, list):
            for item in source:
                self._follow_template(item)
        elif isinstance(source, dict):
            for name, value in source.items():
                if isinstance(value, str):
                    self._join(name.removesuffix(".$"), value)
                self._follow_template(value)

    def _join(self, name: str, text: str) -> None:
        for read in reads_of(text if text.lstrip().startswith(("{%", "$.", "States.")) else f"{{% {text} %}}"):
            self._kin[self._of(name_of(read))] = self._of(name)

    def _of(self, name: str) -> str:
        while (other := self._kin.get(name, name)) != name:
            name = other
        return name

    # -- what Choices ask

    def _gather(self, source: Value) -> None:
        if isinstance(source, str):
            self._texts.append((frozenset(map(name_of, reads_of(source))), source))
            return
        for leaf in leaves(source):
            self._leaves += [(name_of(read), leaf) for read in reads_of(leaf["Variable"])]


_NAME: Final = re.compile(r"[A-Za-z_][\w.$-]*")


def leaves(rule: Any) -> Iterator[Leaf]:
    """The comparisons of a JSONPath rule, inside And, Or and Not."""
    for operator in COMBINATORS:
        if operator in rule:
            inner = rule[operator]
            for part in inner if isinstance(inner, list) else [inner]:
                yield from leaves(part)
            return
    yield rule


def operator_of(leaf: Leaf) -> str:
    """The operator of a comparison: ``StringEquals``."""
    return next(key for key in leaf if key not in ("Variable", "Comment", "Next", "Assign", "Output"))


def name_of(read: Read) -> str:
    """The last part of a path that is a name."""
    return next((key for key in reversed(read.keys) if isinstance(key, str)), read.root)


def error_names(machine: Machine) -> tuple[str, ...] | None:
    """Errors that the machine's own Choices know by name; ``None`` if they look at no error's name."""
    return Literals(machine).about_errors()
