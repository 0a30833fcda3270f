"""Requests take turns in moto; a long one holds up only those that could meet it there."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import moto
import pytest

from sfn_emulator.cloud.keeping.keeper import Keeper
from sfn_emulator.cloud.keeping.moment import moment, now, watch_moto
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.cloud.turns import REACHED, Room, Turns
from tests.waiting import PATIENCE

QUEUES, TOPICS, APIS = (frozenset((module,)) for module in ("sqs", "sns", "apigateway"))


def in_thread(act: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(act()), daemon=True)
    thread.start()
    return thread, told


def inside(turns: Turns, room: Room) -> Callable[[], bool]:
    def act() -> bool:
        with turns.taken(room):
            return True

    return act


def test_a_request_that_is_apart_comes_in_beside_a_long_one() -> None:
    turns = Turns()
    with turns.taken(APIS):
        thread, told = in_thread(inside(turns, QUEUES))
        thread.join(PATIENCE)
        assert told == [True]


@pytest.mark.parametrize(
    ("long", "other"), [(APIS, APIS), (QUEUES, TOPICS), (TOPICS, QUEUES), (APIS, None), (APIS, frozenset(("glue",)))]
)
def test_a_request_that_could_meet_a_long_one_waits_until_that_is_done(long: Room, other: Room) -> None:
    turns = Turns()
    with turns.taken(long):
        thread, told = in_thread(inside(turns, other))
        thread.join(0.2)
        assert told == []
    thread.join(PATIENCE)
    assert told == [True]


def test_a_turn_that_is_given_away_is_taken_again() -> None:
    turns = Turns()
    with turns.taken(QUEUES):
        with turns.given_away():
            thread, told = in_thread(inside(turns, QUEUES))
            thread.join(PATIENCE)
            assert told == [True]
        with turns.taken_at_once(QUEUES) as is_free:
            assert not is_free


def test_nobody_comes_in_beside_one_that_is_alone() -> None:
    turns = Turns()
    with turns.taken(APIS):
        with turns.alone() as is_alone:
            assert is_alone
            thread, told = in_thread(inside(turns, QUEUES))
            thread.join(0.2)
            assert told == []
        thread.join(PATIENCE)
        assert told == [True]


def asked(neighbours: Neighbours, service: str, target: str, told: object = None) -> Callable[[], Reply]:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": target}
    request = Request("POST", "/", "", headers, json.dumps(told or {}).encode())
    return lambda: neighbours.answer(service, "us-east-1", request)


def test_a_queue_answers_while_a_request_of_api_gateway_goes_on() -> None:
    neighbours = Neighbours("123456789012")
    with neighbours.held("apigateway"):
        thread, told = in_thread(asked(neighbours, "sqs", "AmazonSQS.ListQueues"))
        thread.join(PATIENCE)
        assert [reply.status for reply in told] == [200]


def test_a_stop_waits_for_no_long_request_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    neighbours = Neighbours("123456789012", Keeper(tmp_path, fsync=False))
    inside, closed = threading.Event(), threading.Event()

    def long_one() -> Reply:
        with neighbours.held("sqs"):
            inside.set()
            closed.wait(PATIENCE)
            return asked(neighbours, "sqs", "AmazonSQS.CreateQueue", {"QueueName": "late"})()

    thread, told = in_thread(long_one)
    inside.wait(PATIENCE)
    neighbours.close()
    closed.set()
    thread.join(PATIENCE)
    assert [reply.status for reply in told] == [503]
    assert Keeper(tmp_path, fsync=False).is_empty


def test_requests_that_are_inside_together_have_each_their_own_time_and_dice() -> None:
    from moto.moto_api._internal import mock_random

    watch_moto()

    def drawn(at: float, seed: int, pause: Callable[[], object]) -> list[Any]:
        with moment(at, seed):
            found = [mock_random.get_random_hex(8), mock_random.random()]
            pause()
            return [*found, str(mock_random.uuid4()), mock_random.choice("abcdef"), now()]

    alone = [drawn(5.0, 1, list), drawn(6.0, 2, list)]
    meeting = threading.Barrier(2, timeout=PATIENCE)
    both = [in_thread(lambda: drawn(5.0, 1, meeting.wait)), in_thread(lambda: drawn(6.0, 2, meeting.wait))]
    for thread, _ in both:
        thread.join(PATIENCE)
    assert [told for _, told in both] == [[alone[0]], [alone[1]]]


_IMPORTED = re.compile(r"from moto\.(\w+)[\w.]* import [^\n]*_backends|get_backend\(\s*\"(\w+)\"")
_CALLED_FROM_OUTSIDE = {"awslambda", "awslambda_simple", "stepfunctions", "s3bucket_path"}
_IN_ITS_OWN_THREADS = {"dynamodb": {"s3"}}  # where it imports and exports tables, after the request


@pytest.mark.parametrize("module", REACHED)
def test_the_table_of_what_a_service_reaches_has_all_that_it_imports(module: str) -> None:
    sources = (Path(moto.__file__).parent / module).rglob("*.py")
    found = {name for source in sources for row in _IMPORTED.findall(source.read_text()) for name in row if name}
    found -= {module} | _CALLED_FROM_OUTSIDE | _IN_ITS_OWN_THREADS.get(module, set())
    assert found <= REACHED[module]
