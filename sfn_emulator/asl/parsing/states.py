"""Objects of the definition → states of the model, one reader per state type."""

from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.asl.model import (
    Branch,
    Choice,
    Fail,
    MachineType,
    Map,
    Parallel,
    Pass,
    QueryLanguage,
    State,
    Succeed,
    Task,
    Wait,
)
from sfn_emulator.asl.parsing.choice import read_choices
from sfn_emulator.asl.parsing.draft import Draft, Fields, Scope, StateNotes
from sfn_emulator.asl.parsing.fields import TYPES, check_fields, check_state_fields
from sfn_emulator.asl.parsing.flow import read_flow
from sfn_emulator.asl.parsing.map import children, processor_field, read_map
from sfn_emulator.asl.parsing.recovery import read_catch, read_retry
from sfn_emulator.asl.parsing.targets import read_loose_targets, read_next, read_stray_next, read_target
from sfn_emulator.asl.parsing.task import (
    check_parameters,
    read_credentials,
    read_error_text,
    read_limits,
    read_resource,
)
from sfn_emulator.asl.parsing.wait import read_seconds, read_timestamp
from sfn_emulator.values import UNSET, Place, Unset, Value

LANGUAGES: Final = tuple(language.value for language in QueryLanguage)

_TIMING: Final = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
_JSONATA_TIMING: Final = ("Seconds", "Timestamp")
_NOWHERE: Final = Branch("", {})
_BRANCH: Final = frozenset(("StartAt", "States", "Comment"))
_PROCESSOR: Final = _BRANCH | {"ProcessorConfig"}


def read_branch(raw: dict[str, Any], place: Place, draft: Draft, owner: StateNotes | None, isolated: bool) -> Branch:
    """The states under ``States``, and which one is first. The caller checks the object's other members."""
    scope = Scope(place, owner, isolated=isolated)
    draft.scopes.append(scope)
    fields = Fields(raw, place, StateNotes("", place, draft.language, scope), draft)
    fields.require("States", "StartAt")
    scope.start_at = fields.text("StartAt")
    if fields.stands_in(scope.start_at):
        scope.start_at, scope.open = None, True
    fields.text("Comment")
    states = fields.object("States")
    if states is None:
        return _NOWHERE
    scope.stated = True
    if not states.raw:
        fields.refuse_empty("States")
    read = {name: read_state(name, raw, states.at(name), scope, draft) for name, raw in states.raw.items()}
    return Branch(scope.start_at or "", {name: state for name, state in read.items() if state is not None})


def read_state(name: str, raw: Value, place: Place, scope: Scope, draft: Draft) -> State | None:
    """The state, or ``None`` if so much is wrong that none can be made; the draft's report says what."""
    notes = StateNotes(name, place, draft.language, scope)
    scope.states[name] = notes
    if not isinstance(raw, dict):
        draft.report.error(place, "Expected value of type Object")
        return None
    fields = Fields(raw, place, notes, draft)
    _read_state_language(fields)
    fields.text("Comment")
    fields.need("Type")
    kind = fields.one_of("Type", TYPES)
    if kind is None:
        read_loose_targets(fields)
        return None
    check_state_fields(fields, kind)
    return _READERS[kind](fields)


def read_language(fields: Fields, otherwise: QueryLanguage) -> QueryLanguage:
    """Any value but ``JSONPath`` is read as JSONata; a wrong one is also reported (measured on AWS)."""
    if "QueryLanguage" not in fields or fields.stands_in(fields.raw["QueryLanguage"]):
        return otherwise
    chosen = fields.one_of("QueryLanguage", LANGUAGES, "QUERY_LANGUAGE")
    return QueryLanguage.JSONPATH if chosen == QueryLanguage.JSONPATH else QueryLanguage.JSONATA


def read_machine_language(fields: Fields) -> QueryLanguage:
    """A wrong language is read as the nearest valid one, so that one mistake is not reported again for each field."""
    told = fields.raw.get("QueryLanguage", "JSONPath")
    chosen = read_language(fields, QueryLanguage.JSONPATH)
    if told in LANGUAGES or (isinstance(told, str) and fields.stands_in(told)):
        return chosen
    from difflib import get_close_matches  # needed only for a wrong language

    fields.draft.unknown_language = True
    folded = {language.lower(): language for language in LANGUAGES}
    near = get_close_matches(str(told).lower(), folded, 1, 0.5)
    return QueryLanguage(folded[near[0]]) if near else QueryLanguage.JSONPATH


def _read_state_language(fields: Fields) -> None:
    """A JSONPath machine may hold JSONata states, not the reverse (recorded). Nested states inherit the machine's."""
    if "QueryLanguage" not in fields.raw:
        return
    chosen = read_language(fields, fields.state.language)
    if fields.state.jsonata and chosen is QueryLanguage.JSONPATH:
        message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        fields.refuse(message, "QUERY_LANGUAGE", field="QueryLanguage")
    else:
        fields.state.language = chosen


def _shared(fields: Fields, *, parameters: bool = True) -> dict[str, Any]:
    """The fields that Task, Parallel and Map have in common."""
    return {
        "name": fields.state.name,
        "flow": read_flow(fields, has_result=True, parameters=parameters),
        "next": read_next(fields),
        "retry": read_retry(fields),
        "catch": read_catch(fields),
    }


def _pass(fields: Fields) -> Pass:
    result: Value | Unset = fields.raw.get("Result", UNSET) if not fields.state.jsonata else UNSET
    if isinstance(result, dict) and any(key.endswith(".$") for key in result):
        message = "The Result of a Pass state is static: fields that end with '.$' are not evaluated"
        fields.draft.report.warning(fields.at("Result"), message, "PASS_RESULT_IS_STATIC")
    return Pass(fields.state.name, read_flow(fields), read_next(fields), result)


def _task(fields: Fields) -> Task | None:
    resource = read_resource(fields)
    timeout, heartbeat = read_limits(fields)
    credentials = read_credentials(fields)
    shared = _shared(fields)
    if resource is None:
        return None
    check_parameters(fields, resource)
    return Task(resource=resource, timeout=timeout, heartbeat=heartbeat, credentials=credentials, **shared)


def _choice(fields: Fields) -> Choice:
    flow = read_flow(fields)
    read_stray_next(fields)
    return Choice(fields.state.name, flow, read_choices(fields), read_target(fields, "Default"))


def _wait(fields: Fields) -> Wait:
    flow, target = read_flow(fields), read_next(fields)
    given = fields.exactly_one(*(_JSONATA_TIMING if fields.state.jsonata else _TIMING))
    if len(given) > 1:  # reported once, for all four
        return Wait(fields.state.name, flow, target, None, None)
    return Wait(fields.state.name, flow, target, read_seconds(fields), read_timestamp(fields))


def _succeed(fields: Fields) -> Succeed:
    fields.state.terminal = True
    read_stray_next(fields)
    return Succeed(fields.state.name, read_flow(fields))


def _fail(fields: Fields) -> Fail:
    fields.state.terminal = fields.state.fails = True
    read_stray_next(fields)
    error, cause = read_error_text(fields, "Error"), read_error_text(fields, "Cause")
    return Fail(fields.state.name, read_flow(fields), error, cause)


def _parallel(fields: Fields) -> Parallel:
    shared = _shared(fields)
    raw = (fields.array("Branches") if fields.require("Branches") else None) or []
    if fields.raw.get("Branches") == []:
        fields.refuse_empty("Branches")
    branches = []
    for index, item in enumerate(raw):
        if isinstance(item, dict):
            branch = fields.inside(item, "Branches", index)
            check_fields(branch, _BRANCH)
            branches.append(read_branch(item, branch.place, fields.draft, fields.state, False))
        else:
            fields.draft.report.error((*fields.at("Branches"), index), "Expected value of type Object")
    return Parallel(branches=tuple(branches), **shared)


def _map(fields: Fields) -> Map:
    shared = _shared(fields, parameters=False)
    key = processor_field(fields)
    raw = fields.object(key) if key else None
    processor = _NOWHERE
    if key and raw is not None:
        check_fields(raw, _PROCESSOR)
        processor = _processor(raw)
    return read_map(fields, processor, key if raw is not None else None, shared)


def _processor(raw: Fields) -> Branch:
    """The states run per item. Children of a Distributed Map may be Express workflows, with their restrictions."""
    distributed, express = children(raw)
    draft = raw.draft
    around = draft.machine_type
    if distributed and express:
        draft.machine_type = MachineType.EXPRESS
    branch = read_branch(raw.raw, raw.place, draft, raw.state, distributed)
    draft.machine_type = around
    return branch


_READERS: Final[dict[str, Callable[[Fields], State | None]]] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}
