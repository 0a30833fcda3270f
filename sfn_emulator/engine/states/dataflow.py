"""The pipelines of a state's data. Only steps that a definition has cost anything.

JSONPath:  input → InputPath → Parameters → … result → ResultSelector → ResultPath → OutputPath → output
JSONata:   input → Arguments → … result → Output → output

Assign is evaluated beside the output, from the same values: neither sees the other (`workflow-variables`). In
JSONPath states ``$`` in Assign is the state's result after ResultSelector.

An instrument gets each stage, under the names of TestState's ``inspectionData``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from sfn_emulator.asl.model import Flow, JsonataFlow, JsonPathFlow
from sfn_emulator.engine.events import Exited
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.strand import Strand
from sfn_emulator.errors import DATA_LIMIT, RUNTIME, StateError
from sfn_emulator.query.compiled import Compiled, States
from sfn_emulator.values import PAYLOAD_LIMIT, Value, size, size_up_to

Stage: TypeAlias = Callable[[Strand, Value], Value]
Leaving: TypeAlias = Callable[[Strand, Value], tuple[Value, Mapping[str, Value] | None]]
"""(strand, result) → (output, assigned variables)."""

VARIABLES_LIMIT: Final = 10 * 1024 * 1024
"""Bytes of all variables of an execution (Service quotas)."""

DEPTH_LIMIT: Final = 1_000
"""Levels to which a value may be nested. The JSON text of a deeper one could not be read back (Jackson's limit,
too).
"""

_SCALARS: Final = frozenset({int, float, bool, type(None)})


def is_jsonata(flow: Flow) -> bool:
    return isinstance(flow, JsonataFlow)


def subject(flow: Flow) -> Callable[[Value], Any]:
    """The subject of expressions about the input: the value itself, or ``$states``."""
    return States if is_jsonata(flow) else _itself


def _itself(value: Value) -> Value:
    return value


# -- before the work


def effective_input(flow: Flow, instrument: Instrument | None = None) -> Stage | None:
    """The step of InputPath; ``None`` if the input stays as it is."""
    if isinstance(flow, JsonataFlow):
        return None
    return _chain([("afterInputPath", flow.input_path)], instrument)


def parameters(flow: Flow, instrument: Instrument | None = None) -> Stage | None:
    """The step from the input to the call of a Task or the input of a branch; ``None`` if that is the input itself."""
    if isinstance(flow, JsonataFlow):
        return None if flow.arguments is None else _arguments(flow.arguments, instrument)
    return _chain([("afterInputPath", flow.input_path), ("afterParameters", flow.parameters)], instrument)


def _arguments(arguments: Compiled, instrument: Instrument | None) -> Stage:
    apply = arguments.apply

    def stage(strand: Strand, value: Value) -> Value:
        return apply(States(value), strand)

    return stage if instrument is None else _observed("afterArguments", stage, instrument)


def _chain(steps: list[tuple[str, Compiled | None]], instrument: Instrument | None) -> Stage | None:
    stages: list[Stage] = []
    for name, compiled in steps:
        stage = None if compiled is None else _applied(compiled)
        if instrument is not None:
            stage = _observed(name, stage or _unchanged, instrument)
        if stage is not None:
            stages.append(stage)
    return _composed(stages)


def _applied(compiled: Compiled) -> Stage:
    apply = compiled.apply

    def stage(strand: Strand, value: Value) -> Value:
        return apply(value, strand)

    return stage


def _unchanged(strand: Strand, value: Value) -> Value:
    return value


def _observed(name: str, stage: Stage, instrument: Instrument) -> Stage:
    def observed(strand: Strand, value: Value) -> Value:
        made = stage(strand, value)
        instrument.stage(strand, name, made)
        return made

    return observed


def _composed(stages: list[Stage]) -> Stage | None:
    if len(stages) < 2:
        return stages[0] if stages else None
    first, second, *rest = stages

    def both(strand: Strand, value: Value) -> Value:
        return second(strand, first(strand, value))

    return _composed([both, *rest])


# -- after the work


def leaving(flow: Flow, instrument: Instrument | None = None, *, result: bool = True) -> Leaving | None:
    """The step from the result to output and variables; ``None`` if the result is the output and nothing is assigned.

    ``result`` is false for states without one (Choice, Wait, Succeed): their effective input takes its place.
    """
    if isinstance(flow, JsonataFlow):
        return _leaving_jsonata(flow, result)
    if not result:
        return _leaving_without_result(flow)
    return _leaving_jsonpath(flow, instrument)


def _leaving_jsonata(flow: JsonataFlow, result: bool) -> Leaving | None:
    output, assign = flow.output, flow.assign
    if output is None and assign is None:
        return None

    def leaving(strand: Strand, value: Value) -> tuple[Value, Mapping[str, Value] | None]:
        states = States(strand.input, value) if result else States(strand.input)
        assigned = None if assign is None else assign.apply(states, strand)
        made = value if output is None else output.apply(states, strand)
        return made, assigned

    return leaving


def _leaving_without_result(flow: JsonPathFlow) -> Leaving | None:
    if flow.output_path is None and flow.assign is None:
        return None
    output_path, assign = flow.output_path, flow.assign

    def leaving(strand: Strand, value: Value) -> tuple[Value, Mapping[str, Value] | None]:
        assigned = None if assign is None else assign.apply(value, strand)
        return value if output_path is None else output_path.apply(value, strand), assigned

    return leaving


def _leaving_jsonpath(flow: JsonPathFlow, instrument: Instrument | None) -> Leaving | None:
    selector = _chain([("afterResultSelector", flow.result_selector)], instrument)
    place = None if flow.result_path is None else flow.result_path.place
    output_path, assign = flow.output_path, flow.assign
    if instrument is None and selector is None and place is None and output_path is None and assign is None:
        return None

    def leaving(strand: Strand, value: Value) -> tuple[Value, Mapping[str, Value] | None]:
        if selector is not None:
            value = selector(strand, value)
        made = value if place is None else place(strand.input, value)
        if instrument is not None:
            instrument.stage(strand, "afterResultPath", made)
        if output_path is not None:
            made = output_path.apply(made, strand)
        return made, None if assign is None else assign.apply(value, strand)

    return leaving


def leave(strand: Strand, exited: str, output: Value, assigned: Mapping[str, Value] | None = None) -> None:
    """Records the exit. The output becomes the next state's input, and the variables hold from there on."""
    if output is not strand.input:
        check_size(output, strand.state)
    run = strand.run
    if assigned:
        check_assigned(strand, assigned)
        run.emit(strand, exited, Exited(strand.state, output, assigned))
        strand.variables = {**strand.variables, **assigned}
    else:
        run.emit(strand, exited, Exited(strand.state, output))
    strand.input = output


# -- limits


def too_large(name: str) -> str:
    return f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit."


def check_size(value: Value, name: str) -> None:
    """Refuses an output that is too large. The error is final, as recorded for Pass."""
    if type(value) not in _SCALARS and measure(value) > PAYLOAD_LIMIT:
        raise StateError(DATA_LIMIT, too_large(name), final=True)


def measure(value: Value) -> int:
    """Bytes of the value's JSON text, or more than ``VARIABLES_LIMIT``. Refuses a value that is nested too deeply."""
    try:
        return size_up_to(value, VARIABLES_LIMIT)
    except TypeError:
        if _deeper_than(value, DEPTH_LIMIT):
            message = f"The value is nested more than {DEPTH_LIMIT} levels deep."
            raise StateError(RUNTIME, message, final=True) from None
        return size(value)


def _deeper_than(value: Value, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [part for whole in layer for part in _parts(whole)]
        if not layer:
            return False
    return True


def _parts(value: Value) -> list[Value]:
    if isinstance(value, dict):
        return [part for part in value.values() if isinstance(part, dict | list)]
    return [part for part in value if isinstance(part, dict | list)] if isinstance(value, list) else []


def check_assigned(strand: Strand, assigned: Mapping[str, Value] | None) -> None:
    """At most 256 KiB in one Assign and 10 MiB in all variables of a scope (Service quotas)."""
    if not assigned:
        return
    bytes_ = measure(assigned)
    if bytes_ > PAYLOAD_LIMIT:
        raise StateError(DATA_LIMIT, too_large(strand.state), final=True)
    if len(strand.variables) * PAYLOAD_LIMIT > VARIABLES_LIMIT:
        kept = {name: value for name, value in strand.variables.items() if name not in assigned}
        if bytes_ + measure(kept) > VARIABLES_LIMIT:
            raise StateError(DATA_LIMIT, too_large(strand.state), final=True)
