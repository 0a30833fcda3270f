"""The common properties of a Map Run's children, and their records."""

from dataclasses import replace
from typing import NamedTuple

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.child_result import ChildResult
from sfn_emulator.engine.ports import Identity
from sfn_emulator.service.map_runs.children.names import ChildNames
from sfn_emulator.service.map_runs.feed import Unit
from sfn_emulator.service.map_runs.store import Outcome
from sfn_emulator.service.redrive import redrive_status
from sfn_emulator.service.store.records import Execution, MapRun


class Kin(NamedTuple):
    """``execution_prefix`` is a child's ARN up to its name, ``seed`` and ``test_case`` are the parent's."""

    map_run_arn: str
    revision: str
    machine_arn: str
    machine_name: str
    execution_prefix: str
    names: ChildNames
    parent_arn: str
    express: bool
    seed: str
    test_case: str | None

    def execution(self, unit: Unit, at: float) -> Execution:
        """The record of a child that begins."""
        name = self.names.name(unit.number)
        return Execution(
            arn=self.execution_prefix + name,
            name=name,
            machine_arn=self.machine_arn,
            revision=self.revision,
            type=MachineType.EXPRESS if self.express else MachineType.STANDARD,
            started_at=at,
            input=unit.text,
            seed=f"{self.seed}/{name}",
            map_run_arn=self.map_run_arn,
            item_count=unit.items,
            test_case=self.test_case,
            parent_arn=self.parent_arn,
        )

    def outcome(self, outcome: Outcome) -> Execution:
        """The record of an EXPRESS child, made when it is asked for."""
        unit = Unit(outcome.number, outcome.first, outcome.items, None, outcome.input)
        return replace(
            self.execution(unit, outcome.started_at),
            status=outcome.status,
            stopped_at=outcome.stopped_at,
            output=outcome.output,
            error=outcome.error,
            cause=outcome.cause,
        )

    def result(self, execution: Execution) -> ChildResult:
        status, reason = redrive_status(execution, execution.stopped_at or execution.started_at)
        e = execution
        return ChildResult(
            *(self.names.number(e.name), e.arn, e.name, e.machine_arn, e.status, e.input, e.output, e.error, e.cause),
            *(e.started_at, e.stopped_at, e.redrive_count, status, reason),
        )

    def pending(self, unit: Unit) -> ChildResult:
        """The record of a child that was never started."""
        name = self.names.name(unit.number)
        return ChildResult(unit.number, self.execution_prefix + name, name, self.machine_arn, None, unit.text)


def kin_of(record: MapRun, seed: str = "", test_case: str | None = None) -> Kin:
    """``seed`` and ``test_case`` matter only to running children, not to records."""
    head, _, tail = record.arn.partition(":mapRun:")
    place, _, run = tail.rpartition(":")
    return Kin(
        *(record.arn, record.revision, f"{head}:stateMachine:{place}", place, f"{head}:execution:{place}:"),
        *(ChildNames(run), record.execution_arn, record.express, seed, test_case),
    )


def express_identity(kin: Kin, parent: Identity, name: str, at: float) -> Identity:
    """The identity of an EXPRESS child."""
    return Identity(
        *(kin.execution_prefix + name, name, kin.machine_arn, kin.machine_name, parent.role_arn, at),
        *(parent.region, parent.test_case, f"{parent.seed}/{name}", True),
    )
