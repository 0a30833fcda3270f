"""Definition texts and their programs: checked at create, compiled when first run, shared by all executions."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Generic, TypeAlias, TypeVar

from sfn_emulator.asl.model import Branch, Machine, MachineType, Map, Parallel, State, Task
from sfn_emulator.asl.parse import parse, parse_state
from sfn_emulator.asl.parsing.draft import Misfits
from sfn_emulator.asl.resource import Resource
from sfn_emulator.engine import program as engine
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.ports import Tasks
from sfn_emulator.engine.strand import Program
from sfn_emulator.errors import Problem, Severity
from sfn_emulator.service.errors import ApiError, refuse
from sfn_emulator.service.store.records import Revision
from sfn_emulator.service.surroundings import Surroundings

K = TypeVar("K")
T = TypeVar("T")
Parsed: TypeAlias = tuple[Machine | None, tuple[Problem, ...]]

LARGE: Final = 50_000
"""A definition with more characters than this is read in a thread: a megabyte of expressions takes seconds."""
_KEPT: Final = 4_000_000
"""Characters of all definitions whose models are kept, and of those whose programs are kept. Others are made again
when needed.
"""
_MOST_DIAGNOSTICS: Final = 100


class _Kept(Generic[K, T]):
    """A cache of models or programs by text, which forgets the least recently used first. A character of text makes up
    to 200 bytes.
    """

    def __init__(self) -> None:
        self._made: OrderedDict[K, tuple[T, int]] = OrderedDict()
        self._characters = 0

    def get(self, key: K) -> T | None:
        found = self._made.get(key)
        if found is None:
            return None
        self._made.move_to_end(key)
        return found[0]

    def keep(self, key: K, made: T, text: str) -> T:
        _, before = self._made.get(key, (None, 0))
        self._made[key] = made, len(text)
        self._characters += len(text) - before
        while self._characters > _KEPT and len(self._made) > 1:
            self._characters -= self._made.popitem(last=False)[1][1]
        return made


class Definitions:
    """Models and programs by revision, the least recently used forgotten first."""

    def __init__(self) -> None:
        self.tasks: Tasks | None = None
        self.parameters: Misfits | None = None
        """The check of each Task's Parameters or Arguments."""
        self.watch: Callable[[Machine, Revision], Instrument | None] = lambda machine, revision: None
        """Gives the instrument for the runs of a definition, when it is compiled."""
        self._models: _Kept[str, Machine] = _Kept()
        self._programs: _Kept[str, Program] = _Kept()
        self._large: _Kept[tuple[str, MachineType], Parsed] = _Kept()

    async def prepare(self, told: Mapping[str, Any]) -> None:
        """Reads a large definition in a thread, so that others are served meanwhile, and keeps the result."""
        text, kind = told["definition"], MachineType(told.get("type", MachineType.STANDARD))
        if len(text) >= LARGE and self._large.get((text, kind)) is None:
            found = await asyncio.to_thread(parse, text, kind, resources=self._supports, parameters=self.parameters)
            self._large.keep((text, kind), found, text)

    def _parse(self, text: str, kind: MachineType) -> Parsed:
        found = self._large.get((text, kind)) if len(text) >= LARGE else None
        return parse(text, kind, resources=self._supports, parameters=self.parameters) if found is None else found

    def _supports(self, resource: Resource) -> str | None:
        return None if self.tasks is None else self.tasks.supports(resource)

    def check(self, text: str, kind: MachineType) -> Machine:
        """The model; raises ``InvalidDefinition`` with all errors, in AWS's form (recorded)."""
        model, problems = self._parse(text, kind)
        if model is None:
            raise _invalid(problems)
        return model

    def check_state(self, text: str, name: str) -> State:
        """Like ``check``, for a single state, whose problems AWS locates as if a machine had it under ``name``.

        A fault of the text stands in the text.
        """
        state, problems = parse_state(text, resources=self._supports, parameters=self.parameters, name=name)
        if state is None:
            raise _invalid(_within(f"/States/{name}", found) for found in problems)
        return state

    def model(self, revision: Revision) -> Machine:
        """The model of a revision, which was checked when it was made."""
        found = self._models.get(revision.id)
        if found is None:
            found, problems = self._large.get((revision.definition, MachineType.STANDARD)) or parse(revision.definition)
            assert found is not None, f"a stored definition no longer parses: {problems}"
            self._models.keep(revision.id, found, revision.definition)
        return found

    def program(self, revision: Revision) -> Program:
        """The compiled definition of a revision, kept for the next execution."""
        found = self._programs.get(revision.id)
        if found is None:
            model = self.model(revision)
            compiled = engine.compile(model, self.watch(model, revision))
            found = self._programs.keep(revision.id, compiled, revision.definition)
        return found

    def child_program(self, revision: Revision, state: str) -> Program:
        """The program of a Distributed Map's children, by the Map state's name."""
        key = f"{revision.id}/{state}"
        found = self._programs.get(key)
        if found is None:
            processor = _map_state(self.model(revision).body, state)
            assert processor is not None, f"a Map Run was started by {state}, so it is there"
            watch = self.watch(self.model(revision), revision)
            found = self._programs.keep(key, Program(engine.block(processor, watch)), revision.definition)
        return found

    # -- ValidateStateMachineDefinition

    def validate(self, _: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Findings from ``severity`` up, at most ``maxResults`` of them; ``result`` says whether it could be
        created.
        """
        kind = MachineType(told.get("type", MachineType.STANDARD))
        model, problems = self._parse(told["definition"], kind)
        errors_only = told.get("severity", Severity.ERROR) == Severity.ERROR
        shown = [problem for problem in problems if problem.severity is Severity.ERROR or not errors_only]
        most = told.get("maxResults") or _MOST_DIAGNOSTICS
        return {
            "result": "OK" if model is not None else "FAIL",
            "diagnostics": [_diagnostic(problem) for problem in shown[:most]],
            "truncated": len(shown) > most,
        }


def _map_state(branch: Branch, name: str) -> Branch | None:
    """The ItemProcessor of the Distributed Map ``name``, wherever it is; state names are unique in a definition."""
    for state in branch.states.values():
        if isinstance(state, Map) and state.name == name and state.distribution is not None:
            return state.processor
        for inner in _inside(state):
            if (found := _map_state(inner, name)) is not None:
                return found
    return None


def resources(model: Machine) -> Iterator[Resource]:
    """The Resources of all Tasks, at any depth."""
    return _resources(model.body)


def _resources(branch: Branch) -> Iterator[Resource]:
    for state in branch.states.values():
        if isinstance(state, Task):
            yield state.resource
        for inner in _inside(state):
            yield from _resources(inner)


def _inside(state: State) -> tuple[Branch, ...]:
    if isinstance(state, Map):
        return (state.processor,)
    return state.branches if isinstance(state, Parallel) else ()


def _within(around: str, problem: Problem) -> Problem:
    inside = problem.pointer.startswith("/") or not problem.pointer
    return replace(problem, pointer=around + problem.pointer.rstrip("/")) if inside else problem


def _invalid(problems: Iterable[Problem]) -> ApiError:
    errors = (problem for problem in problems if problem.severity is Severity.ERROR)
    return refuse("InvalidDefinition", ", ".join(map(str, errors)))


def _diagnostic(problem: Problem) -> dict[str, str]:
    told = {"severity": str(problem.severity), "code": problem.code, "message": problem.message}
    return told | ({"location": problem.pointer} if problem.pointer else {})
