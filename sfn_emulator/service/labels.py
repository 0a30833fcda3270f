"""Distributed Map states by their label: the part of a definition that ``stateMachine:NAME/LABEL`` names.

What its children run is the state's processor, a definition of its own (API_DescribeStateMachine: label).
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sfn_emulator.asl.model import Branch, Distribution, Machine, MachineType, Map, Parallel
from sfn_emulator.values import dumps, loads


class Part(NamedTuple):
    """``definition`` is the processor's text, ``type`` what its children are."""

    definition: str
    type: MachineType


def part(model: Machine, definition: str, label: str) -> Part | None:
    """The Distributed Map state called ``label`` in a definition and its model, if there is one."""
    for distribution, processor in _distributed(model.body, loads(definition)):
        if distribution.label == label:
            return Part(dumps(processor), distribution.execution_type)
    return None


def _distributed(branch: Branch, text: Mapping[str, Any]) -> Iterator[tuple[Distribution, Mapping[str, Any]]]:
    for name, state in branch.states.items():
        fields = text["States"][name]
        if isinstance(state, Parallel):
            for inner, inner_text in zip(state.branches, fields["Branches"], strict=True):
                yield from _distributed(inner, inner_text)
        elif isinstance(state, Map):
            processor = fields.get("ItemProcessor") or fields["Iterator"]
            if state.distribution is not None:
                yield state.distribution, processor
            yield from _distributed(state.processor, processor)
