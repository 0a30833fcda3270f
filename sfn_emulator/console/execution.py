"""The page's reads of one execution: its outline, one visit in full, its events, the tables at one of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import orjson

from sfn_emulator.console.answers import RefusedError, asked, number
from sfn_emulator.console.opened import Pasts
from sfn_emulator.console.past import Past
from sfn_emulator.console.tokens import masked, open_tokens, token_of, waits_for_token
from sfn_emulator.picture.history.data import in_full
from sfn_emulator.picture.history.events import detail
from sfn_emulator.picture.history.scope import scope_of, value_of
from sfn_emulator.picture.history.stages import stages
from sfn_emulator.picture.history.visit import Visit
from sfn_emulator.service.running.deeds import Deed, Deeds
from sfn_emulator.values import dumps

PAGE: Final = 1_000
_SHOWN_ROWS: Final = 300
_CONTEXT: Final = ("Execution", "StateMachine", "Map")
"""The parts of a visit's context that a trial of its state may get."""
_ABOUT: Final = ("name", "state", "error", "resource")


class Table(Protocol):
    """A table as it is; rows are key → DynamoDB JSON."""

    @property
    def name(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def key(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> dict[str, bytes]: ...
    @property
    def total(self) -> int: ...


Tables = Callable[[], Sequence[Table]]
"""Blocking."""


class ExecutionView:
    """One execution for the page. Each method takes the request's parameters and returns a JSON object."""

    def __init__(self, pasts: Pasts, deeds: Deeds, tables: Tables) -> None:
        self._pasts, self._deeds, self._tables = pasts, deeds, tables

    async def outline(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """What is drawn of the whole: the record, graph and visits, and the writes of each visit. ``behind``: more
        events follow.
        """
        past = await self._pasts.get(asked(parameters, "arn"))
        return {
            "execution": _with_values(past.execution) | self._pasts.beside(past.arn),
            "drawn": past.drawn,
            "deeds": self._deeds_by_visit(past),
            "cut": self._deeds.cut,
            "behind": self._pasts.is_behind(past),
            "now": self._pasts.now(past.arn),
        }

    async def visit(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The visit ``n`` in full: its data stage by stage, definition, writes and logs. Task tokens are masked."""
        past = await self._pasts.get(asked(parameters, "arn"))
        visit = _visit(past, number(parameters, "n", 0, 10**9))
        scope = scope_of(past.told, visit, past.identity)
        told = in_full(visit, stages(past.told, visit, past.states.get(visit.state), scope))
        mine = [deed for deed in self._deeds.of(past.arn) if _is_of(deed, visit)]
        whole = told | {
            "definition": _lines_of(past, visit.state),
            "deeds": [_deed(deed) for deed in mine if deed.service != "lambda"],
            "logs": [_log(deed) for deed in mine if deed.service == "lambda"],
            "token": waits_for_token(visit),
            "cut": self._deeds.cut,
            "context": {name: part for name, part in scope.context().items() if name in _CONTEXT},
        }
        return dict(masked(whole, open_tokens(past)))

    async def token(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The task token of a waiting attempt, when it is asked for."""
        past = await self._pasts.get(asked(parameters, "arn"))
        visit = _visit(past, number(parameters, "n", 0, 10**9))
        return {"token": token_of(past, visit)}

    async def events(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """A page of the events in brief, from the number ``from``; with ``q`` of those that hold this text. ``total``
        counts all.
        """
        past = await self._pasts.get(asked(parameters, "arn"))
        wanted, first = parameters.get("q", "").lower(), number(parameters, "from", 0, 10**9)
        found: Sequence[Mapping[str, Any]] = past.events
        if wanted:
            found = await asyncio.to_thread(lambda: [event for event in past.events if wanted in _words(event)])
        return {"total": len(found), "events": [_brief(event) for event in found[first : first + PAGE]]}

    async def event(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """One event, whole."""
        past = await self._pasts.get(asked(parameters, "arn"))
        id_ = number(parameters, "id", 0, 10**9)
        if not 1 <= id_ <= len(past.events):
            raise RefusedError(f"The execution has no event {id_}.", 404)
        return dict(masked(_event(past.events[id_ - 1]), open_tokens(past)))

    # -- tables

    async def tables(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The tables as the execution's steps had left them at an event: later writes are undone."""
        past = await self._pasts.get(asked(parameters, "arn"))
        last = len(past.events)
        event = number(parameters, "event", last, last)
        deeds = self._deeds.all()
        mine = [deed for deed in deeds if deed.cause is not None and deed.cause.execution == past.arn]
        begin = mine[0].number - 1 if mine else self._deeds.count
        until = self._position(past, event, mine, begin)
        rows = [deed for deed in deeds if deed.is_row]
        now = await asyncio.to_thread(self._tables)
        told = {
            "event": event,
            "cut": self._deeds.cut,
            "complete": self._deeds.cut <= begin and not self._pasts.is_older(past.arn),
            "tables": [_table(table, rows, begin, until) for table in _touched_first(now, mine)],
            "deeds": [_deed(deed) for deed in mine if deed.service != "lambda" and deed.number <= until],
        }
        return dict(masked(told, open_tokens(past)))

    def _position(self, past: Past, event: int, mine: list[Deed], begin: int) -> int:
        """The number of the last deed that counts at an event: those of attempts that had ended; at the execution's
        end, all.
        """
        if event >= len(past.events) and past.told.ended is None:
            return self._deeds.count
        done = {visit.entered_by: _left(visit) for visit in past.told.visits}
        seen = [deed.number for deed in mine if deed.cause and done.get(deed.cause.entered, 10**9) <= event]
        return max(seen, default=begin)

    def _deeds_by_visit(self, past: Past) -> dict[int, int]:
        """How many rows, messages and objects each visit wrote, for those that did."""
        by_event = {visit.entered_by: visit.number for visit in past.told.visits}
        counts: dict[int, int] = {}
        for deed in self._deeds.of(past.arn):
            visit = by_event.get(deed.cause.entered if deed.cause else 0)
            if visit is not None and deed.service != "lambda":
                counts[visit] = counts.get(visit, 0) + 1
        return counts


def _left(visit: Visit) -> int:
    """The event after which a visit's work is done."""
    return visit.events[-1] if visit.events else visit.entered_by


def _is_of(deed: Deed, visit: Visit) -> bool:
    return deed.cause is not None and deed.cause.entered == visit.entered_by


def _visit(past: Past, n: int) -> Visit:
    if n >= len(past.told.visits):
        raise RefusedError(f"The execution has no visit {n}.", 404)
    return past.told.visits[n]


def _with_values(execution: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in execution.items() if value is not None}
    for name in ("input", "output"):
        if name in told:
            told[name] = value_of(told[name])
    return told


def _lines_of(past: Past, state: str) -> dict[str, Any] | None:
    """The lines of a state's definition, with the number of the first one."""
    node = past.graph.by_id.get(state) if past.graph else None
    if node is None or past.definition is None:
        return None
    raw: Any = past.definition.raw
    for key in node.place:
        raw = raw[key]
    line, _ = past.definition.positions.get(node.place, (1, 1))
    return {"line": line, "state": raw, "place": "/" + "/".join(map(str, node.place))}


# -- events


def _words(event: Mapping[str, Any]) -> str:
    return f"{event['id']} {event['type']} {dumps(dict(detail(event)))}".lower()


def _brief(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as the list shows it: without its data, which may be long."""
    told = detail(event)
    about = str(next((told[name] for name in _ABOUT if told.get(name)), ""))
    if about.startswith("arn:"):  # of a function or an activity its name
        about = about.split(":", 6)[-1]
    return {"id": event["id"], "type": event["type"], "at": event.get("timestamp"), "about": about[:200]}


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    details = {name: value for name, value in detail(event).items() if not name.endswith("Details")}
    for name in ("input", "output", "parameters"):
        if name in details:
            details[name] = value_of(details[name]) if isinstance(details[name], str) else details[name]
    return {
        "id": event["id"],
        "type": event["type"],
        "previous": event.get("previousEventId", 0),
        "at": event.get("timestamp"),
        "detail": details,
    }


# -- deeds and rows


def _deed(deed: Deed) -> dict[str, Any]:
    told = {"number": deed.number, "at": deed.at, "service": deed.service, "operation": deed.operation}
    told |= {"target": deed.target, "key": deed.key}
    if deed.cause is not None:
        told |= {"state": deed.cause.state, "entered": deed.cause.entered, "attempt": deed.cause.attempt}
    if deed.is_row:
        told |= {"before": _plain_row(deed.before), "after": _plain_row(deed.after)}
    return told


def _log(deed: Deed) -> dict[str, Any]:
    attempt = deed.cause.attempt + 1 if deed.cause else 0
    text = (deed.after or b"").decode("utf-8", "replace")
    return {"function": deed.target, "attempt": attempt, "seconds": deed.seconds, "at": deed.at, "text": text}


def _touched_first(tables: Sequence[Table], mine: list[Deed]) -> list[Table]:
    touched = {(deed.region, deed.target) for deed in mine if deed.is_row}
    return sorted(tables, key=lambda table: ((table.region, table.name) not in touched, table.name))


def _table(table: Table, deeds: list[Deed], begin: int, until: int) -> dict[str, Any]:
    """A table's rows at ``until``, each with its state at ``begin`` where that differs."""
    mine = [deed for deed in deeds if deed.target == table.name and deed.region == table.region]
    now: dict[str, bytes | None] = dict(table.rows)
    at = _undone(now, mine, until)
    before = _undone(dict(at), [deed for deed in mine if deed.number <= until], begin)
    by = {deed.key: deed for deed in mine if begin < deed.number <= until}
    total = sum(row is not None for row in at.values()) + table.total - len(table.rows)
    keys = sorted({key for key in (*at, *before) if at.get(key) is not None or before.get(key) is not None})
    changed = [key for key in keys if at.get(key) != before.get(key)]
    rest = [key for key in keys if key not in set(changed)][: max(0, _SHOWN_ROWS - len(changed))]
    rows = [_row(key, at.get(key), before.get(key), by.get(key)) for key in [*changed, *rest]]
    return {"name": table.name, "key": list(table.key), "rows": rows, "total": total}


def _undone(rows: dict[str, bytes | None], deeds: list[Deed], until: int) -> dict[str, bytes | None]:
    """The rows with every deed after ``until`` undone."""
    for deed in reversed(deeds):
        if deed.number <= until:
            break
        rows[deed.key] = deed.before
    return rows


def _row(key: str, at: bytes | None, before: bytes | None, deed: Deed | None) -> dict[str, Any]:
    mark = "" if at == before else "+" if before is None else "-" if at is None else "~"
    told = {"key": key, "mark": mark, "row": _plain_row(at)}
    if mark:
        told["before"] = _plain_row(before)
        told["by"] = deed.cause.state if deed and deed.cause else None
    return told


def _plain_row(image: bytes | None) -> Any:
    """DynamoDB JSON without its types."""
    return None if image is None else {name: _plain(value) for name, value in orjson.loads(image).items()}


def _plain(typed: Any) -> Any:
    if not isinstance(typed, dict) or len(typed) != 1:
        return typed
    ((kind, value),) = typed.items()
    match kind:
        case "N":
            return float(value) if "." in str(value) else int(value)
        case "M":
            return {name: _plain(part) for name, part in value.items()}
        case "L":
            return [_plain(part) for part in value]
        case "NULL":
            return None
    return value
