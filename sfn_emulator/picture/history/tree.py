"""An execution's course as a tree for terminals: a line for each state, and below a Parallel or Map the states inside.

``rows`` gives the tree as data, ``drawn`` one line of it as styled text. Lines may have any length: the caller crops
them to a terminal's width, or prints them whole in a pipe.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from rich.text import Text

from sfn_emulator.picture.history.scope import started_execution, value_of
from sfn_emulator.picture.history.visit import OPEN, Happened, Line, Outcome, Visit

SIGNS: Final = {
    Outcome.DONE: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.CAUGHT: ("!", "yellow"),
    Outcome.TURNED: ("!", "yellow"),
    Outcome.COMPENSATED: ("↩", "yellow"),
    Outcome.RUNNING: ("▸", "bold"),
    Outcome.WAITING: ("…", "cyan"),
    Outcome.RETRYING: ("↻", "yellow"),
    Outcome.ABORTED: ("■", "magenta"),
}
_REASONED: Final = frozenset((Outcome.FAILED, Outcome.CAUGHT, Outcome.TURNED))
_SHOWN_ALIKE: Final = 3
"""Successful iterations whose states are shown; of further ones only the number is."""
_SHOWN_WRONG: Final = 10
_DEEPEST: Final = 5
_NAME: Final = 30

Child = Callable[[str], Happened | None]
"""The history of another execution, by its ARN; ``None`` if it is not available."""


class Row(NamedTuple):
    """``guides`` are the tree's lines before it; ``said`` is the reason, the answer, or the target of a Choice."""

    guides: str
    outcome: Outcome | None
    name: str
    took: str = ""
    said: str = ""


def tree(told: Happened, child: Child = lambda arn: None) -> list[Text]:
    """The rows of the whole execution, and of executions it started, as far as ``child`` finds them."""
    return [drawn(row) for row in rows(told, child)]


def drawn(row: Row) -> Text:
    """The row as a line for a terminal: guides, sign and name, duration, and what is to be said of it."""
    sign, style = SIGNS[row.outcome] if row.outcome else ("", "dim")
    head = f"{sign} {row.name}" if sign else row.name
    room = max(_NAME - len(row.guides), 12)
    line = Text()
    line.append(row.guides, style="dim")
    line.append(f"{head:<{room}}", style=style)
    if row.took or row.said:
        line.append(f" {row.took:>9}", style="dim")
    if row.said:
        line.append(f"  {row.said}", style=style if row.outcome in _REASONED else "")
    line.rstrip()
    return line


def rows(told: Happened, child: Child = lambda arn: None, depth: int = 0, guides: str = "") -> Iterator[Row]:
    """The rows of an execution; ``depth`` counts the executions around it."""
    yield from _line(told, told.lines[0], guides, child, depth)


def _line(told: Happened, line: Line, guides: str, child: Child, depth: int) -> Iterator[Row]:
    for number in line.visits:
        yield from rows_of(told, told.visits[number], child, depth, guides)


def rows_of(
    told: Happened, visit: Visit, child: Child = lambda arn: None, depth: int = 0, guides: str = ""
) -> Iterator[Row]:
    """One visit, and what is inside it."""
    yield Row(guides, visit.outcome, visit.state, _took(visit), _said(told, visit))
    yield from _inside(told, visit, guides, child, depth)


def _took(visit: Visit) -> str:
    return "" if visit.seconds is None or visit.type == "Choice" else duration(visit.seconds)


def duration(seconds: float) -> str:
    """``0.05 s``, ``42 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    for size, unit, rest, part in ((86_400, "d", 3600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            small = int(seconds % size // rest)
            return f"{int(seconds // size)} {unit}" + (f" {small} {part}" if small else "")
    return ""


def _said(told: Happened, visit: Visit) -> str:
    """The text beside a step: the reason if it failed, else its answer's word or a Choice's target."""
    parts = []
    tries = max(len(visit.attempts), visit.rounds)
    if tries > 1:
        parts.append(f"{tries} attempts")
    if visit.error is not None:
        parts.append(": ".join(part for part in (visit.error, reason(visit)) if part))
    elif visit.type == "Choice" and visit.next is not None:
        parts.append(f"→ {told.visits[visit.next].state}")
    elif visit.length is not None:
        parts.append(_items(visit.length))
    elif (word := status(visit)) is not None:
        parts.append(": ".join(part for part in (word, reason(visit)) if part))
    return ", ".join(part for part in parts if part)


def reason(visit: Visit) -> str:
    """Why it failed, on one line: the message of a function's exception, the plain cause, or the answer's
    ``Reason``.
    """
    told = value_of(visit.cause) if visit.error is not None else _answer(visit)
    said = told.get("Reason" if visit.error is None else "errorMessage") if isinstance(told, dict) else None
    return " ".join((said if isinstance(said, str) else visit.cause or "").split())


def status(visit: Visit) -> str | None:
    """The ``Status`` of a Task's answer, if it has one."""
    word = _answer(visit).get("Status")
    return word if isinstance(word, str) else None


def _answer(visit: Visit) -> Mapping[str, Any]:
    """A Task's answer, if that is an object; for Lambda's integration its Payload."""
    answer = value_of(visit.result)
    if isinstance(answer, dict) and isinstance(answer.get("Payload"), dict):
        answer = answer["Payload"]
    return answer if isinstance(answer, dict) else {}


# -- what is inside a state


def _inside(told: Happened, visit: Visit, guides: str, child: Child, depth: int) -> Iterator[Row]:
    parts = _parts(told, visit)
    if depth < _DEEPEST and (arn := started_execution(visit)) is not None:
        inner = child(arn)
        parts.append((Row("", None, f"execution {arn.rpartition(':')[2]}"), inner))
    for place, (head, content) in enumerate(parts):
        last = place == len(parts) - 1
        yield head._replace(guides=guides + ("└─ " if last else "├─ "))
        below = guides + ("   " if last else "│  ")
        if isinstance(content, Line):
            yield from _line(told, content, below, child, depth)
        elif content is not None:
            yield from rows(content, child, depth + 1, below)


def _parts(told: Happened, visit: Visit) -> list[tuple[Row, Line | Happened | None]]:
    """The branches of the last attempt, or its iterations: all that failed, and some that did not."""
    lines = [told.lines[number] for number in visit.lines if told.lines[number].round == visit.rounds]
    if visit.type == "Parallel":
        return [(Row("", None, f"branch {line.index + 1}"), line) for line in lines]
    lines.sort(key=lambda line: line.index)
    wrong = [line for line in lines if is_wrong(told, line)][:_SHOWN_WRONG]
    chosen = {line.index for line in wrong}
    chosen |= {line.index for line in [line for line in lines if line.index not in chosen][:_SHOWN_ALIKE]}
    parts: list[tuple[Row, Line | Happened | None]] = [
        (Row("", None, f"item {line.index}"), line) for line in lines if line.index in chosen
    ]
    hidden = len(lines) - len(parts)
    if hidden:
        parts.append((Row("", None, _items(hidden, "more ")), None))
    return parts


def _items(count: int, more: str = "") -> str:
    return f"{count} {more}{'item' if count == 1 else 'items'}"


def is_wrong(told: Happened, line: Line) -> bool:
    """Whether an iteration failed, or has not come to its end."""
    if line.status in ("failed", "aborted"):
        return True
    last = told.visits[line.visits[-1]] if line.visits else None
    return last is not None and (last.outcome in OPEN or last.outcome is Outcome.FAILED)
