"""Names of children, batches, and the gaps that a killed process leaves, for any numbers."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfn_emulator.engine.ports import BatcherSpec
from sfn_emulator.engine.run import Status
from sfn_emulator.service.map_runs.children.names import ChildNames, map_run_id, place_of
from sfn_emulator.service.map_runs.children.outcomes import gaps, tally
from sfn_emulator.service.map_runs.feed import Feed, Unit
from sfn_emulator.service.map_runs.items import StateItems
from sfn_emulator.service.map_runs.store import Outcome, pack_outcomes, unpack_outcomes
from sfn_emulator.values import dumps, size

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@given(st.text(), st.integers(1, 1000), st.integers(0, 2**32 - 1))
def test_a_childs_name_leads_to_its_map_run_and_its_number(seed: str, effect: int, number: int) -> None:
    run = map_run_id(seed, effect)
    name = ChildNames(run).name(number)
    assert UUID.fullmatch(run)
    assert UUID.fullmatch(name)
    assert place_of(name) == (run, number)
    assert ChildNames(run).number(name) == number


def test_no_two_children_have_a_name_in_common() -> None:
    names = ChildNames(map_run_id("seed", 1))
    assert len({names.name(number) for number in range(10_000)}) == 10_000


def test_a_name_of_no_child_has_no_place() -> None:
    assert place_of("not-a-uuid") is None
    assert place_of("00000000-0000-4000-8000-000000000000") is None


def feed(items: list[Any], batcher: BatcherSpec | None, **where: Any) -> Feed:
    return Feed(StateItems(items), lambda index, value, key, source: value, batcher, **where)


def drained(source: Feed) -> list[Unit]:
    units = []
    while (unit := source.next()) is not None:
        units.append(unit)
    assert source.exhausted
    return units


BATCHERS = st.one_of(
    st.none(),
    st.builds(BatcherSpec, st.integers(1, 5), st.none()),
    st.builds(BatcherSpec, st.none(), st.integers(12, 60)),
    st.builds(BatcherSpec, st.integers(1, 5), st.integers(12, 60), st.just({"all": 1})),
)


@given(st.lists(st.text("ab", max_size=12), max_size=40), BATCHERS)
def test_every_item_is_in_one_unit_and_in_order(items: list[str], batcher: BatcherSpec | None) -> None:
    units = drained(feed(items, batcher))
    assert [unit.number for unit in units] == list(range(len(units)))
    held = [item for unit in units for item in (unit.value["Items"] if batcher else [unit.value])]
    assert held == items
    for unit in units:
        assert unit.text == dumps(unit.value)
        if batcher is not None and unit.items > 1:
            assert unit.items <= (batcher.max_items or len(items))
            assert size(unit.value) <= (batcher.max_bytes or size(unit.value))


@given(st.lists(st.text("ab", max_size=12), max_size=40), BATCHERS, st.data())
def test_only_children_without_an_outcome_are_begun_again(
    items: list[str], batcher: BatcherSpec | None, data: st.DataObject
) -> None:
    units = drained(feed(items, batcher))
    begun = data.draw(st.integers(0, len(units)))
    ended = data.draw(st.permutations(range(begun)))[: data.draw(st.integers(0, begun))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(ended)), max_size=4)))
    parts = [ended[a:b] for a, b in zip([0, *cuts], [*cuts, len(ended)], strict=True)]
    chunks = [pack_outcomes(n, [outcome(units[at]) for at in part]) for n, part in enumerate(parts) if part]
    taken = units[begun].first if begun < len(units) else len(items)
    missing = gaps(chunks, begun, taken, batched=batcher is not None)
    again = drained(feed(items, batcher, taken=taken, begun=begun, gaps=missing))
    expected = [unit for unit in units if unit.number not in ended]
    assert again == expected
    assert tally(chunks).executions[Status.SUCCEEDED] == len(ended)


def outcome(unit: Unit) -> Outcome:
    return Outcome(unit.number, unit.first, unit.items, Status.SUCCEEDED, 1.0, 2.0, unit.text, unit.text, None, None)


def test_outcomes_come_back_as_they_were() -> None:
    given_ = [
        Outcome(0, 0, 1, Status.SUCCEEDED, 1.0, 2.0, "1", "1", None, None),
        Outcome(1, 1, 1, Status.FAILED, 1.0, 2.0, '"\ud800"', None, "E", "c"),
        Outcome(2, 2, 2, Status.SUCCEEDED, 1.0, 2.5, "true", '"é"', None, None),
    ]
    chunk = pack_outcomes(3, given_)
    assert unpack_outcomes(chunk.body) == given_
    assert (chunk.least, chunk.most, chunk.children, chunk.items, chunk.failures) == (0, 2, 3, 4, 1)
