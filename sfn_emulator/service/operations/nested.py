"""Executions that other executions start, for Tasks on ``states:startExecution``."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from sfn_emulator.engine.run import Status
from sfn_emulator.service import arns
from sfn_emulator.service.operations.executions import Executions, describe
from sfn_emulator.service.running.host import Host
from sfn_emulator.service.running.live import Live
from sfn_emulator.service.store.records import Execution
from sfn_emulator.service.store.text import plain
from sfn_emulator.service.surroundings import Surroundings
from sfn_emulator.values import Value


class Child(NamedTuple):
    """A nested execution that was started; ``start_date`` is epoch seconds."""

    arn: str
    start_date: float


class Watch:
    """A watch for an execution's end, until it is cancelled."""

    def __init__(self, ended: Callable[[Mapping[str, Value]], None]) -> None:
        self._ended: Callable[[Mapping[str, Value]], None] | None = ended

    def tell(self, described: Mapping[str, Value]) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(described)

    def cancel(self) -> None:
        self._ended = None


class NestedExecutions:
    """All on the host's thread. In skipped time a child never begins before its parent's present."""

    def __init__(self, around: Surroundings, executions: Executions, host: Host) -> None:
        self._around = around
        self._executions = executions
        self._host = host

    def start(self, machine_arn: str, name: str, text: str, trace_header: str | None = None) -> Child:
        """Starts a child. The same name and text while it runs give the same child. Raises ``ApiError`` like
        StartExecution.
        """
        told: dict[str, Any] = {"stateMachineArn": machine_arn, "name": name, "input": plain(text)}
        if trace_header is not None:
            told["traceHeader"] = trace_header
        wanted = self._executions.wanted(self._around, told)
        wanted = replace(wanted, started_at=self._host.not_before(wanted.started_at))
        execution = self._executions.begin(self._around, wanted, keep=True).execution
        return Child(execution.arn, execution.started_at)

    def watch(self, execution_arn: str, ended: Callable[[Mapping[str, Value]], None]) -> Watch:
        """Calls ``ended`` once with DescribeExecution's answer, at the execution's end; at once if it has ended."""
        watch = Watch(ended)
        found = self._executions.found(self._around, execution_arn)
        if isinstance(found, Live) and not found.ended:
            found.watch(lambda execution: watch.tell(self._described(execution)))
        elif found is not None and found.execution.status is not Status.RUNNING:  # otherwise nobody could go on with it
            watch.tell(self._described(found.execution))
        return watch

    def stop(self, execution_arn: str, error: str | None, cause: str | None) -> None:
        found = self._executions.found(self._around, arns.parse(execution_arn, "execution", "express").text)
        if isinstance(found, Live):
            found.stop(error, cause)

    def _described(self, execution: Execution) -> Mapping[str, Value]:
        return describe(execution, self._around.now())
