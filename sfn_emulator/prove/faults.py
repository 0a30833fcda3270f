"""The faults that are put around a Task's call. Where AWS's Fault Injection Service has a name for one, it is used.

``aws:lambda:invocation-error`` has ``preventExecution``: with it the function does not run. The service's API faults
(``aws:fis:inject-api-…``) stand for calls of anything else. Names in ``prove:`` are ours: FIS has none for them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sfn_emulator.asl.resource import Family, Resource


class Kind(StrEnum):
    BEFORE = "before"
    AFTER = "after"
    DELAY = "delay"
    THROTTLE = "throttle"
    OVERDUE = "overdue"
    NAMED = "named"
    NAMED_AFTER = "named-after"
    TWICE = "twice"
    LATE = "late"
    ANSWER = "answer"
    OTHER_ANSWER = "other-answer"
    DIES_BEFORE = "dies-before"
    DIES_AFTER = "dies-after"


@dataclass(frozen=True, slots=True)
class Words:
    """``lambda_`` is the action's name for a function, ``other`` for any other call, ``does`` what it does."""

    lambda_: str
    other: str
    does: str


WORDS: Final[dict[Kind, Words]] = {
    Kind.BEFORE: Words(
        "aws:lambda:invocation-error (preventExecution)",
        "aws:fis:inject-api-unavailable-error",
        "fails before the call: nothing happened",
    ),
    Kind.AFTER: Words(
        "aws:lambda:invocation-error",
        "aws:fis:inject-api-internal-error",
        "fails after the call: done, but the answer is lost",
    ),
    Kind.DELAY: Words("aws:lambda:invocation-add-delay", "prove:add-delay", "done, but its answer comes too late"),
    Kind.OVERDUE: Words(
        "prove:overdue", "prove:overdue", "times out, and is done only after its compensation ran or at the end"
    ),
    Kind.THROTTLE: Words(
        "aws:fis:inject-api-throttle-error", "aws:fis:inject-api-throttle-error", "is throttled once, and then succeeds"
    ),
    Kind.NAMED: Words(
        "aws:lambda:invocation-error (preventExecution)",
        "aws:fis:inject-api-unavailable-error",
        "fails once before the call, with an error that the definition names",
    ),
    Kind.NAMED_AFTER: Words(
        "aws:lambda:invocation-error",
        "aws:fis:inject-api-internal-error",
        "fails once after the call, done, with an error that the definition names",
    ),
    Kind.TWICE: Words("prove:delivered-twice", "prove:delivered-twice", "is delivered twice at once"),
    Kind.LATE: Words(
        "prove:delivered-late", "prove:delivered-late", "is delivered again, after its compensation ran or at the end"
    ),
    Kind.ANSWER: Words(
        "aws:lambda:invocation-http-integration-response", "prove:answer", "is done, but answers with an empty object"
    ),
    Kind.OTHER_ANSWER: Words(
        "aws:lambda:invocation-http-integration-response",
        "prove:other-answer",
        "is done, but gives the other answer of 'answers' in the claims",
    ),
    Kind.DIES_BEFORE: Words("prove:emulator-dies", "prove:emulator-dies", "the emulator dies before the call"),
    Kind.DIES_AFTER: Words("prove:emulator-dies", "prove:emulator-dies", "the emulator dies after the call"),
}

TRANSIENT: Final = frozenset({Kind.THROTTLE, Kind.TWICE, Kind.LATE, Kind.DIES_BEFORE, Kind.DIES_AFTER})
"""Faults that a saga may survive without a trace in its result."""

BY_NAME: Final = (Kind.NAMED, Kind.NAMED_AFTER)
"""Faults that come once for every error that the definition names."""

INJECTED: Final = "Prove.Injected"
"""The error of an injected failure: no Retrier and no Catcher names it."""


def fis_name(kind: Kind, resource: Resource) -> str:
    """The fault's name by AWS's Fault Injection Service, or ours."""
    words = WORDS[kind]
    return words.lambda_ if is_function(resource) else words.other


def is_function(resource: Resource) -> bool:
    return resource.family is Family.LAMBDA or resource.resource_type == "lambda"


def throttling(resource: Resource) -> str:
    """The error of a throttled call, by Step Functions' name."""
    if is_function(resource):
        return "Lambda.TooManyRequestsException"
    service = resource.resource_type.removeprefix("aws-sdk:").title().replace("Dynamodb", "DynamoDb") or "States"
    return f"{service}.ThrottlingException"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """``call`` is the number of the Task's call in its run, from 0; calls of a retried Task are calls of their own.

    ``error`` is set where the kind is one of ``BY_NAME``.
    """

    call: int
    task: str
    kind: Kind
    error: str = ""

    def __str__(self) -> str:
        return f"{self.task}: {WORDS[self.kind].does}{f' ({self.error})' if self.error else ''}"

    @property
    def short(self) -> str:
        """The fault as part of a test's id."""
        return f"{self.task}#{self.call} {self.error or self.kind}"

    @property
    def told(self) -> tuple[Any, ...]:
        """The fault as JSON, and in the form that ``placed`` takes."""
        return (self.call, self.task, self.kind.value, *([self.error] if self.error else []))


def fault_of(call: int, task: str, kind: str, error: str = "") -> Fault:
    """The fault from its ``told`` form. Raises ``ValueError`` for an unknown kind."""
    return Fault(call, task, Kind(kind), error)


Placement = tuple[Fault, ...]
