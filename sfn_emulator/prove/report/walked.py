"""The static half's result: lines for people, and the same as data."""

from collections.abc import Iterator
from typing import Any

from sfn_emulator.prove.report.histories import history
from sfn_emulator.prove.walk.findings import Finding, Walked
from sfn_emulator.values import UNSET, dumps


def lines(walked: Walked, *, claimed: bool = True) -> Iterator[str]:
    """Counterexamples first, each with its path; then warnings, then the bounds of the walk."""
    for number, finding in enumerate(walked.counterexamples, 1):
        yield f"{number}. {finding.hit.text}  [{finding.hit.rule}]"
        yield from (f"     {line}" for line in path(finding))
    for finding in walked.findings:
        if finding.is_warning:
            yield f"warning: {finding.hit.text}  [{finding.hit.rule}]"
    count = len(walked.counterexamples)
    good = "nothing found" if not walked.whole else "proved" if claimed else "nothing was claimed"
    found = f"{count} counterexample{'s' * (count != 1)}" if count else good
    yield f"static: {found}: {walked.places} places, {walked.ways} ways, every outcome of every Task"
    yield from (f"  bound: {bound}" for bound in walked.bounds)


def path(finding: Finding) -> Iterator[str]:
    """Each Task's outcome in order, with the answer that was assumed where a Choice asked for it."""
    for task, outcome in finding.deeds:
        told = _assumed(task, finding) if outcome.error is None else ""
        yield f"{task}: {outcome}{told}"


def _assumed(task: str, finding: Finding) -> str:
    """The assumed answer, as `` {"Status": "ERROR"}``; a missing member is left out."""
    told = {
        name[len(task) + 1 :]: value
        for name, value in finding.assumed.items()
        if name.startswith(f"{task}.") and value is not UNSET
    }
    return f" {dumps(told)}" if told else ""


def data(walked: Walked) -> dict[str, Any]:
    """The result as JSON."""
    return {
        "places": walked.places,
        "ways": walked.ways,
        "faults": walked.faults,
        "whole": walked.whole,
        "bounds": list(walked.bounds),
        "findings": [_finding(finding) for finding in walked.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.hit.rule.value,
        "about": list(finding.hit.about),
        "text": finding.hit.text,
        "severity": "warning" if finding.is_warning else "counterexample",
        "faults": finding.faults,
        "path": [{"task": task, "outcome": str(outcome)} for task, outcome in finding.deeds],
        "assumed": {name: value for name, value in finding.assumed.items() if value is not UNSET},
        "history": history(finding.events),
    }
