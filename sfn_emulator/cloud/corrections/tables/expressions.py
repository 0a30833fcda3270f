"""DynamoDB's expressions are read once: moto reads a condition three times for each write, an update twice.

A parsed expression depends on its text, names and values alone, so it is kept by these. A program sends the same
expression with every write; if only the values differ, at least its tokens are reused. A transaction of two writes took
1.9 ms of a processor, now 0.85. For upstream: the parser may be asked once and its answer handed on; the classes that
walk an update rebuild a table for each node, and ask abstract classes what it is (``DepthFirstTraverser``).
"""

import copy
import importlib
import marshal
import pickle
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.moment import is_new

Method = Callable[..., Any]

_KEPT: Final = 512
_LONGEST: Final = 4_096
"""Bytes an expression may have (DynamoDB: Expression parameters). One with longer values is parsed each time."""
_NO_REFERENCES: Final = 2
"""marshal's version in which equal values have equal bytes."""


def correct() -> None:
    comparisons = importlib.import_module("moto.dynamodb.comparisons")
    updates = importlib.import_module("moto.dynamodb.parsing.expressions").UpdateExpressionParser
    validators: Any = importlib.import_module("moto.dynamodb.parsing.validators")
    walker = importlib.import_module("moto.dynamodb.parsing.ast_nodes").DepthFirstTraverser
    replace(comparisons.ConditionExpressionParser, "_lex_condition_expression", _words)
    replace(comparisons.ConditionExpressionParser, "parse", _conditions)
    replace(updates, "make", _updates)
    replace(walker, "traverse_node_recursively", _by_class)
    validators.deepcopy = _copy


def _check_length(expression: str) -> None:
    """Refuses an expression that is too long for DynamoDB; moto would read it for seconds."""
    size = len(expression.encode("utf-8", "surrogatepass"))
    if size > _LONGEST and is_new():
        told = f"Invalid expression: Expression size has exceeded the maximum allowed size; expression size: {size}"
        raise importlib.import_module("moto.dynamodb.exceptions").MockValidationException(told)


def _words(inner: Method) -> Method:
    parser = importlib.import_module("moto.dynamodb.comparisons").ConditionExpressionParser

    @lru_cache(_KEPT)
    def words(text: str) -> tuple[Any, ...]:
        return tuple(inner(parser(text, {}, {})))

    def _lex_condition_expression(self: Any) -> Any:
        return deque(words(self.condition_expression))

    return _lex_condition_expression


def _conditions(inner: Method) -> Method:
    """A kept condition can be shared: evaluating it reads the item and changes nothing."""
    parser = importlib.import_module("moto.dynamodb.comparisons").ConditionExpressionParser

    @lru_cache(_KEPT)
    def condition(text: str, names: bytes, values: bytes) -> tuple[Any, list[str], list[str]]:
        fresh = parser(text, marshal.loads(names), marshal.loads(values))
        return inner(fresh), fresh.expr_attr_names_found, fresh.expr_attr_values_found

    def parse(self: Any) -> Any:
        if not self.condition_expression:
            return inner(self)
        _check_length(self.condition_expression)
        names = marshal.dumps(self.expression_attribute_names or {}, _NO_REFERENCES)
        values = marshal.dumps(self.expression_attribute_values or {}, _NO_REFERENCES)
        if len(self.condition_expression) + len(names) + len(values) > _LONGEST:
            return inner(self)
        found, names_found, values_found = condition(self.condition_expression, names, values)
        self.expr_attr_names_found.extend(names_found)
        self.expr_attr_values_found.extend(values_found)
        return found

    return parse


def _updates(inner: Method) -> Method:
    """Validating an update changes its tree, after taking a copy. The material of that copy is kept with the tree."""

    @lru_cache(_KEPT)
    def tree_of(expression: str) -> Any:
        tree = inner(expression)
        tree.pickled = pickle.dumps(tree, pickle.HIGHEST_PROTOCOL)
        return tree

    def make(expression: str) -> Any:
        _check_length(expression)
        return tree_of(expression)

    return make


def _by_class(inner: Method) -> Method:
    """What a walk does with a node depends on their two classes alone, so it is looked up once for each pair."""
    node_class = importlib.import_module("moto.dynamodb.parsing.ast_nodes").Node
    known: dict[tuple[type[Any], type[Any]], Any] = {}

    def key_of(walk: Any, kind: type[Any]) -> Any:
        """The class by which the walk knows what to do; ``None`` if it does nothing, false for what is no node."""
        if not issubclass(kind, node_class):
            return False
        return next((key for key in walk.nodes_to_be_processed() if issubclass(kind, key)), None)

    def traverse_node_recursively(self: Any, node: Any, child_id: int = -1) -> Any:
        pair = self.__class__, node.__class__
        if pair not in known:
            known[pair] = key_of(self, pair[1])
        if known[pair] is False:
            return node
        parent = node.parent
        for place, child in enumerate(node.children or ()):
            self.pre_processing_of_child(node, place)
            traverse_node_recursively(self, child, place)
        if known[pair] is not None:
            node = self._processing_map()[known[pair]](node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    return traverse_node_recursively


def _copy(value: Any, *memo: Any) -> Any:
    """The same as ``copy.deepcopy``, in a quarter of the time for a tree that is kept."""
    pickled = getattr(value, "pickled", None)
    return copy.deepcopy(value, *memo) if pickled is None else pickle.loads(pickled)
