"""Servers killed at random moments: a few here, hundreds by ``make crash``."""

from pathlib import Path

import pytest

from tests.crash.neighbours import ASKS, NeighbourTrial
from tests.crash.saga import SagaTrial
from tests.crash.trial import Trial


@pytest.mark.timeout(1200)
def test_nothing_acknowledged_is_lost_and_nothing_recorded_happens_twice(tmp_path: Path) -> None:
    report = Trial(tmp_path, seed=1, most=45).run(kills=3)
    assert report.breaches == []
    assert report.executions > 20
    assert report.kills >= 3


@pytest.mark.timeout(1200)
def test_every_acknowledged_order_is_paid_or_undone_exactly_once(tmp_path: Path) -> None:
    orders, breaches = SagaTrial(tmp_path, seed=1, most=12).run(kills=1)
    assert breaches == []
    assert orders >= 6


@pytest.mark.timeout(1200)
def test_rows_messages_stacks_and_schedules_that_were_acknowledged_are_done(tmp_path: Path) -> None:
    acknowledged, breaches = NeighbourTrial(tmp_path, seed=1, most=5).run(kills=1)
    assert breaches == []
    assert set(acknowledged) == {kind for kind in ASKS if acknowledged[kind]}
