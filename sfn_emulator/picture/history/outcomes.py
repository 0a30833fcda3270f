"""Works out the outcome of visits where no event states it: those that failed, that wait, or that compensate."""

import re
from collections.abc import Mapping
from typing import Final

from sfn_emulator.picture.graph import EdgeKind, Graph
from sfn_emulator.picture.history.visit import Happened, Outcome, Visit

_ENTERED: Final = re.compile(r"\(entered at the event id #(\d+)\)")
_OVER: Final = frozenset((Outcome.ABORTED, Outcome.FAILED))
_WELL: Final = frozenset((Outcome.DONE, Outcome.TURNED, Outcome.COMPENSATED))
"""Which of them it is, what follows tells: it is asked again when more has followed."""


def judge(told: Happened, graph: Graph | None) -> None:
    """Sets the outcome of each visit, and the reason of the one that ended the execution.

    An execution that still runs may be judged again later: only what events said is final.
    """
    _blame(told)
    catchers = _catchers(graph)
    for visit in told.visits:
        if not visit.left_by and (visit.left is None or visit.outcome not in _OVER):
            visit.outcome = _unfinished(told, visit)
            if visit.outcome in _OVER and visit.left is None:
                visit.left = told.ended
        if visit.outcome in _WELL and graph is not None:
            visit.outcome = _done(told, visit, graph, catchers)


def _done(told: Happened, visit: Visit, graph: Graph, catchers: Mapping[str, set[str]]) -> Outcome:
    handles = _handles(graph, visit)
    if visit.type != "Choice" and _turned(told, visit, graph, catchers.get(visit.state, set()) if handles else None):
        return Outcome.TURNED
    return Outcome.COMPENSATED if handles else Outcome.DONE


def _turned(told: Happened, visit: Visit, graph: Graph, own: set[str] | None) -> bool:
    """Whether its answer made a Choice lead to states that handle failures. After a compensation every state handles
    failures. There the Choice must lead to the target of its ``own`` Catchers.
    """
    before = visit
    while before.next is not None:
        following = told.visits[before.next]
        if _handles(graph, following) if own is None else before.type == "Choice" and following.state in own:
            return True
        if following.type != "Choice":
            return False
        before = following
    return False


def _catchers(graph: Graph | None) -> Mapping[str, set[str]]:
    """The targets of each state's Catchers."""
    leads: dict[str, set[str]] = {}
    for edge in graph.edges if graph is not None else ():
        if edge.kind is EdgeKind.CATCH:
            leads.setdefault(edge.source, set()).add(edge.target)
    return leads


def _handles(graph: Graph, visit: Visit) -> bool:
    node = graph.by_id.get(visit.state)
    return node is not None and node.handles


def _blame(told: Happened) -> None:
    """Gives the execution's error to the state that raised it, and to the states around that."""
    if told.status not in ("FAILED", "TIMED_OUT") or not told.visits:
        return
    named = _ENTERED.search(told.cause or "")
    found = next((v for v in told.visits if named and v.entered_by == int(named[1])), None)
    at_top = told.lines[0].visits
    culprit = found or (_innermost(told, told.visits[at_top[-1]]) if at_top else None)
    while culprit is not None and not culprit.left_by:
        if not culprit.error:
            culprit.error, culprit.cause = told.error or _default(told), told.cause
        owner = told.lines[culprit.line].owner
        culprit = None if owner is None else told.visits[owner]


def _innermost(told: Happened, visit: Visit) -> Visit:
    """The Fail state, or the step with an error, that ended the region ``visit``; the visit itself if there is none."""
    ends = [told.lines[number].visits[-1:] for number in visit.lines if told.lines[number].round == visit.rounds]
    for last in (told.visits[number] for numbers in ends for number in numbers):
        inner = _innermost(told, last)
        if not inner.left_by and (inner.type == "Fail" or inner.error):
            return inner
    return visit


def _default(told: Happened) -> str | None:
    return "States.Timeout" if told.status == "TIMED_OUT" else None


def _unfinished(told: Happened, visit: Visit) -> Outcome:
    if visit.type == "Fail" or not _is_on(told, visit):
        return Outcome.FAILED if visit.type == "Fail" or visit.error is not None else Outcome.ABORTED
    if visit.error is not None:
        return Outcome.RETRYING
    waits = visit.type == "Wait" or (visit.attempts and visit.attempts[-1].resource.endswith("waitForTaskToken"))
    return Outcome.WAITING if waits else Outcome.RUNNING


def _is_on(told: Happened, visit: Visit) -> bool:
    """Whether a visit can still go on: neither it nor anything around it has ended or was begun again."""
    if told.ended is not None or visit.left_by:
        return False
    line = told.lines[visit.line]
    if line.status in ("failed", "aborted") or line.visits[-1] != visit.number:
        return False
    if line.owner is None:
        return True
    owner = told.visits[line.owner]
    return owner.rounds == line.round and _is_on(told, owner)
