"""A snapshot holds data: code that a foreign file names is never run."""

import io
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.cloud.keeping.packed_rows import _row
from sfn_emulator.cloud.keeping.pickled import Unpickler


class Call:
    """Pickled, it calls a function when it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.told = function, arguments

    def __reduce__(self) -> Any:
        return self.told


def named(module: str, name: str, *arguments: object) -> bytes:
    """A pickle that calls what it names, as protocol 4 writes it: dots lead into what was named."""
    called = b"\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93"
    return b"\x80\x04" + called + pickle.dumps(arguments, 4)[2:-1] + b"R."


CRAFTED = {
    "os.system": lambda mark: pickle.dumps(Call(os.system, f"touch {mark}")),
    "eval": lambda mark: pickle.dumps(Call(eval, f"open({mark!r}, 'w')")),
    "open": lambda mark: pickle.dumps(Call(open, mark, "w")),
    "getattr": lambda mark: pickle.dumps(Call(getattr, Path(mark), "touch")),
    "getattr of a class": lambda mark: pickle.dumps(Call(getattr, dict, "fromkeys")),
    "a path": lambda mark: pickle.dumps(Path(mark)),
    "a thread": lambda mark: pickle.dumps(Call(threading.Thread)),
    "an old global": lambda mark: f"cos\nsystem\n(S'touch {mark}'\ntR.".encode(),
    "through a module of moto": lambda mark: named("moto.core.utils", "inspect.os.system", f"touch {mark}"),
    "a function of moto": lambda mark: named("moto.core.utils", "load_resource", mark),
    "moto's server": lambda mark: named("moto.server", "main", []),
    "moto's class for tests": lambda mark: named("moto.core.models", "MockAWS", {}),
    "what moto imports": lambda mark: named("moto.core.utils", "Any"),
    "another function of ours": lambda mark: named("sfn_emulator.cloud.keeping.state_dir", "_write", mark, b"x"),
    "code as 0.1.0 had it": lambda mark: named(
        "sfn_emulator.cloud.keeping.snapshot", "_made_function", b"code", "os", None, ()
    ),
    "a function elsewhere": lambda mark: named(
        "sfn_emulator.cloud.keeping.pickled", "_function", "os", "_execvpe", 0, None, ()
    ),
    "a function with arguments": lambda mark: named(
        "sfn_emulator.cloud.keeping.pickled", "_function", "moto.core.utils", "load_resource", 0, None, ()
    ),
}


@pytest.mark.parametrize("crafted", CRAFTED.values(), ids=CRAFTED)
def test_a_snapshot_with_anything_strange_in_it_is_refused(tmp_path: Path, crafted: Any) -> None:
    mark = tmp_path / "ran"
    with pytest.raises((pickle.UnpicklingError, IndexError)):
        Unpickler(io.BytesIO(crafted(str(mark)))).load()
    assert not mark.exists()


def test_a_packed_row_names_no_class_at_all(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    row = _row("k", None, pickle.dumps({"a": Call(os.system, f"touch {mark}")}))
    with pytest.raises(pickle.UnpicklingError):
        _ = row.attrs
    assert not mark.exists()
