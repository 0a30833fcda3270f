"""Definition text → checked ``Machine``. All problems are found at once.

The stages: text → object (``source``); object → model, with notes on every state (``states``); checks of the definition
as a whole, on these notes (``check``). A model is returned only if no stage found an error.
"""

from sfn_emulator.asl.check import CHECKS
from sfn_emulator.asl.model import Machine, MachineType, State
from sfn_emulator.asl.parsing.draft import LONGEST, Draft, Fields, Misfits, Scope, StateNotes, Supports
from sfn_emulator.asl.parsing.fields import check_fields
from sfn_emulator.asl.parsing.states import read_branch, read_machine_language, read_state
from sfn_emulator.asl.parsing.variables import variable_references
from sfn_emulator.asl.text.positions import placed_in
from sfn_emulator.asl.text.report import Report
from sfn_emulator.asl.text.source import DEFINITION_LIMIT, read
from sfn_emulator.errors import DefinitionError, Problem

_MACHINE = frozenset(["Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage"])


def parse(
    text: str,
    machine_type: MachineType = MachineType.STANDARD,
    *,
    resources: Supports | None = None,
    parameters: Misfits | None = None,
) -> tuple[Machine | None, tuple[Problem, ...]]:
    """The model, or ``None``, and every problem (warnings too), in AWS's order; with positions if one is an error.

    ``resources`` may refuse a Task's Resource, and gives the reason (``engine.ports.Tasks.supports``); ``parameters``
    does the same for its Parameters or Arguments.
    """
    report = Report()
    raw = read(text, report)
    machine = None
    if raw is not None:
        machine = read_machine(raw, Draft(report, machine_type, supports=resources, misfits=parameters))
    return machine, _told(report, text)


def load(text: str, machine_type: MachineType = MachineType.STANDARD) -> Machine:
    """The model; raises ``DefinitionError`` with every problem."""
    machine, problems = parse(text, machine_type)
    if machine is None:
        raise DefinitionError(problems)
    return machine


def parse_state(
    text: str, *, resources: Supports | None = None, parameters: Misfits | None = None, name: str = ""
) -> tuple[State | None, tuple[Problem, ...]]:
    """A single state, as TestState takes it: it needs no Next or End, and its targets need not exist."""
    report = Report()
    raw = read(text, report)
    state = None
    if raw is not None:
        draft = Draft(report, MachineType.STANDARD, supports=resources, misfits=parameters, alone=True)
        state = _read_alone(name, raw, draft)
    return state, _told(report, text)


def read_machine(raw: dict[str, object], draft: Draft) -> Machine | None:
    """The model of a definition that has been read into an object; ``None`` if ``draft.report`` holds an error."""
    fields = Fields(raw, (), StateNotes("", (), draft.language, Scope(())), draft)
    check_fields(fields, _MACHINE)
    draft.language = read_machine_language(fields)
    timeout = fields.integer("TimeoutSeconds", 1, LONGEST)
    fields.text("Version")
    body = read_branch(raw, (), draft, None, False)
    for check in CHECKS:
        check(draft)
    if draft.report.failed:
        return None
    comment = raw.get("Comment")
    return Machine(
        body,
        draft.language,
        timeout,
        comment if isinstance(comment, str) else None,
        variable_references(draft) or None,
    )


def _read_alone(name: str, raw: dict[str, object], draft: Draft) -> State | None:
    around = Scope(())
    state = read_state(name, raw, (), around, draft)
    for check in CHECKS:
        check(draft)
    return None if draft.report.failed else state


def _told(report: Report, text: str) -> tuple[Problem, ...]:
    """The problems, with positions if one is an error. Finding positions means a slow reading of the text."""
    if not report.failed or len(text) > DEFINITION_LIMIT:
        return report.problems()
    return placed_in(report, text)
