"""A state directory is made for its owner alone, and refused if somebody else could change it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sfn_emulator.cloud.keeping.state_dir import StateDir, StateDirError
from tests.cloud.functions import deploy, invoke, make_role
from tests.processes import refused, running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state"


def made(place: Path) -> Path:
    """A directory that a server has used."""
    kept = StateDir(place)
    (place / "service.sqlite").write_bytes(b"rows")
    (place / "neighbours").mkdir()
    (place / "neighbours" / "journal-0").write_bytes(b"frames")
    kept.opened()
    kept.release()
    return place


def refusal(place: Path, **options: bool) -> str:
    with pytest.raises(StateDirError) as told:
        StateDir(place, **options)
    return str(told.value)


def test_nobody_else_may_look_into_it(place: Path) -> None:
    with running("--state-dir", str(place)) as server:
        make_role(server)
        deploy(server, "f", "def handler(event, context):\n    return 1")
        assert invoke(server, "f") == (1, None)
        open_ = [path for path in (place, *place.rglob("*")) if path.stat().st_mode & 0o077]
        assert [path for path in open_ if (place / "code") not in path.parents] == []
    assert (place / ".gitignore").read_text() == "*\n"


def test_unpacked_code_that_was_changed_is_not_run(place: Path) -> None:
    with running("--state-dir", str(place)) as server:
        make_role(server)
        deploy(server, "f", "import calendar\ndef handler(event, context):\n    return 1")
        assert invoke(server, "f") == (1, None)
    (unpacked,) = (place / "code").iterdir()
    (unpacked / "app.py").write_text("def handler(event, context):\n    return 'changed'")
    (unpacked / "calendar.py").write_text("raise SystemExit('slipped in')")
    with running("--state-dir", str(place)) as server:
        assert invoke(server, "f") == (1, None)


def test_one_that_was_made_here_is_taken_again(place: Path) -> None:
    StateDir(made(place)).release()


def test_one_that_came_with_a_checkout_is_adopted_or_not_used(place: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(made(place), checkout)
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    assert "accept it once with --adopt-state-dir (SFN_EMULATOR_ADOPT_STATE_DIR=1)" in refusal(checkout)
    assert {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()} == before
    StateDir(checkout, adopt=True).release()
    StateDir(checkout).release()


def test_another_in_the_place_of_one_that_was_made_here_is_not_taken_for_it(place: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "other")
    shutil.rmtree(made(place))
    shutil.copytree(other, place)
    assert "was not made by you on this machine" in refusal(place)


def test_one_that_others_may_write_to_is_refused(place: Path) -> None:
    made(place).chmod(0o770)
    assert refusal(place).endswith(f"Remove that right: chmod -R go-w '{place}'")


@pytest.mark.parametrize("name", ["neighbours", "neighbours/journal-0", "service.sqlite"])
def test_one_with_a_part_that_others_may_write_to_is_refused(place: Path, name: str) -> None:
    (made(place) / name).chmod(0o777)
    assert refusal(place).endswith(f"Remove that right: chmod -R go-w '{place}'")
    assert (place / name).stat().st_mode & 0o777 == 0o777


def test_parts_that_others_may_read_are_hidden_from_them(place: Path) -> None:
    (made(place) / "service.sqlite").chmod(0o666)
    (place / "neighbours").chmod(0o755)
    StateDir(place, adopt=True).release()
    parts = ("service.sqlite", "neighbours", "neighbours/journal-0")
    assert [(place / name).stat().st_mode & 0o777 for name in parts] == [0o600, 0o700, 0o600]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize("name", ["", "neighbours", "neighbours/journal-0", "service.sqlite"])
def test_one_that_is_not_ours_is_refused(place: Path, name: str) -> None:
    os.chown(made(place) / name, 12_345, -1)
    assert "belongs to the user with id 12345" in refusal(place, adopt=True)


@pytest.mark.parametrize(
    "name", ["owner", "manifest", "service.sqlite", "neighbours", "neighbours/journal-0", "code", "service.sqlite-wal"]
)
def test_no_link_is_followed(place: Path, tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    link = made(place) / name
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(precious)
    assert f"symbolic link ('{link}')" in refusal(place, adopt=True)
    link.unlink()
    link.hardlink_to(precious)
    assert f"neither a file nor a directory: '{link}'" in refusal(place, adopt=True)
    assert precious.read_bytes() == b"mine"


def test_the_directory_itself_is_no_link(place: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(made(place))
    assert "symbolic link" in refusal(tmp_path / "link")


@pytest.mark.parametrize("gone", [lambda owner: owner.unlink(), lambda owner: owner.write_text("")])
def test_without_its_owner_file_it_is_still_held(place: Path, gone: Callable[[Path], object]) -> None:
    with running("--state-dir", str(place)):
        gone(place / "owner")
        status, error = refused("--port", "0", "--state-dir", str(place))
        assert (status, "is held by the server with process id" in error) == (1, True)


@pytest.mark.parametrize("name", ["service.sqlite", "neighbours"])
def test_a_part_that_is_missing_is_missed(place: Path, name: str) -> None:
    part = made(place) / name
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    assert f"has lost '{name}'" in refusal(place)


def test_one_of_a_newer_version_is_left_alone(place: Path) -> None:
    manifest = made(place) / "manifest"
    manifest.write_bytes(manifest.read_bytes().replace(b'"format":2', b'"format":3'))
    assert "was written by a newer version" in refusal(place)
