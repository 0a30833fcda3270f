"""Wait: until a number of seconds has passed, or until an instant."""

from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.asl.model import Wait
from sfn_emulator.engine.events import Entered
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.states.dataflow import effective_input, is_jsonata, leave, leaving, subject
from sfn_emulator.engine.states.numbers import DELAY_LIMIT, is_number, is_whole, numeral, shown, unexpected
from sfn_emulator.engine.strand import WAIT, Step, Strand, Waiting
from sfn_emulator.errors import QUERY_EVALUATION, RUNTIME, EvaluationError
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.timestamps import parse_timestamp
from sfn_emulator.values import Value

TOO_LONG: Final = "Wait state delay is too long."
_FORMAT: Final = "ISO-8601 extended offset date-time format string"

Delay = Callable[[Strand, Any], float]
"""(strand, subject) → seconds from now, 0 or less for not at all."""


def wait_step(state: Wait, instrument: Instrument | None) -> Step:
    """Wait: sets a timer, and leaves when it rings."""
    before = effective_input(state.flow, instrument)
    after = leaving(state.flow, instrument, result=False)
    wrap = subject(state.flow)
    delay = _delay(state)
    target = state.next

    def wait(strand: Strand) -> Waiting:
        given = strand.input
        strand.enter("WaitStateEntered", Entered(strand.state, given))
        value = given if before is None else before(strand, given)
        seconds = delay(strand, wrap(value))
        if seconds > 0:
            strand.run.timer(strand, seconds)
            yield WAIT
        output, assigned = (value, None) if after is None else after(strand, value)
        leave(strand, "WaitStateExited", output, assigned)
        return target

    return Step("Wait", wait=wait)


def _delay(state: Wait) -> Delay:
    jsonata = is_jsonata(state.flow)
    if state.seconds is not None:
        return _seconds(state.seconds, jsonata)
    if isinstance(state.timestamp, Compiled):
        return _until(state.timestamp, jsonata)
    due = state.timestamp or 0.0
    return lambda strand, told: _bounded(due - strand.run.at, jsonata)


def _seconds(spec: float | Compiled, jsonata: bool) -> Delay:
    if not isinstance(spec, Compiled):
        fixed = spec
        return lambda strand, told: fixed
    compiled = spec

    def path(strand: Strand, told: Any) -> float:
        found = _referenced(compiled, "SecondsPath", strand, told)
        value = numeral(found, whole=True)
        if not is_whole(value):
            text = f"The SecondsPath parameter cannot be parsed as a long value: {compiled.source} == {shown(found)}"
            raise EvaluationError(RUNTIME, text)
        if value < 0:
            text = f"The SecondsPath parameter references a negative value: {compiled.source} == {shown(value)}"
            raise EvaluationError(RUNTIME, text)
        return _bounded(value, False)

    def expression(strand: Strand, told: Any) -> float:
        value = compiled.apply(told, strand)
        if not is_number(value):
            raise unexpected(compiled, "Seconds", "number", value)
        if not is_whole(value):  # the message is that of TimeoutSeconds (recorded 2026-04) and SecondsPath
            text = f"The Seconds field cannot be parsed as a long value: {shown(value)}"
            raise EvaluationError(QUERY_EVALUATION, text, "Seconds")
        if value < 0:
            text = f"The Seconds parameter references a negative value: {shown(value)}"
            raise EvaluationError(QUERY_EVALUATION, text, "Seconds")
        return _bounded(value, True)

    return expression if jsonata else path


def _until(compiled: Compiled, jsonata: bool) -> Delay:
    def path(strand: Strand, told: Any) -> float:
        value = _referenced(compiled, "TimestampPath", strand, told)
        due = parse_timestamp(value)
        if due is None:
            text = f"The TimestampPath parameter does not reference a valid {_FORMAT}: {compiled.source}"
            raise EvaluationError(RUNTIME, f"{text} == {shown(value)}")
        return _bounded(due - strand.run.at, False)

    def expression(strand: Strand, told: Any) -> float:
        value = compiled.apply(told, strand)
        if not isinstance(value, str):
            raise unexpected(compiled, "Timestamp", "string", value)
        due = parse_timestamp(value)
        if due is None:
            text = f"The Timestamp field cannot be parsed as an {_FORMAT}: {value}"
            raise EvaluationError(QUERY_EVALUATION, text, "Timestamp")
        return _bounded(due - strand.run.at, True)

    return expression if jsonata else path


def _referenced(compiled: Compiled, field: str, strand: Strand, told: Any) -> Value:
    try:
        return compiled.apply(told, strand)
    except EvaluationError:
        text = f"The {field} parameter does not reference an input value: {compiled.source}"
        raise EvaluationError(RUNTIME, text) from None


def _bounded(delay: float, jsonata: bool) -> float:
    if delay > DELAY_LIMIT:
        raise EvaluationError(QUERY_EVALUATION if jsonata else RUNTIME, TOO_LONG)
    return delay
