"""A machine's definition: its graph, its problems, its revisions and the difference between two of them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sfn_emulator.asl.lint import lint_text
from sfn_emulator.asl.model import MachineType
from sfn_emulator.console.answers import RefusedError, asked
from sfn_emulator.errors import Problem
from sfn_emulator.picture.definition import Definition, read_definition
from sfn_emulator.picture.exports.data import data
from sfn_emulator.picture.graph import graph_of
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.service.store.records import Revision, StateMachine, Version


class Definitions:
    """The definitions of machines for the page."""

    def __init__(self, service: StepFunctions) -> None:
        self._service = service

    async def definition(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """``revision`` chooses one, ``against`` another to compare it with."""
        store = self._service.store
        machine = store.get(StateMachine, asked(parameters, "machine"))
        if machine is None:
            raise RefusedError(f"There is no state machine {parameters['machine']}.", 404)
        revisions = store.documents(Revision, machine.arn)
        chosen = _chosen(revisions, parameters.get("revision") or machine.revision)
        told = {
            "arn": machine.arn,
            "name": machine.name,
            "type": machine.type,
            "revision": chosen.id,
            "created": chosen.created_at,
            "role": chosen.role_arn,
            "text": chosen.definition,
            "revisions": [self._revision(revision, machine) for revision in revisions],
        }
        other = _chosen(revisions, parameters["against"]).definition if parameters.get("against") else None
        return told | await asyncio.to_thread(_looked_at, chosen.definition, machine.type, other)

    def _revision(self, revision: Revision, machine: StateMachine) -> dict[str, Any]:
        versions = self._service.store.documents(Version, machine.arn)
        return {
            "id": revision.id,
            "created": revision.created_at,
            "current": revision.id == machine.revision,
            "versions": [version.number for version in versions if version.revision == revision.id],
        }


def _looked_at(text: str, kind: MachineType, other: str | None) -> dict[str, Any]:
    """A text's graph and problems, and its difference from an ``other`` one. Takes seconds for a megabyte."""
    read = read_definition(text)
    told = {
        "graph": data(graph_of(read.raw)),
        "lines": lines(read),
        "problems": [_problem(problem) for problem in lint_text(text, kind)],
    }
    if other is not None:
        told |= {"difference": difference(read_definition(other).raw, read.raw), "before": other}
    return told


def _chosen(revisions: list[Revision], id_: str) -> Revision:
    found = next((revision for revision in revisions if revision.id == id_), None)
    if found is None:
        raise RefusedError(f"There is no revision {id_}.", 404)
    return found


def lines(read: Definition) -> dict[str, int]:
    """The line each state begins on."""
    nodes = graph_of(read.raw).nodes
    return {node.id: read.positions[node.place][0] for node in nodes if node.place in read.positions}


def _problem(problem: Problem) -> dict[str, Any]:
    told = {"severity": problem.severity, "code": problem.code, "message": problem.message}
    return told | {"line": problem.line, "place": problem.place or problem.pointer}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """States added, removed and changed, and ways added and removed, each as the page knows them.

    ``changed`` has what a changed state said (``before``) and says (``now``).
    """
    old, new = graph_of(before), graph_of(after)
    changed: dict[str, Any] = {}
    states = {node.id: "added" for node in new.nodes if node.id not in old.by_id}
    for node in old.nodes:
        if node.id not in new.by_id:
            states[node.id] = "removed"
        elif (was := _own(before, node.place)) != (now := _own(after, new.by_id[node.id].place)):
            states[node.id] = "changed"
            changed[node.id] = {"before": was, "now": now}
    ways = {(edge.source, edge.target, edge.kind.value): edge for edge in new.edges}
    gone = [edge for edge in old.edges if (edge.source, edge.target, edge.kind.value) not in ways]
    ways_gone = [[edge.source, edge.target, edge.kind] for edge in gone]
    return {"states": states, "changed": changed, "removed": data(old), "ways": ways_gone}


def _own(raw: Any, place: tuple[str | int, ...]) -> Any:
    """A state's own fields, without the states inside it."""
    for key in place:
        raw = raw[key]
    return {name: value for name, value in raw.items() if name not in ("Branches", "ItemProcessor", "Iterator")}
