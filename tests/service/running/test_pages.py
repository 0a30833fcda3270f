"""Stored histories: pages read back the same, and reading costs only the pages that are read."""

import hashlib
import json
import zlib

import pytest

from sfn_emulator.engine import events as engine
from sfn_emulator.engine.events import Event
from sfn_emulator.service.running import history, pages
from sfn_emulator.service.store.database import Database
from sfn_emulator.service.store.documents import Store
from tests.service.running.test_history import EVENTS


@pytest.fixture
def store() -> Store:
    return Store(Database.open(None))


def rendered(event: Event, started: object = None) -> dict[str, object]:
    return history.render(event, 3, history.Texts(started), {})


def entered(count: int, value: object) -> list[Event]:
    return [Event("PassStateEntered", n, 1.0, engine.Entered("A", value)) for n in range(count)]


def test_packed_events_unpack_to_the_same() -> None:
    found = pages.unpack(pages.pack(EVENTS, 1, len(EVENTS)))
    assert [rendered(event) for event in found] == [rendered(event) for event in EVENTS]
    assert found[0].detail.text == EVENTS[0].detail.text


def test_an_input_in_the_first_two_events_is_the_same_text() -> None:
    events = [Event("ExecutionStarted", 0, 1.0, engine.Started({"a": 1}, '{"a":1}')), *entered(1, {"a": 1})]
    events[1] = events[1]._replace(detail=engine.Entered("A", events[0].detail.input))
    found = pages.unpack(pages.pack(events, 1, 2))
    assert found[0].detail.input is found[1].detail.input is found[0].detail.text


def test_a_value_that_is_passed_on_is_stored_once() -> None:
    value = {"text": hashlib.shake_256(b"x").hexdigest(50_000)}
    one, many = pages.pack(entered(1, value), 1, 1), pages.pack(entered(200, value), 1, 200)
    assert many.length == 200
    assert len(many.data) == len(one.data)


def test_a_page_ends_where_it_carries_much() -> None:
    events = [event for n in range(5) for event in entered(1, {"n": n, "text": "x" * 200_000})]
    assert [pages.pack(events, first, 5).length for first in (1, 3, 5)] == [2, 2, 1]


def test_events_are_read_by_number_with_and_without_data(store: Store) -> None:
    events = [Event("PassStateEntered", n, 1.0, engine.Entered(f"S{n}", {"n": n})) for n in range(1, 501)]
    assert pages.write(store, 7, events, 1, 500) == store.paged(7) == 500
    assert store.paged(6) == store.paged(8) == 0
    read, bare = pages.Reader(store, 7, included=True), pages.Reader(store, 7, included=False)
    for number in (1, 200, 201, 500, 2):
        assert read(number).detail == engine.Entered(f"S{number}", json.dumps({"n": number}, separators=(",", ":")))
        assert bare(number).detail.name == f"S{number}"
    with pytest.raises(LookupError):
        read(501)


def test_no_more_pages_are_written_at_once_than_asked_for(store: Store) -> None:
    events = entered(1_000, 0)
    assert pages.write(store, 1, events, 1, 1_000, 2) == 400
    assert pages.write(store, 1, events, 401, 1_000, 9) == 1_000


def test_details_that_were_let_go_of_come_back(store: Store) -> None:
    events = entered(3, "text")
    pages.write(store, 1, events, 1, 3)
    light = [event._replace(detail=number) for number, event in enumerate(events, 1)]
    pages.recall(light, pages.Reader(store, 1, included=True))
    assert [rendered(event) for event in light] == [rendered(event) for event in events]


def test_a_history_of_a_version_without_pages_is_read(store: Store) -> None:
    rows = [[0, 0, 1.5, 0, 0, '{"a": 1}'], [1, 0, 1.5, 1, "A", 0], [2, 2, 1.5]]
    types = ["ExecutionStarted", "PassStateEntered", "LambdaFunctionStarted"]
    body = zlib.compress(json.dumps([1, types, [{"a": 1}], rows]).encode())
    store.database.write("INSERT INTO history VALUES (?, ?)", (3, body))
    read = pages.Reader(store, 3, included=True)
    started = read(1).detail
    assert started == engine.Started({"a": 1}, '{"a": 1}')
    assert read(2).detail.input is started.input
    assert read(3) == Event("LambdaFunctionStarted", 2, 1.5, None)
