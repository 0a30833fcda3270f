"""A log that is gone is noticed, however it went; and nothing else is taken for that.

What a killed process leaves is the content of its files at that moment, so a copy of them is made while it runs.
``tests.crash.damages`` tries the same with servers that are killed.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sfn_emulator.cloud.keeping.database import KeptFile
from sfn_emulator.cloud.keeping.state_dir import StateDirError
from sfn_emulator.service.store.database import FILE_NAME, Database, StateDirectoryError

COPIES = "PRAGMA wal_checkpoint(PASSIVE)"
PARCELS = "CREATE TABLE IF NOT EXISTS parcel (id INTEGER PRIMARY KEY, what TEXT)"


def put(database: Database, *names: str) -> None:
    for name in names:
        database.write("INSERT INTO history (body) VALUES (?)", (name,))
        database.commit()


def names(place: Path) -> list[str]:
    database = Database.open(place)
    found = [name for (name,) in database.execute("SELECT body FROM history ORDER BY rowid")]
    database.close()
    return found


def as_killed(place: Path, to: Path) -> Path:
    """The directory as a killed process leaves it."""
    return Path(shutil.copytree(place, to))


def without_log(place: Path, name: str = FILE_NAME) -> Path:
    for beside in ("-wal", "-shm"):
        (place / f"{name}{beside}").unlink(missing_ok=True)
    return place


def visited(place: Path) -> Path:
    """As the sqlite3 command line leaves it: the log is copied and removed."""
    with closing(sqlite3.connect(place / FILE_NAME)) as connection:
        connection.execute("SELECT count(*) FROM history").fetchone()
    assert not (place / f"{FILE_NAME}-wal").exists()
    return place


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def database(place: Path) -> Iterator[Database]:
    opened = Database.open(place)
    yield opened
    opened.close()


def test_a_log_that_is_gone_with_its_index_is_noticed(place: Path, database: Database, tmp_path: Path) -> None:
    put(database, "one", "two")
    lost = without_log(as_killed(place, tmp_path / "lost"))
    for _ in range(2):  # the second start is not fooled by what the first one left
        with pytest.raises(StateDirectoryError, match=r"its log '.*-wal' is missing"):
            Database.open(lost)


def test_a_log_that_was_emptied_is_noticed_without_its_index(place: Path, database: Database, tmp_path: Path) -> None:
    put(database, "one")
    lost = as_killed(place, tmp_path / "lost")
    (lost / f"{FILE_NAME}-wal").write_bytes(b"")
    (lost / f"{FILE_NAME}-shm").unlink()
    with pytest.raises(StateDirectoryError, match=r"its log '.*-wal' is missing"):
        Database.open(lost)


def test_a_stop_a_visit_and_a_start_without_a_write_are_no_loss(tmp_path: Path) -> None:
    place = tmp_path / "state"
    database = Database.open(place)
    put(database, "one", "two")
    assert names(visited(as_killed(place, tmp_path / "visited"))) == ["one", "two"]
    assert names(as_killed(place, tmp_path / "killed")) == ["one", "two"]
    database.close()
    assert names(as_killed(place, tmp_path / "stopped")) == ["one", "two"]
    again = Database.open(place)
    assert names(without_log(as_killed(place, tmp_path / "not written to"))) == ["one", "two"]
    again.close()
    assert names(place) == ["one", "two"]


def test_at_no_moment_of_a_checkpoint_is_a_lost_log_taken_for_a_copied_one(
    place: Path, database: Database, tmp_path: Path
) -> None:
    put(database, *(f"{n}" for n in range(40)))
    reader = database._number.held_back()
    put(database, "meanwhile")
    database.execute(COPIES)
    amid = as_killed(place, tmp_path / "amid")
    reader.close()
    with pytest.raises(StateDirectoryError, match=r"is missing|malformed"):
        Database.open(without_log(as_killed(amid, tmp_path / "amid lost")))
    whole = [*(f"{n}" for n in range(40)), "meanwhile"]
    assert names(as_killed(amid, tmp_path / "amid killed")) == whole
    assert names(visited(as_killed(amid, tmp_path / "amid visited"))) == whole
    database._number.checkpoint()
    assert names(without_log(as_killed(place, tmp_path / "after"))) == whole
    put(database, "later")
    with pytest.raises(StateDirectoryError, match="is missing"):
        Database.open(without_log(as_killed(place, tmp_path / "later lost")))


def test_an_older_copy_is_noticed_with_and_without_the_log(place: Path, database: Database, tmp_path: Path) -> None:
    put(database, "one")
    database._number.checkpoint()
    older = as_killed(place, tmp_path / "older") / FILE_NAME
    put(database, "two")
    database._number.checkpoint()
    put(database, "three")
    killed = as_killed(place, tmp_path / "killed")
    shutil.copyfile(older, killed / FILE_NAME)
    with pytest.raises(StateDirectoryError, match=r"it is an older copy, to which its log '.*' does not belong"):
        Database.open(killed)
    with pytest.raises(StateDirectoryError, match="is missing, or the file is an older copy"):
        Database.open(without_log(killed))


def test_the_mark_is_missed(place: Path, tmp_path: Path) -> None:
    database = Database.open(place)
    put(database, "one")
    database.close()
    (place / "marks" / FILE_NAME).unlink()
    with pytest.raises(StateDirectoryError, match=r"the mark beside it, '.*', is missing"):
        Database.open(place)


def test_a_commit_costs_no_write_of_its_own(place: Path, database: Database) -> None:
    mark = place / "marks" / FILE_NAME
    put(database, "first")
    before = mark.read_bytes()
    put(database, *(f"{n}" for n in range(200)))
    assert mark.read_bytes() == before
    assert database.execute("SELECT n FROM log_number").fetchone() == (1,)


def test_forgetting_everything_keeps_the_number(place: Path, tmp_path: Path) -> None:
    database = Database.open(place)
    put(database, "one")
    database.wipe()
    assert names(as_killed(place, tmp_path / "killed")) == []
    database.close()


@pytest.mark.parametrize("damage", [without_log, lambda place, name: (place / f"{name}-wal").unlink()])
def test_a_small_file_misses_its_log(tmp_path: Path, damage: Callable[[Path, str], object]) -> None:
    place = tmp_path / "state"
    place.mkdir()
    kept = KeptFile(place / "outbox.sqlite", PARCELS)
    kept.write("INSERT INTO parcel (what) VALUES (?)", "a thing")
    lost = as_killed(place, tmp_path / "lost")
    damage(lost, "outbox.sqlite")
    with pytest.raises(StateDirError, match=r"its log '.*' is missing"):
        KeptFile(lost / "outbox.sqlite", "")
    kept.close()


def test_a_small_file_is_copied_now_and_then_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    kept = KeptFile(path, PARCELS)
    for n in range(1_200):
        kept.write("INSERT INTO parcel (what) VALUES (?)", str(n))
    assert Path(f"{path}-wal").stat().st_size < 1_200 * 4_096 * 3
    with pytest.raises(sqlite3.IntegrityError), kept.together():
        kept.write("INSERT INTO parcel (what) VALUES (?)", "undone")
        kept.write("INSERT INTO parcel (id) VALUES (1)")
    kept.close()
    again = KeptFile(path, PARCELS)
    assert again.execute("SELECT count(*), max(id) FROM parcel").fetchone() == (1_200, 1_200)
    again.close()
