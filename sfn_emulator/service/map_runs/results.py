"""The results of children in the shapes ResultWriter knows (`input-output-resultwriter`: NONE, COMPACT, FLATTEN)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sfn_emulator.engine.child_result import ChildResult, described
from sfn_emulator.engine.run import Status
from sfn_emulator.service.map_runs.ports import FAILED, PENDING, SUCCEEDED
from sfn_emulator.values import Value, dumps, loads


def group_of(child: ChildResult) -> str:
    """The group whose file it goes to: SUCCEEDED, FAILED (also timed out and aborted ones) or PENDING."""
    if child.status is None:
        return PENDING
    return SUCCEEDED if child.status is Status.SUCCEEDED else FAILED


Shape = Callable[[ChildResult], list[str]]
"""A child's results, each as JSON text; always one, except with FLATTEN."""


def _whole(child: ChildResult) -> list[str]:
    return [dumps(described(child))]


def _output(child: ChildResult) -> list[str]:
    return _whole(child) if child.output is None else [child.output]


def _flat(child: ChildResult) -> list[str]:
    if child.output is None:
        return _whole(child)
    if not child.output.startswith("["):
        return [child.output]
    return [dumps(part) for part in loads(child.output)]


SHAPES: Final[Mapping[str, Shape]] = {"NONE": _whole, "COMPACT": _output, "FLATTEN": _flat}


def shape(config: Mapping[str, Value], default: str) -> Shape:
    """The shape that WriterConfig asks for. A result without an output is always described as a whole."""
    return SHAPES[str(config.get("Transformation", default))]


def combined(texts: Iterable[str], config: Mapping[str, Value]) -> Value:
    """The Map state's result: an array, or JSON Lines as one string."""
    if config.get("OutputType") == "JSONL":
        return "".join(f"{text}\n" for text in texts)
    return loads(f"[{','.join(texts)}]")
