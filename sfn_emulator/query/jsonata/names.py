"""The names an expression reads: workflow variables, members of ``$states``, and names that AWS does not allow at the
top.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Final

from sfn_emulator.query.jsonata.syntax import Node, children, operands, qualifiers
from sfn_emulator.query.jsonata.values import BUILT_IN


@dataclass
class Names:
    """``free`` are all names read and not bound inside, ``reserved`` the members of ``$states``, ``whole`` whether
    ``$states`` itself is read, ``top`` the references that need a context item where there is none (``phone``, ``$``).
    """

    free: set[str] = field(default_factory=set)
    reserved: set[str] = field(default_factory=set)
    whole: bool = False
    top: dict[str, int] = field(default_factory=dict)

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(self.free - BUILT_IN - {"states"})


_SCOPES: Final = ("block", "lambda")
"""Nodes that bind names in a scope of their own."""


def names_of(tree: Node) -> Names:
    """The variables and the members of ``$states`` that an expression reads."""
    names = Names()
    _walk(tree, set() if tree.type in _SCOPES else set(_bound_within(tree)), True, names)
    return names


def _bound_within(node: Node) -> Iterator[str]:
    """Names that ``:=``, ``@`` and ``#`` bind in the scope of this node (blocks and functions below have their own)."""
    if node.type == "bind":
        yield node.lhs.value
    yield from (name for name in (node.focus, node.index) if isinstance(name, str))
    if node.type == "index":
        yield node.value
    for child in children(node):
        if child.type not in _SCOPES:
            yield from _bound_within(child)


def _walk(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    """``bound`` holds what is bound in this scope anywhere: JSONata binds while it runs, and functions run later."""
    handler = _HANDLERS.get(node.type)
    if handler is not None:
        handler(node, bound, top, names)
    else:
        for child in operands(node):
            _walk(child, bound, top, names)
    _below(qualifiers(node), bound, names)


def _variable(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    if node.value in ("", "$"):
        if top or node.value == "$":
            names.top.setdefault(f"${node.value}", node.position)
    elif node.value not in bound:
        names.free.add(node.value)
        names.whole = names.whole or node.value == "states"


def _name(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    if top:
        names.top.setdefault(str(node.value), node.position)


def _wildcard(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    if top:
        names.top.setdefault("*" if node.type == "wildcard" else "**", node.position)


def _below(nodes: Iterable[Node], bound: Set[str], names: Names) -> None:
    for node in nodes:
        _walk(node, bound, False, names)


def _path(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    first, *rest = node.steps
    if rest and _is_member(first, rest[0]) and "states" not in bound:
        names.free.add("states")
        names.reserved.add(str(rest[0].value))
    else:
        _walk(first, bound, top, names)
    _below(rest, bound, names)


def _is_member(first: Node, second: Node) -> bool:
    """Whether a path begins with ``$states.member``."""
    return first.type == "variable" and first.value == "states" and first.predicate is None and second.type == "name"


def _block(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    inner = set(bound)
    for expression in node.expressions:
        inner.update(_bound_within(expression))
    before = set(bound)
    for expression in node.expressions:
        _in_order(expression, before, inner, top, names)
        before.update(_bound_within(expression))


def _in_order(node: Node, before: Set[str], inner: Set[str], top: bool, names: Names) -> None:
    """One expression of a block: ``$x := $x + 1`` reads the outer ``$x``; a function's body sees the whole block."""
    if node.type == "bind":
        _walk(node.rhs, inner if node.rhs.type == "lambda" else before, top, names)
    else:
        _walk(node, inner, top, names)


def _bind(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    _walk(node.rhs, bound, top, names)


def _lambda(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    inner = bound | {argument.value for argument in node.arguments}
    _walk(node.body, inner | set(_bound_within(node.body)), False, names)


def _transform(node: Node, bound: Set[str], top: bool, names: Names) -> None:
    _below(operands(node), bound, names)


_HANDLERS: Final = {
    "variable": _variable,
    "name": _name,
    "wildcard": _wildcard,
    "descendant": _wildcard,
    "path": _path,
    "block": _block,
    "bind": _bind,
    "lambda": _lambda,
    "transform": _transform,
}
