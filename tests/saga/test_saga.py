"""Every stage failed in every way, on a real server over a real socket: what the tables say afterwards."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from deploy.apply import apply
from deploy.planning import teardown
from tests.saga import steps
from tests.saga.places import MINISTACK, Place, deployed, on
from tests.saga.steps import STATES, STEPS, TABLES, UNDO, WAY, stage, table_of
from tests.waiting import PATIENCE

FORWARD = tuple(stage(state) for state in STEPS)
COMPENSATIONS = {stage(UNDO[state]): table_of(state) for state in reversed(STEPS)}
"""Each with the table in which it leaves a row when it fails."""
MODES = ("status", "before", "after", "timeout")
STAGES = ("None", *(stage(state) for state in WAY), *COMPENSATIONS)
CASES = [("None", "status"), *product(STAGES[1:], MODES)]
ITEMS = ("ITEM001", "ITEM002", "ITEM003")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    told = metafunc.config.getoption("--target") or ["embedded"]
    metafunc.parametrize("place", told, indirect=True, scope="module")
    each_case(metafunc)


def each_case(metafunc: pytest.Metafunc) -> None:
    """A test of ``stage`` and ``mode`` has all its module's cases, one of ``step`` and ``mode`` with steps'."""
    for name, stages in (("stage", STAGES), ("step", FORWARD)):
        if {name, "mode"} <= set(metafunc.fixturenames):
            metafunc.parametrize((name, "mode"), [case for case in metafunc.module.CASES if case[0] in stages])


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with deployed(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made


def order(name: str, item: str = "ITEM001", **fields: Any) -> dict[str, Any]:
    return {"ItemId": item, "CustomerId": "ABC/001", "MessageId": name, "FailAtStage": "None", **fields}


@dataclass(frozen=True)
class Matrix:
    """All cases when they have ended: stock and reservations before, each one's description and states, all rows."""

    before: dict[str, int]
    ended: dict[tuple[str, str], dict[str, Any]]
    states: dict[tuple[str, str], list[str]]
    rows: dict[str, list[dict[str, Any]]]

    def of(self, order: str) -> dict[str, list[dict[str, Any]]]:
        """An order's rows, by table."""
        names = [name for name in self.rows if name != "Inventory"]
        return {name: [row for row in self.rows[name] if row["OrderId"] == order] for name in names}


@pytest.fixture(scope="module")
def matrix(place: Place, request: pytest.FixtureRequest) -> Matrix:
    """All cases of the module, a few side by side as sagas are."""
    before = place.stock_and_reserved()

    def run(number: int, stage: str, mode: str) -> dict[str, Any]:
        told = order(f"{stage}-{mode}", ITEMS[number % 3], FailAtStage=stage, FailMode=mode, Quantity=1 + number % 4)
        return place.ended(place.start(told), time)

    cases = [(number, *case) for number, case in enumerate(request.module.CASES)]
    slow = [case for case in cases if case[2] == "timeout"]  # these only sleep, so all at once
    quick = [case for case in cases if case[2] != "timeout"]
    with ThreadPoolExecutor(max(len(slow), 1)) as many, ThreadPoolExecutor(2) as few:
        futures = {case[1:]: many.submit(run, *case) for case in slow}
        futures |= {case[1:]: few.submit(run, *case) for case in quick}
        ended = {case: future.result() for case, future in futures.items()}
    states = {case: place.states(told["executionArn"]) for case, told in ended.items()}
    return Matrix(before, ended, states, {name: place.rows(name) for name in place.config.tables})


def test_a_saga_failed_at_a_stage_leaves_the_tables_as_it_must(matrix, stage, mode):
    told, rows = matrix.ended[stage, mode], matrix.of(f"{stage}-{mode}")
    counts = {name: len(found) for name, found in rows.items()}
    if stage in FORWARD:
        assert (told["status"], told["error"]) == ("FAILED", "OrderCompensated")
        assert counts == {**dict.fromkeys(TABLES, 0), "Repairs": 0}
    elif stage in COMPENSATIONS:
        assert (told["status"], told["error"]) == ("FAILED", "CompensationFailed")
        left = dict.fromkeys(TABLES, 0)
        left[COMPENSATIONS[stage]] = int(mode == "before")
        assert counts == {**left, "Repairs": 1}
        assert [(row["Step"], row["RepairStatus"]) for row in rows["Repairs"]] == [(stage, "OPEN")]
    else:
        assert told["status"] == "SUCCEEDED"
        assert counts == {**dict.fromkeys(TABLES, 1), "Repairs": 0}
        assert rows["Orders"][0]["OrderStatus"] == "PAID"
        sent = json.loads(told["output"])["SendNotification"]
        assert (sent.get("Status") == "NOTIFICATION_SENT") == (stage == "None")


def test_the_cases_together_enter_every_state(matrix):
    assert {state for states in matrix.states.values() for state in states} == set(STATES)


def test_the_way_back_is_the_way_forward_in_reverse(matrix, step, mode):
    path = matrix.states[step, mode]
    done = FORWARD[: FORWARD.index(step) + 1]
    back = [stage(state) for state in path if state in steps.COMPENSATIONS]
    assert back == [stage(UNDO[state]) for state in reversed(STEPS[: len(done)])]
    assert path[-1] == "Fail"
    assert ("Wait state" in path) == (step == "UpdateInventory")


@pytest.mark.parametrize("stage", COMPENSATIONS)
def test_a_compensation_that_raises_is_tried_harder_before_it_is_given_up(place, matrix, stage):
    if place.name == MINISTACK:
        pytest.skip("MiniStack's history does not tell of a Task's attempts")
    names = {name.replace(" ", ""): name for name in steps.COMPENSATIONS}
    attempts, inside = 0, False
    for event in place.events(matrix.ended[stage, "before"]["executionArn"]):
        if event["type"] == "TaskStateEntered":
            inside = event["stateEnteredEventDetails"]["name"] == names[stage]
        attempts += inside and event["type"] == "LambdaFunctionScheduled"
    assert attempts == 7


def test_the_history_tells_the_whole_wait_though_nobody_waited(place, matrix):
    if place.name != "embedded":
        pytest.skip("only the embedded target skips time and tells it truly")
    times = {}
    for event in place.events(matrix.ended["UpdateInventory", "status"]["executionArn"]):
        if event["type"] in ("WaitStateEntered", "WaitStateExited"):
            times[event["type"]] = event["timestamp"]
    assert (times["WaitStateExited"] - times["WaitStateEntered"]).total_seconds() == 30


def test_two_sagas_racing_for_the_last_item_sell_it_once(place):
    place.put_item("LAST", 1)
    arns = [place.start(order(f"race-{n}", "LAST")) for n in range(2)]
    assert sorted(place.ended(arn, time)["status"] for arn in arns) == ["FAILED", "SUCCEEDED"]
    assert [row["ItemsInStock"] for row in place.rows("Inventory") if row["ItemId"] == "LAST"] == [0]
    assert len([row for row in place.rows("Reservations") if row["ItemId"] == "LAST"]) == 1


def test_many_sagas_racing_never_sell_more_than_there_is(place):
    place.put_item("FEW", 3)
    arns = place.at_once([lambda n=n: place.start(order(f"crowd-{n}", "FEW")) for n in range(10)])
    ends = [place.ended(arn, time)["status"] for arn in arns]
    left = [row["ItemsInStock"] for row in place.rows("Inventory") if row["ItemId"] == "FEW"]
    assert left == [3 - ends.count("SUCCEEDED")]
    assert place.stock_and_reserved()["FEW"] == 3
    assert ends.count("SUCCEEDED") == 3


def post(url: str, body: Any, method: str = "POST") -> tuple[int, Any, Any]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, text, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.loads(answer.read() or b"null"), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null"), error.headers


def test_the_same_request_sent_twenty_times_at_once_is_one_order_and_one_decrement(place):
    place.put_item("TWENTY", 100)
    url = place.saga.api_url()
    answers = place.at_once([lambda: post(url, order("twenty", "TWENTY", Quantity=2))] * 20)
    assert {status for status, _, _ in answers} == {200}
    assert {body["message"] for _, body, _ in answers} == {"Processed"}
    (arn,) = {body["executionArn"] for _, body, _ in answers}
    assert place.ended(arn, time)["status"] == "SUCCEEDED"
    assert [row["ItemsInStock"] for row in place.rows("Inventory") if row["ItemId"] == "TWENTY"] == [98]
    assert {name: len(rows) for name, rows in place.of("twenty").items()} == {**dict.fromkeys(TABLES, 1), "Repairs": 0}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b"{", "body: not JSON"),
        ({**order("bad-1"), "ItemId": "NOPE"}, "there is no item NOPE"),
        ({**order("bad-2"), "FailAtStage": "Lunch"}, "FailAtStage"),
        ({**order("bad-3"), "CustomerId": "x" * 70_000}, "more than an order's limit"),
    ],
    ids=["malformed", "unknown item", "unknown stage", "oversized"],
)
def test_the_api_refuses_bad_input_and_starts_nothing(place, body, wrong):
    before = [place.rows(name) for name in place.config.tables]
    status, answer, headers = post(place.saga.api_url(), body)
    assert status == 400
    assert wrong in answer["message"]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert [place.rows(name) for name in place.config.tables] == before


def test_the_api_answers_a_browser_that_asks_first(place):
    status, _, headers = post(place.saga.api_url(), b"", "OPTIONS")
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in headers["Access-Control-Allow-Methods"]


def test_the_direct_integration_starts_the_saga_without_the_function(place):
    if place.name == MINISTACK:
        pytest.skip("MiniStack has no mapping templates")
    told = replace(place.config, api={**place.config.api, "name": "Direct", "integration": "states"})
    direct = on(place.saga.target, told)
    apply(direct.plan(), direct.target)
    try:
        status, answer, _ = post(direct.api_url(), order("direct-1", CustomerId='O\'Neil "X"'))
        assert (status, answer["message"]) == (200, "Processed")
        ended = place.ended(answer["executionArn"], time)
        assert ended["status"] == "SUCCEEDED"
        assert json.loads(ended["input"])["CustomerId"] == 'O\'Neil "X"'
        assert answer["executionArn"].endswith(":direct-1")
    finally:
        theirs = tuple(resource for resource in direct.resources if resource.name.startswith("Direct"))
        apply(teardown.destroy(theirs, direct.remote).plan, direct.target)


def test_deploying_again_has_nothing_to_do(place):
    assert not place.saga.plan()
