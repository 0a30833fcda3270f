"""Pass, Choice, Succeed and Fail: the states that need nothing from outside. Plain calls, one closure each."""

from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.asl.model import Choice, ChoiceRule, Fail, Flow, JsonataFlow, JsonPathFlow, Pass, Succeed
from sfn_emulator.engine.events import Entered
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.states.dataflow import (
    Leaving,
    effective_input,
    is_jsonata,
    leave,
    leaving,
    parameters,
    subject,
)
from sfn_emulator.engine.states.numbers import unexpected
from sfn_emulator.engine.strand import Step, Strand
from sfn_emulator.errors import RUNTIME, EvaluationError, StateError
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.values import Unset, Value, type_name

NO_TRANSITION: Final = "Failed to transition out of the state. The state does not point to a next state."


def pass_step(state: Pass, instrument: Instrument | None) -> Step:
    """Pass: enters, applies its data flow and leaves, without waiting."""
    before = parameters(state.flow, instrument)
    after = leaving(state.flow, instrument, result=not is_jsonata(state.flow))
    target = state.next
    if not isinstance(state.result, Unset):
        return _pass_result(state, state.result, after, instrument)

    def apply(strand: Strand) -> str | None:
        given = strand.input
        strand.enter("PassStateEntered", Entered(strand.state, given))
        value = given if before is None else before(strand, given)
        if after is None:
            leave(strand, "PassStateExited", value)
        else:
            output, assigned = after(strand, value)
            leave(strand, "PassStateExited", output, assigned)
        return target

    return Step("Pass", apply)


def _pass_result(state: Pass, result: Value, after: Leaving | None, instrument: Instrument | None) -> Step:
    def apply(strand: Strand) -> str | None:
        strand.enter("PassStateEntered", Entered(strand.state, strand.input))
        if instrument is not None:
            instrument.stage(strand, "result", result)
        output, assigned = (result, None) if after is None else after(strand, result)
        leave(strand, "PassStateExited", output, assigned)
        return state.next

    return Step("Pass", apply)


def succeed_step(state: Succeed, instrument: Instrument | None) -> Step:
    """Succeed: ends its scope with its output."""
    before = effective_input(state.flow, instrument)
    after = leaving(state.flow, instrument, result=False)

    def apply(strand: Strand) -> None:
        given = strand.input
        strand.enter("SucceedStateEntered", Entered(strand.state, given))
        value = given if before is None else before(strand, given)
        output, assigned = (value, None) if after is None else after(strand, value)
        leave(strand, "SucceedStateExited", output, assigned)

    return Step("Succeed", apply)


# -- Choice

Way = tuple[str, Leaving | None]
"""The target of a rule or Default, and its data flow."""

Rule = tuple[Callable[[Strand, Any], bool], Way]
Choosing = Callable[[Strand, Any], Way]


def choice_step(state: Choice, instrument: Instrument | None) -> Step:
    """Choice: the first rule that holds decides, else Default."""
    before = effective_input(state.flow, instrument)
    wrap = subject(state.flow)
    choose = _choosing(state, instrument)

    def apply(strand: Strand) -> str:
        given = strand.input
        strand.enter("ChoiceStateEntered", Entered(strand.state, given))
        value = given if before is None else before(strand, given)
        target, after = choose(strand, wrap(value))
        output, assigned = (value, None) if after is None else after(strand, value)
        leave(strand, "ChoiceStateExited", output, assigned)
        return target

    return Step("Choice", apply)


def _choosing(state: Choice, instrument: Instrument | None) -> Choosing:
    jsonata = is_jsonata(state.flow)
    rules = tuple(_rule(index, rule, state.flow, jsonata) for index, rule in enumerate(state.rules))
    default = None if state.default is None else (state.default, leaving(state.flow, instrument, result=False))

    def choose(strand: Strand, told: Any) -> Way:
        for holds, way in rules:
            if holds(strand, told):
                return way
        if default is None:
            raise EvaluationError(RUNTIME, NO_TRANSITION)
        return default

    return choose if instrument is None else _telling(choose, tuple(way for _, way in rules), instrument)


def _telling(choose: Choosing, ways: tuple[Way, ...], instrument: Instrument) -> Choosing:
    def telling(strand: Strand, told: Any) -> Way:
        chosen = choose(strand, told)
        index = next((index for index, way in enumerate(ways) if way is chosen), None)
        instrument.chosen(strand, index)
        return chosen

    return telling


def _rule(index: int, rule: ChoiceRule, flow: Flow, jsonata: bool) -> Rule:
    condition = rule.condition
    test = condition.apply

    def path(strand: Strand, told: Any) -> bool:
        return bool(test(told, strand))

    def expression(strand: Strand, told: Any) -> bool:
        value = test(told, strand)
        if not isinstance(value, bool):
            raise unexpected(condition, f"Choices[{index}]/Condition", "boolean", value)
        return value

    return expression if jsonata else path, (rule.next, _rule_leaving(rule, flow))


def _rule_leaving(rule: ChoiceRule, flow: Flow) -> Leaving | None:
    """A rule has its own Output and Assign; OutputPath is the state's."""
    if isinstance(flow, JsonataFlow):
        return leaving(JsonataFlow(output=rule.output, assign=rule.assign), result=False)
    return leaving(JsonPathFlow(output_path=flow.output_path, assign=rule.assign), result=False)


# -- Fail


def fail_step(state: Fail, instrument: Instrument | None) -> Step:
    """Fail: raises the error that the state names."""
    before = effective_input(state.flow, instrument)
    jsonata = is_jsonata(state.flow)
    wrap = subject(state.flow)
    error = _text(state.error, "Error", jsonata)
    cause = _text(state.cause, "Cause", jsonata)

    def apply(strand: Strand) -> None:
        strand.resumed = False  # a redrive enters it again, and fails again
        given = strand.input
        strand.enter("FailStateEntered", Entered(strand.state, given))
        told = wrap(given if before is None else before(strand, given))
        name = error(strand, told)
        raise StateError(name or "", cause(strand, told))

    return Step("Fail", apply)


def _text(spec: str | Compiled | None, field: str, jsonata: bool) -> Callable[[Strand, Any], str | None]:
    if not isinstance(spec, Compiled):
        return lambda strand, told: spec
    compiled = spec

    def text(strand: Strand, told: Any) -> str:
        value = compiled.apply(told, strand)
        if isinstance(value, str):
            return value
        if jsonata:
            raise unexpected(compiled, field, "string", value)
        kind = type_name(value)
        message = f"The {field}Path field must refer to a string, but was {kind}: {compiled.source}"
        raise EvaluationError(RUNTIME, message)

    return text
