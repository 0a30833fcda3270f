"""A counterexample as a story: the input, each call, the injected fault, the rows that changed, the claim that
broke.
"""

from collections.abc import Iterator

from sfn_emulator.prove.executed.counterexamples import Counterexample
from sfn_emulator.prove.faults import fis_name
from sfn_emulator.prove.world.tables import Tables, changes
from sfn_emulator.prove.world.trial import Step, Tried
from sfn_emulator.values import dumps


def story(tried: Tried) -> Iterator[str]:
    """The run, a line for each call and for each row it changed; at the end what it left over."""
    yield f"given {dumps(tried.execution.input)}"
    tables: Tables = tried.before
    for step in tried.steps:
        yield _line(step)
        yield from (f"    {line}" for line in changes(tables, step.tables))
        tables = step.tables
    for line in changes(tables, tried.after):
        yield f"    {line}  (after the last call)"
    ended = f": {tried.execution.error}" if tried.execution.error else ""
    yield f"the execution {tried.execution.status}{ended}"
    left = changes(tried.before, tried.after)
    yield "every table is as it was before" if not left else "left over, before (-) and after (+):"
    yield from (f"    {line}" for line in left)


def _line(step: Step) -> str:
    injected = f"  <- {step.fault}" if step.fault is not None else ""
    return f"{step.task}: {step.ended}{injected}"


def injected(found: Counterexample) -> Iterator[str]:
    """Each fault with the name AWS's Fault Injection Service has for it."""
    for fault in found.placement:
        resource = next((step.resource for step in found.tried.steps if step.fault == fault), None)
        name = f" ({fis_name(fault.kind, resource)})" if resource is not None else ""
        yield f"{fault}{name}"
