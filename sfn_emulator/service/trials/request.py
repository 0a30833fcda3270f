"""A TestState request, checked in AWS's order, with AWS's messages where they are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sfn_emulator.asl.model import MachineType, Map, Parallel, State, Task, branches
from sfn_emulator.asl.resource import Family, Pattern, Resource
from sfn_emulator.engine.context import Item
from sfn_emulator.engine.strand import NO_VARIABLES
from sfn_emulator.engine.trial.regions import Mock
from sfn_emulator.engine.trial.state import Conditions, surroundings
from sfn_emulator.service.errors import ApiError, refuse
from sfn_emulator.service.inputs import read_input
from sfn_emulator.service.machines.configurations import check_role
from sfn_emulator.service.machines.definitions import Definitions
from sfn_emulator.service.trials.context import Written, read_context
from sfn_emulator.service.trials.items import Read, read_items
from sfn_emulator.values import UNSET, Unset, Value, loads

NO_REGIONS: Final = (
    "TestState API does not support Map or Parallel states. "
    "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"
)
ALONE_NAME: Final = "StateName"
"""AWS's name for a state that is tested without a state machine around it."""


class Answers(Protocol):
    """The response models of the services behind Resources."""

    def problem(self, resource: Resource, result: Value, *, strict: bool) -> str | None:
        """The first member of an answer that does not fit the model (with ``strict``, also a missing one), in AWS's
        words.
        """


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request. ``texts`` are values with the text in which they were given."""

    state: State
    under: Conditions
    given: Value
    text: str
    context: dict[str, Any] | None
    read: Read | None
    texts: tuple[tuple[Value, str], ...]
    level: str
    reveal_secrets: bool
    role: str | None


def read_request(told: Mapping[str, Any], definitions: Definitions, answers: Answers | None) -> Asked:
    """The request checked. Raises ``ApiError`` in AWS's words for the first thing that is wrong."""
    mocked: Mapping[str, Any] | None = told.get("mock")
    _check_mock(mocked, told)
    state, around = _tested(told, definitions)
    _check_testable(state, mocked, told.get("roleArn"))
    mock = None if mocked is None else _mock(mocked, state, answers)
    in_a_map = any(isinstance(owner, Map) for owner in around)
    written = Written({}, ())
    if "context" in told:
        written = read_context(told["context"], in_a_map=in_a_map, waits=_waits_for_a_task(state))
    context = written.context if "context" in told else None
    variables = _variables(told["variables"]) if "variables" in told else NO_VARIABLES
    configuration = told.get("stateConfiguration", {})
    read = _read(configuration, state)
    _check_origin(configuration, state)
    text = told.get("input", "{}")
    given = read_input(text)
    under = Conditions(
        variables,
        Item(0, given) if in_a_map and context is None else None,
        configuration.get("retrierRetryCount", _retries(context)),
        around,
        mock,
        configuration.get("mapIterationFailureCount", 0),
        UNSET if read is None else read.items,
    )
    texts = [(given, text), *written.texts]
    if mock is not None and mocked is not None and not isinstance(mock.result, Unset):
        texts.append((mock.result, mocked["result"]))
    reveal = told.get("revealSecrets", False)
    level, role = told.get("inspectionLevel", "INFO"), told.get("roleArn")
    return Asked(state, under, given, text, context, read, tuple(texts), level, reveal, role)


# -- the mock


def _check_mock(mocked: Mapping[str, Any] | None, told: Mapping[str, Any]) -> None:
    """Checks of the mock that do not need the definition."""
    if mocked is None:
        if "context" in told:
            raise refuse("ValidationException", "A Context object can only be specified when a mock is specified.")
        if "mapIterationFailureCount" in told.get("stateConfiguration", {}):
            text = "mapIterationFailureCount can only be specified when a mock is specified."
            raise refuse("ValidationException", text)
        return
    given = [name for name in ("result", "errorOutput") if name in mocked]
    if len(given) != 1:
        only = "only one" if given else "one"
        text = f"A test mock should have {only} of the following fields: [result, errorOutput]."
        raise refuse("ValidationException", text)
    if told.get("revealSecrets"):
        raise refuse("ValidationException", "TestState does not support RevealSecrets when a mock is specified.")
    if "errorOutput" in mocked and "error" not in mocked["errorOutput"]:
        text = "Value null at 'mock.errorOutput.error' failed to satisfy constraint: Member must not be null"
        raise refuse("ValidationException", f"1 validation error detected: {text}")


def _mock(mocked: Mapping[str, Any], state: State, answers: Answers | None) -> Mock:
    if "errorOutput" in mocked:
        return Mock(error=mocked["errorOutput"]["error"], cause=mocked["errorOutput"].get("cause"))
    try:
        result = loads(mocked["result"])
    except ValueError:
        raise refuse("ValidationException", "Mocked result must be valid JSON") from None
    mode = mocked.get("fieldValidationMode", "STRICT")
    problem = None if mode == "NONE" else _unfit(state, result, answers, strict=mode == "STRICT")
    if problem is not None:
        raise refuse("ValidationException", problem)
    return Mock(result)


def _unfit(state: State, result: Value, answers: Answers | None, *, strict: bool) -> str | None:
    match state:
        case Task():
            return None if answers is None else answers.problem(state.resource, result, strict=strict)
        case Map() if _writes(state):
            return None if isinstance(result, dict) else "Mocked result must be a JSON object."
        case Map():
            return None if isinstance(result, list) else "Mocked result must be an array."
        case Parallel():
            return _unfit_branches(state, result)
        case _:
            return None


def _writes(state: Map) -> bool:
    """Whether the result is the place where results were written, and not the results."""
    writer = None if state.distribution is None else state.distribution.writer
    return writer is not None and writer.resource is not None


def _unfit_branches(state: Parallel, result: Value) -> str | None:
    if not isinstance(result, list):
        return "Mocked result must be an array."
    if len(result) != len(state.branches):
        return f"Mocked result must have one element for each of the {len(state.branches)} branches."
    return None


# -- the state


def _tested(told: Mapping[str, Any], definitions: Definitions) -> tuple[State, tuple[State, ...]]:
    """The state, and the states it is in, innermost first."""
    name = told.get("stateName")
    if name is None:
        return definitions.check_state(told["definition"], ALONE_NAME), ()
    found = surroundings(definitions.check(told["definition"], MachineType.STANDARD).body.states, name)
    if found is None:
        raise refuse("ValidationException", "State not found in definition")
    return found


def _check_testable(state: State, mocked: Mapping[str, Any] | None, role: str | None) -> None:
    if mocked is not None:
        if not isinstance(state, Task | Map | Parallel):
            text = f"State type '{type(state).__name__}' is not supported when a mock is specified"
            raise refuse("ValidationException", text)
    elif isinstance(state, Map | Parallel):
        raise ApiError("InvalidDefinition", NO_REGIONS)
    elif isinstance(state, Task):
        _check_callable(state.resource)
        if role is None:
            raise refuse("ValidationException", "RoleArn must be specified when testing a Task state")
    if role is not None:
        check_role(role)


def _waits_for_a_task(state: State) -> bool:
    return isinstance(state, Task) and state.resource.pattern is not Pattern.REQUEST_RESPONSE


def _check_callable(resource: Resource) -> None:
    if resource.family is Family.ACTIVITY:
        kind = "Activity tasks"
    elif resource.pattern is not Pattern.REQUEST_RESPONSE:
        kind = f"the {resource.pattern.value} service integration pattern"
    else:
        return
    raise refuse("ValidationException", f"TestState API does not support {kind} unless a mock is specified")


# -- the rest


def _variables(text: str) -> Mapping[str, Value]:
    try:
        variables = loads(text)
    except ValueError:
        raise refuse("ValidationException", "Variables must be valid JSON") from None
    if not isinstance(variables, dict):
        raise refuse("ValidationException", "Variables must be a JSON object")
    return variables


def _retries(context: Mapping[str, Any] | None) -> int:
    """Retries so far, if only the context object has their number (`Testing catch handlers`)."""
    return int((context or {}).get("State", {}).get("RetryCount", 0))


def _read(configuration: Mapping[str, Any], state: State) -> Read | None:
    text = configuration.get("mapItemReaderData")
    if text is None:
        return None
    reader = state.distribution.reader if isinstance(state, Map) and state.distribution else None
    if reader is None:
        problem = "mapItemReaderData can only be specified for a Map state with an ItemReader."
        raise refuse("ValidationException", problem)
    return read_items(text, reader)


def _check_origin(configuration: Mapping[str, Any], state: State) -> None:
    """``errorCausedByState`` names a state inside the tested Map or Parallel."""
    name = configuration.get("errorCausedByState")
    if name is not None and all(surroundings(branch.states, name) is None for branch in branches(state)):
        raise refuse("ValidationException", "The state named in errorCausedByState is not found in definition")
