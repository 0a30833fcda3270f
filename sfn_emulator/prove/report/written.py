"""Counterexamples as a pytest file: each test fails until the saga is mended, and guards it from then on."""

import os
import re
from pathlib import Path
from typing import Final

from sfn_emulator.picture.printable import quotable
from sfn_emulator.prove.executed.counterexamples import Counterexample
from sfn_emulator.prove.proof import Proof, Wanted

_HEAD: Final = '''"""Counterexamples that `sfn-emulator prove` found; each must not come back."""

from pathlib import Path

from sfn_emulator.prove.decorator import placed

HERE = Path(__file__).parent
DEFINITION = {definition}
SAGA = {saga}
'''
_TEST: Final = '''

def test_{name}() -> None:
    """{told}"""
    placed(DEFINITION, saga=SAGA, given={given!r}, faults={faults!r}{asked}).check({claim!r})
'''


def write_tests(directory: Path, proof: Proof, saga: Path | None, wanted: Wanted | None = None) -> Path | None:
    """``test_counterexamples.py`` in the directory; ``None`` where there is nothing to write.

    ``saga`` is the claims' file, if there is one. Settings in ``wanted`` that differ from it stand in each test, so
    that the tests run like this proof, from any working directory.
    """
    if proof.executed is None or not proof.executed.counterexamples:
        return None
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "test_counterexamples.py"
    head = _HEAD.format(definition=_from(directory, proof.source.path), saga=saga and _from(directory, saga))
    asked = _asked(proof, wanted)
    tests = (_test(found, asked) for found in proof.executed.counterexamples)
    path.write_text(head + "".join(tests), encoding="utf-8")
    return path


def _from(directory: Path, file: Path) -> str:
    return f"HERE / {Path(os.path.relpath(file, directory)).as_posix()!r}"


def _asked(proof: Proof, wanted: Wanted | None) -> str:
    """The arguments for settings that are not in the claims' file."""
    if wanted is None:
        return ""
    claims = proof.claims
    told = {
        "setup": None if wanted.setup == claims.setup else wanted.setup,
        "invariants": None if wanted.invariants == claims.invariants else wanted.invariants,
        "machine": wanted.machine,
    }
    return "".join(f", {name}={value!r}" for name, value in told.items() if value is not None)


def _test(found: Counterexample, asked: str) -> str:
    faults = [fault.told for fault in found.placement]
    name = re.sub(r"\W+", "_", f"{found.claim}_when_{'_and_'.join(f.short for f in found.placement)}").lower()
    told = quotable("; ".join(map(str, found.placement))) or "Nothing fails"
    return _TEST.format(name=name, told=f"{told}.", given=found.given, faults=faults, claim=found.claim, asked=asked)
