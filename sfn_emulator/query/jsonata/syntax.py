"""Expression text → syntax tree (the library's), with AWS's dialect and the reference's error texts.

This module imports the library, so import it only when there is an expression to compile.
"""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from jsonata import jexception, parser, tokenizer

from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.jsonata.errors import JsonataError, filled
from sfn_emulator.query.jsonata.regex import Pattern

Node = Any
"""A node of the library's tree (``jsonata.parser.Parser.Symbol``)."""

_BETWEEN: Final = re.compile(r"(?:[ \t\r\n]|/\*.*?\*/)*", re.DOTALL)
"""Blanks and comments."""

_LATER_OPERATORS: Final = frozenset({"?:", "??"})
"""Operators of JSONata 2.1, which AWS's 2.0.6 reads as two tokens and therefore refuses."""

MOST_TOKENS: Final = 10_000
"""Tokens of one expression; the library takes 4 KB and a tenth of a millisecond for each."""

_OF_VALUES: Final = frozenset({"S0201", "S0202", "S0213"})
"""Errors that quote a value of the expression."""

_parsers: Final[list[Any]] = []


class _Tokens(tokenizer.Tokenizer):  # type: ignore[misc]
    """The library's tokens. It reads past the end of a comment or a slash that is last, hence the blank."""

    position: int
    _taken = 0

    def __init__(self, text: str) -> None:
        super().__init__(text + " ", Pattern)

    def next(self, prefix: bool) -> Any:
        self._taken += 1
        if self._taken > MOST_TOKENS:
            raise QuerySyntaxError(f"The expression has more than {MOST_TOKENS} tokens", self.position)
        if between := _BETWEEN.match(self.path, self.position):
            self.position = between.end()
        if self.path.startswith("/*", self.position):
            raise jexception.JException("S0106", self.position)
        token = super().next(prefix)
        if token is not None and token.type == "operator" and token.value in _LATER_OPERATORS:
            self.position -= 1
            token.value = token.value[0]
        return token


@contextmanager
def _borrowed_parser() -> Iterator[Any]:
    """Building the library's parser costs four times a parse; list operations are atomic, so threads may borrow."""
    try:
        borrowed = _parsers.pop()
    except IndexError:
        borrowed = parser.Parser()
    yield borrowed
    borrowed.ancestry, borrowed.ancestor_index, borrowed.ancestor_label = [], 0, 0
    _parsers.append(borrowed)


def parse(text: str) -> Node:
    """The processed syntax tree; raises ``QuerySyntaxError`` with the reference's sentence and the offset."""
    try:
        with _borrowed_parser() as borrowed:
            return _parsed(borrowed, text)
    except jexception.JException as error:
        raise QuerySyntaxError(_told(error, text), max(error.location, 0)) from None
    except JsonataError as error:
        raise QuerySyntaxError(error.message) from None
    except QuerySyntaxError:
        raise
    except KeyError as error:  # the library looks up an operator that it has no symbol for
        raise QuerySyntaxError(filled("S0204", error.args)) from None
    except IndexError:  # its tokenizer reads past the end of an escape
        raise QuerySyntaxError(filled("S0101", ()), len(text)) from None
    except RecursionError:
        raise QuerySyntaxError("The expression is nested too deeply") from None
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        raise QuerySyntaxError(filled("S0201", (text,))) from None


def _told(error: jexception.JException, text: str) -> str:
    inserts: tuple[Any, ...] = tuple(i for i in (error.current, error.expected) if i is not None)
    if error.error == "S0208":
        inserts = (_argument_number(text, error.location),)
    elif error.error in _OF_VALUES:  # the value may be null itself
        inserts = (error.current, error.expected)
    return filled("S0103" if error.error == "S0301" and inserts else error.error, inserts)


def _argument_number(text: str, position: int) -> int:
    """Which argument of the innermost call it is that ends at ``position``."""
    number, depth = 1, 0
    for char in reversed(text[: max(position - 1, 0)]):
        depth += char in ")]}"
        depth -= char in "([{"
        if depth < 0:
            break
        number += char == "," and depth == 0
    return number


def _parsed(borrowed: Any, text: str) -> Node:
    """The library's ``Parser.parse`` with the dialect's tokens."""
    borrowed.source = text
    borrowed.lexer = _Tokens(text)
    borrowed.advance()
    tree = borrowed.expression(0)
    if borrowed.node.id != "(end)":
        raise jexception.JException("S0201", borrowed.node.position, borrowed.node.value)
    tree = borrowed.process_ast(tree)
    if tree.type == "parent" or tree.seeking_parent is not None:
        raise jexception.JException("S0217", tree.position, tree.type)
    return tree


_SINGLE: Final = ("lhs", "rhs", "expression", "condition", "then", "_else", "procedure", "body", "expr")
_MAPPING: Final = ("pattern", "update", "delete")
_MANY: Final = ("steps", "arguments", "expressions", "terms")


def operands(node: Node) -> Iterator[Node]:
    """The nodes directly below that see the same context as the node itself (of a path, only the first step does)."""
    for name in itertools.chain(_SINGLE, _MAPPING):
        child = getattr(node, name, None)
        if isinstance(child, parser.Parser.Symbol):
            yield child
    for name in _MANY:
        yield from (c for c in getattr(node, name, None) or () if isinstance(c, parser.Parser.Symbol))
    yield from itertools.chain.from_iterable(node.lhs_object or ())


def qualifiers(node: Node) -> Iterator[Node]:
    """The nodes directly below that see the node's result, item by item: predicates, stages and a group's pairs."""
    yield from node.predicate or ()
    yield from node.stages or ()
    if node.group is not None:
        yield from itertools.chain.from_iterable(node.group.lhs_object)


def children(node: Node) -> Iterator[Node]:
    yield from operands(node)
    yield from qualifiers(node)
