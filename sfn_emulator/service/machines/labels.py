"""Distributed Map states by their label: the part of a definition that ``stateMachine:NAME/LABEL`` names.

Its children run the state's processor, a definition of its own (API_DescribeStateMachine: label).
"""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.asl.model import Branch, Distribution, Machine, MachineType, Map, Parallel
from sfn_emulator.values import dumps, loads

_LABELS: Final = uuid.UUID("5b0e0f86-2c52-5d1f-9a3f-6f4c5d1f7a10")


class Part(NamedTuple):
    """``definition`` is the processor's text, ``type`` that of its children."""

    definition: str
    type: MachineType


def made_label(machine_arn: str, state: str) -> str:
    """The label of a state that gives none: a UUID (recorded), the same for every run of the state."""
    return str(uuid.uuid5(_LABELS, f"{machine_arn.partition('/')[0]}\x00{state}"))


def part(model: Machine, definition: str, label: str, machine_arn: str) -> Part | None:
    """The Distributed Map state called ``label`` in a definition and its model, if there is one."""
    for name, distribution, processor in _distributed(model.body, loads(definition)):
        if label == (distribution.label or made_label(machine_arn, name)):
            return Part(dumps(processor), distribution.execution_type)
    return None


def _distributed(branch: Branch, text: Mapping[str, Any]) -> Iterator[tuple[str, Distribution, Mapping[str, Any]]]:
    for name, state in branch.states.items():
        fields = text["States"][name]
        if isinstance(state, Parallel):
            for inner, inner_text in zip(state.branches, fields["Branches"], strict=True):
                yield from _distributed(inner, inner_text)
        elif isinstance(state, Map):
            processor = fields.get("ItemProcessor") or fields["Iterator"]
            if state.distribution is not None:
                yield name, state.distribution, processor
            yield from _distributed(state.processor, processor)
