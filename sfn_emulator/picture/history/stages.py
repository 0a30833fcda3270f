"""The data of a visit, stage by stage.

A history holds the input, a Task's parameters, its result and the output. The stages between are computed from the
definition by the engine's own compiled queries, and marked as computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sfn_emulator.asl.model import (
    Branch,
    Catcher,
    Choice,
    Flow,
    JsonataFlow,
    JsonPathFlow,
    Map,
    Parallel,
    Pass,
    State,
    Succeed,
    Wait,
    states_of,
)
from sfn_emulator.engine.states.recovery import matches
from sfn_emulator.errors import EvaluationError, StateError
from sfn_emulator.picture.history.scope import PastScope, value_of
from sfn_emulator.picture.history.visit import Happened, Visit
from sfn_emulator.query.compiled import Compiled, States
from sfn_emulator.values import Unset, Value

RECORDED: Final = "recorded"
COMPUTED: Final = "computed"
FAILED: Final = "failed"
_DRAWN: Final = "random values are not those the execution drew"


@dataclass(frozen=True, slots=True)
class Stage:
    """``field`` is the definition's field at work, ``source`` its text. ``note`` says what went wrong or why."""

    name: str
    value: Value
    how: str
    field: str = ""
    source: Value = None
    note: str = ""


def stages(told: Happened, visit: Visit, state: State | None, scope: PastScope) -> list[Stage]:
    """The stages from the input to the output; only the recorded ones if the state's definition is not known."""
    if state is None:
        return list(_recorded_only(visit))
    way = _Way(told, visit, state, scope)
    return way.stages()


def _recorded_only(visit: Visit) -> Iterator[Stage]:
    if visit.input is not None:
        yield Stage("input", value_of(visit.input), RECORDED)
    for attempt in visit.attempts[-1:]:
        if attempt.input is not None:
            yield Stage("called with", value_of(attempt.input), RECORDED)
    if visit.result is not None:
        yield Stage("result", value_of(visit.result), RECORDED)
    if visit.assigned:
        yield Stage("assigned", _values(visit), RECORDED)
    if visit.output is not None:
        yield Stage("output", value_of(visit.output), RECORDED)


def _values(visit: Visit) -> dict[str, Value]:
    return {name: value_of(text) for name, text in (visit.assigned or {}).items()}


class _StoppedError(Exception):
    """A stage could not be computed, so the following ones can't either."""


class _Way:
    def __init__(self, told: Happened, visit: Visit, state: State, scope: PastScope) -> None:
        self.told, self.visit, self.state, self.scope = told, visit, state, scope
        self.made: list[Stage] = [Stage("input", value_of(visit.input), RECORDED)]
        self.flow: Flow = state.flow

    def stages(self) -> list[Stage]:
        try:
            self._before()
            if self.visit.caught or self.visit.error is not None:
                self._caught()
            else:
                self._after()
        except _StoppedError:
            pass
        return self.made + list(self._ends())

    @property
    def value(self) -> Value:
        return self.made[-1].value

    def _ends(self) -> Iterator[Stage]:
        if self.visit.assigned:
            yield Stage("assigned", _values(self.visit), RECORDED, "Assign")
        if self.visit.output is not None:
            made = self.flow.output if isinstance(self.flow, JsonataFlow) and not self.visit.caught else None
            field, source = ("Output", made.source) if made else ("", None)
            yield Stage("output", value_of(self.visit.output), RECORDED, field, source)

    def _apply(self, name: str, field: str, compiled: Compiled | None, subject: Value) -> Value:
        """Computes a stage, if the definition has it."""
        if compiled is None:
            return subject
        told = States(subject) if isinstance(self.flow, JsonataFlow) and not isinstance(subject, States) else subject
        self.scope.draws.used = False
        try:
            value = compiled.apply(told, self.scope)
        except EvaluationError as error:
            self.made.append(Stage(name, None, FAILED, field, compiled.source, f"{error.error}: {error.message}"))
            raise _StoppedError from None
        note = _DRAWN if self.scope.draws.used else ""
        self.made.append(Stage(name, value, COMPUTED, field, compiled.source, note))
        return value

    # -- before the work

    def _before(self) -> None:
        state, flow, given = self.state, self.flow, self.value
        called = self.visit.attempts[-1].input if self.visit.attempts else None
        if isinstance(state, Pass) and not isinstance(state.result, Unset):
            return  # a Pass with Result ignores its input
        if isinstance(flow, JsonPathFlow):
            given = self._apply("after InputPath", "InputPath", flow.input_path, given)
            if called is None and isinstance(state, Pass | Parallel):
                given = self._apply("after Parameters", "Parameters", flow.parameters, given)
        if called is not None:
            field, compiled = _called_by(flow)
            self.made.append(Stage("called with", value_of(called), RECORDED, field, compiled and compiled.source))
        elif isinstance(flow, JsonataFlow) and isinstance(state, Parallel):
            self._apply("after Arguments", "Arguments", flow.arguments, given)
        if isinstance(state, Map) and (state.distribution is None or state.distribution.reader is None):
            self._apply("items", "Items" if isinstance(flow, JsonataFlow) else "ItemsPath", state.items, given)
        if isinstance(state, Choice):
            self._rules(state, given)

    def _rules(self, state: Choice, given: Value) -> None:
        """Which rule held; the rules after it were not evaluated."""
        told = States(given) if isinstance(self.flow, JsonataFlow) else given
        for index, rule in enumerate(state.rules):
            try:
                holds = rule.condition.apply(told, self.scope)
            except EvaluationError as error:
                note = f"{error.error}: {error.message}"
                self.made.append(Stage(f"rule {index + 1}", None, FAILED, "Choices", rule.condition.source, note))
                raise _StoppedError from None
            note = f"→ {rule.next}" if holds is True else ""
            self.made.append(Stage(f"rule {index + 1}", holds, COMPUTED, "Choices", rule.condition.source, note))
            if holds is True:
                return
        self.made.append(Stage("no rule held", given, COMPUTED, "Default", state.default, f"→ {state.default}"))

    # -- after it

    def _result(self) -> Value | Unset:
        """The stage of the work's result."""
        visit, state = self.visit, self.state
        if isinstance(state, Pass):
            if not isinstance(state.result, Unset):
                self.made.append(Stage("result", state.result, COMPUTED, "Result", state.result))
            return self.value
        if isinstance(state, Parallel | Map) and visit.left_by and visit.map_run is None:
            self.made.append(Stage("result", self._joined(), RECORDED))
        elif visit.result is not None:
            self.made.append(Stage("result", value_of(visit.result), RECORDED))
        else:
            return Unset()
        return self.value

    def _joined(self) -> list[Value]:
        lines = [self.told.lines[number] for number in self.visit.lines]
        last = sorted((line for line in lines if line.round == self.visit.rounds), key=lambda line: line.index)
        ends = [self.told.visits[line.visits[-1]] for line in last if line.visits]
        return [value_of(end.output) for end in ends]

    def _after(self) -> None:
        state, flow = self.state, self.flow
        if isinstance(state, Choice | Wait | Succeed):
            if isinstance(flow, JsonPathFlow) and not isinstance(state, Choice):
                self._apply("after OutputPath", "OutputPath", flow.output_path, self.value)
            return
        given = self.made[0].value
        result = self._result()
        if isinstance(result, Unset) or isinstance(flow, JsonataFlow):
            return
        selected = self._apply("after ResultSelector", "ResultSelector", flow.result_selector, result)
        if flow.result_path is not None:
            placed = flow.result_path.place(given, selected)
            self.made.append(Stage("after ResultPath", placed, COMPUTED, "ResultPath", flow.result_path.source))
        if self.visit.left_by:
            self._apply("after OutputPath", "OutputPath", flow.output_path, self.value)

    def _caught(self) -> None:
        error = {"Error": self.visit.error or "", "Cause": self.visit.cause or ""}
        self.made.append(Stage("error", error, RECORDED))
        catcher = self._catcher()
        if catcher is None or not self.visit.caught:
            return
        index, found = catcher
        field = f"Catch[{index}]"
        if found.result_path is not None:
            placed = found.result_path.place(self.made[0].value, error)
            source = found.result_path.source
            self.made.append(Stage("after ResultPath", placed, COMPUTED, f"{field}/ResultPath", source))
        if found.output is not None:
            subject = States(self.made[0].value, error_output=error)
            self._apply("after Output", f"{field}/Output", found.output, subject)

    def _catcher(self) -> tuple[int, Catcher] | None:
        error = StateError(self.visit.error or "", self.visit.cause)
        catchers: tuple[Catcher, ...] = getattr(self.state, "catch", ())
        return next(((i, c) for i, c in enumerate(catchers) if matches(error, c.error_equals)), None)


def _called_by(flow: Flow) -> tuple[str, Compiled | None]:
    if isinstance(flow, JsonataFlow):
        return "Arguments", flow.arguments
    return "Parameters", flow.parameters


def states_by_name(body: Branch) -> dict[str, State]:
    """All states of a checked machine, those inside others too."""
    return {state.name: state for state in states_of(body)}
