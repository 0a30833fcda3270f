"""What stands in for the children of a Parallel or Map when one state is tried alone (TestState): a mocked result."""

from collections.abc import Generator
from typing import Any, Final

from sfn_emulator.asl.resource import Family, Resource
from sfn_emulator.engine.ports import StartTask, TaskFailed, TaskRequest, TaskSucceeded
from sfn_emulator.engine.strand import WAIT, Strand
from sfn_emulator.errors import StateError
from sfn_emulator.values import Value

CHILDREN: Final = Resource(arn="", family=Family.SERVICE, resource_type="states", resource="children")
"""The resource the host is asked for: not a task of the definition, but what its branches or iterations come to."""


def stand_in(strand: Strand, given: Value) -> Generator[bool, Any, Value]:
    """Asks the host for the result of the children, given what they would have been given; records nothing."""
    run = strand.run
    request = TaskRequest(CHILDREN, given, "", run.identity, strand.state, strand.retries or 0)
    run.issue(strand, StartTask(run.next_effect(), request))
    while True:
        signal = yield WAIT
        if isinstance(signal, TaskSucceeded):
            return signal.output
        if isinstance(signal, TaskFailed):
            raise StateError(signal.error, signal.cause)
