"""What is under way as the server stops is done again by the next one."""

import threading
from pathlib import Path

import pytest

from sfn_emulator.cloud.delivery.outbox import Carrier, Outbox, Parcel

PATIENCE = 60.0


def served(path: Path, carrier: Carrier) -> Outbox:
    outbox = Outbox(path)
    outbox.serve("event", carrier)
    outbox.open()
    return outbox


@pytest.mark.parametrize("came", [None, 60.0, ValueError], ids=["given up", "again later", "broken off"])
def test_a_delivery_cut_off_by_a_stop_is_carried_again(tmp_path: Path, came: object) -> None:
    begun, stopped, over = threading.Event(), threading.Event(), threading.Event()

    def cut_off(parcel: Parcel) -> float | None:
        begun.set()
        stopped.wait(PATIENCE)
        try:
            if came is ValueError:
                raise ValueError("the worker is gone")
            return 60.0 if came else None
        finally:
            over.set()

    outbox = served(tmp_path / "outbox", cut_off)
    outbox.post("event", "somebody", b"news", {"id": "1"})
    assert begun.wait(PATIENCE)
    outbox.close()
    assert outbox.is_closing()
    stopped.set()
    assert over.wait(PATIENCE)

    taken: list[Parcel] = []
    done = threading.Event()

    def carried(parcel: Parcel) -> None:
        taken.append(parcel)
        done.set()

    again = served(tmp_path / "outbox", carried)
    assert done.wait(PATIENCE)
    assert [(parcel.target, parcel.content, parcel.attempt) for parcel in taken] == [("somebody", b"news", 0)]
    again.close()
