"""The models of Resources' answers, from botocore; and the check of a mocked answer against them (TestState).

Names are in Step Functions' casing. Members that the model does not know are not checked. Not checked at all are HTTP
Tasks, API Gateway, EKS calls and jobs (`Mock validation modes`), Lambda functions by ARN, activities, and answers by a
task token. The answer of ``.sync`` is that of the polling operation. Messages are recorded, except those about lists,
structures, booleans and lengths, which follow the recorded ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.asl.resource import Family, Pattern, Resource
from sfn_emulator.tasks.clients import operation_model
from sfn_emulator.tasks.integrations import jobs, optimised
from sfn_emulator.tasks.sdk.naming import botocore_service, member_v1, member_v2
from sfn_emulator.tasks.sdk.shapes import Naming
from sfn_emulator.values import Value

_JSON_MEMBERS: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("lambda", "invoke"): frozenset({"Payload"}),
    ("bedrock", "invokeModel"): frozenset({"Body"}),
    ("states", "startExecution"): frozenset({"Input", "Output"}),
}
"""Members that are text in the model and JSON in Step Functions."""

_DIRECT: Final = {
    ("lambda", "invoke"): ("lambda", "invoke"),
    ("states", "startExecution"): ("stepfunctions", "startExecution"),
}
_POLLED: Final = {("states", "startExecution"): ("stepfunctions", "describeExecution")}


@dataclass(frozen=True, slots=True)
class Answer:
    """The model of an answer. Members in ``open`` may hold any value."""

    shape: Any
    naming: Naming
    open: frozenset[str] = frozenset()


def answer_of(resource: Resource) -> Answer | None:
    """The model of a Resource's answer; ``None`` if there is none to check against."""
    if resource.family is not Family.SERVICE or resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN:
        return None
    if resource.resource_type.startswith("aws-sdk:"):
        service = botocore_service(resource.resource_type.removeprefix("aws-sdk:"))
        return None if service is None else Answer(operation_model(service, resource.action).output_shape, member_v2)
    key = (resource.resource_type, resource.action)
    called = _called(key, resource.pattern)
    if called is None:
        return None
    as_text = key[0] == "states" and resource.pattern is Pattern.SYNC
    may_hold_anything = frozenset[str]() if as_text else _JSON_MEMBERS.get(key, frozenset())
    return Answer(operation_model(*called).output_shape, member_v1, may_hold_anything)


def _called(key: tuple[str, str], pattern: Pattern) -> tuple[str, str] | None:
    """The botocore operation whose answer becomes the result."""
    if pattern is Pattern.REQUEST_RESPONSE:
        row = optimised.ROWS.get(key)
        return (row.botocore, row.operation) if row is not None else _DIRECT.get(key)
    job = jobs.ROWS.get(key)
    return (job.service, job.look) if job is not None else _POLLED.get(key)


def problem(resource: Resource, result: Value, *, strict: bool) -> str | None:
    """The first fault of a mocked result: a member that does not fit or, with ``strict``, is missing."""
    answer = answer_of(resource)
    if answer is None or answer.shape is None:
        return None
    if not isinstance(result, dict):
        return "Mocked result must be a JSON object."
    try:
        found = next(_Checker(answer, strict).structure(answer.shape, result, ""), None)
    except RecursionError:
        return "Mocked result is nested too deeply."
    return None if found is None else f"Mock result schema validation error: {found}"


class _Checker:
    """The checks. Each yields its faults, one after the other."""

    def __init__(self, answer: Answer, strict: bool) -> None:
        self._naming = answer.naming
        self._open = answer.open
        self._strict = strict
        self._checks: dict[str, _Check] = {"structure": self.structure, "list": self._list, "map": self._map}

    def structure(self, shape: Any, value: Value, field: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"Field '{field}' must be an object"
            return
        names = {self._naming(member): member for member in shape.members}
        if self._strict:
            required = (self._naming(member) for member in shape.required_members)
            yield from (f"Required field '{name}' is missing" for name in required if name not in value)
        for name, item in value.items():
            if name in names and name not in self._open:
                yield from self._any(shape.members[names[name]], item, name)

    def _any(self, shape: Any, value: Value, field: str) -> Iterator[str]:
        if not getattr(shape, "is_document_type", False):
            yield from self._checks.get(shape.type_name, _scalar)(shape, value, field)

    def _list(self, shape: Any, value: Value, field: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"Field '{field}' must be an array"
            return
        yield from _bounded(shape, len(value), field, "length")
        for item in value:
            yield from self._any(shape.member, item, field)

    def _map(self, shape: Any, value: Value, field: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"Field '{field}' must be an object"
            return
        for item in value.values():
            yield from self._any(shape.value, item, field)


_Check = Callable[[Any, Value, str], Iterator[str]]


def _scalar(shape: Any, value: Value, field: str) -> Iterator[str]:
    noun, fits = _SCALARS[shape.type_name]
    if not fits(value):
        yield f"Field '{field}' must be a {noun}"
    elif shape.type_name == "blob":
        yield from _bounded(shape, len(value), field, "length")
    elif noun == "number":
        yield from _bounded(shape, value, field, "value")
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"Field '{field}' is not an expected value"
        yield from _bounded(shape, len(value), field, "length")


def _bounded(shape: Any, amount: float, field: str, noun: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if most is not None and amount > most:
        yield f"Field '{field}' exceeds the maximum {noun}"
    if least is not None and amount < least:
        yield f"Field '{field}' is {'smaller' if noun == 'length' else 'less'} than the minimum {noun}"


def _is_string(value: Value) -> bool:
    return isinstance(value, str)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_boolean(value: Value) -> bool:
    return isinstance(value, bool)


_SCALARS: Final[dict[str, tuple[str, Callable[[Value], bool]]]] = {
    **dict.fromkeys(("string", "character", "blob", "timestamp"), ("string", _is_string)),
    **dict.fromkeys(("integer", "long", "float", "double", "bigdecimal"), ("number", _is_number)),
    "boolean": ("boolean", _is_boolean),
}
