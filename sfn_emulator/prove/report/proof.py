"""A proof's result: as lines for people, as JSON, as JUnit XML."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from sfn_emulator.picture.printable import printable
from sfn_emulator.prove.executed.counterexamples import Counterexample
from sfn_emulator.prove.executed.search import Executed, counted
from sfn_emulator.prove.interleaving import Interleaved
from sfn_emulator.prove.proof import Proof
from sfn_emulator.prove.report import walked
from sfn_emulator.prove.report.histories import history
from sfn_emulator.prove.report.story import injected, story
from sfn_emulator.prove.scoring import BOUND


def lines(proof: Proof) -> Iterator[str]:
    """The result for people, one line each: the walk, the placements, two sagas at once, the mutants."""
    yield from walked.lines(proof.walked, claimed=bool(proof.claims.undo))
    if proof.executed is not None:
        yield from _executed(proof.executed, 1 + len(proof.walked.counterexamples))
    if proof.interleaved is not None:
        yield from _interleaved(proof.interleaved)
    if proof.score is not None:
        yield f"mutants: {proof.score}"
        yield f"  bound: {BOUND}" if proof.executed is not None else "  bound: static only; --setup asks the handlers"


def _executed(executed: Executed, first: int) -> Iterator[str]:
    """``first`` is the number of the first counterexample: those of the walk come before."""
    for number, found in enumerate(executed.counterexamples, first):
        yield f"{number}. {found.claim}: {found.why}"
        yield from (f"     fault: {fault}" for fault in injected(found))
        yield from (f"     {line}" for line in story(found.tried))
        if found.more:
            yield f"     (and {found.more} other {'placements break' if found.more > 1 else 'placement breaks'} it)"
    yield from (f"no run ever made this true: {name}" for name in executed.never)
    counts = ", ".join(f"{n} with {counted(faults, 'fault')}" for faults, n in sorted(executed.by_faults.items()))
    count = len(executed.counterexamples)
    good = "proved" if not executed.never else "a claim was never tested"
    found_words = counted(count, "counterexample") if count else good
    yield f"executed: {found_words}: {counted(executed.runs, 'placement')} ({counts})"
    yield from (f"  bound: {bound}" for bound in executed.bounds)


def _interleaved(told: Interleaved) -> Iterator[str]:
    for mixed in told.failing:
        yield f"seed {mixed.seed}: the tables are those of neither order:"
        yield from (f"     {line}" for line in (*mixed.order, *mixed.changes))
    good = f"{len(told.failing)} of them wrong" if told.failing else "proved: each ends as one order or the other does"
    yield f"two sagas at once: {told.seeds} seeds, {good}"
    yield from (f"  bound: {bound}" for bound in told.bounds)


def data(proof: Proof) -> dict[str, Any]:
    """The same as JSON: ``static``, ``executed``, ``interleaved``, ``mutants``, and the exit ``status``."""
    told: dict[str, Any] = {"definition": str(proof.source.path), "static": walked.data(proof.walked)}
    if proof.executed is not None:
        told["executed"] = {
            "placements": proof.executed.runs,
            "byFaults": dict(proof.executed.by_faults),
            "never": list(proof.executed.never),
            "bounds": list(proof.executed.bounds),
            "counterexamples": [_counterexample(found) for found in proof.executed.counterexamples],
        }
    if proof.interleaved is not None:
        mixed = proof.interleaved.failing
        failing = [{"seed": one.seed, "changes": list(one.changes), "order": list(one.order)} for one in mixed]
        told["interleaved"] = {"seeds": proof.interleaved.seeds, "failing": failing}
    if proof.score is not None:
        told["mutants"] = {
            "caught": [mutant.name for mutant in proof.score.caught],
            "survived": [mutant.name for mutant in proof.score.survived],
        }
    return {**told, "status": proof.status}


def _counterexample(found: Counterexample) -> dict[str, Any]:
    return {
        "claim": found.claim,
        "why": found.why,
        "input": found.given,
        "faults": [{"call": f.call, "task": f.task, "kind": f.kind.value, "does": str(f)} for f in found.placement],
        "story": list(story(found.tried)),
        "more": found.more,
        "history": history(found.tried.execution.events),
    }


def junit(proof: Proof) -> str:
    """One test case for each claim and each part; those that are broken have their story as the failure."""
    cases = list(_cases(proof))
    suite = ElementTree.Element("testsuite", name="prove", tests=str(len(cases)))
    suite.set("failures", str(sum(text is not None for _, _, text in cases)))
    for part, name, text in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=part, name=name)
        if text is not None:
            ElementTree.SubElement(case, "failure", message=text.splitlines()[0]).text = text
    return printable(ElementTree.tostring(suite, encoding="unicode", xml_declaration=True))


def _cases(proof: Proof) -> Iterator[tuple[str, str, str | None]]:
    static = proof.walked.counterexamples
    for found in static:
        yield "static", found.hit.rule.value, "\n".join((found.hit.text, *walked.path(found)))
    if not static:
        yield "static", "every outcome of every Task", None
    if proof.executed is not None:
        yield from _executed_cases(proof.executed)
    for mixed in proof.interleaved.failing if proof.interleaved else ():
        yield "two sagas", f"seed {mixed.seed}", "\n".join(("the tables are those of neither order", *mixed.changes))


def _executed_cases(executed: Executed) -> Iterator[tuple[str, str, str | None]]:
    for found in executed.counterexamples:
        yield "executed", found.claim, "\n".join((found.why, *story(found.tried)))
    for name in executed.never:
        yield "executed", name, "no run ever made this true"
    if not executed.counterexamples and not executed.never:
        yield "executed", f"{executed.runs} placements", None
