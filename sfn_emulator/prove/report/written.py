"""Counterexamples as a pytest file: each a test that fails until the saga is mended, and guards it from then on."""

import re
from pathlib import Path
from typing import Final

from sfn_emulator.prove.executed import Counterexample
from sfn_emulator.prove.proof import Proof

_HEAD: Final = '''"""Counterexamples that `sfn-emulator prove` found; each must not come back."""

from sfn_emulator.prove.decorator import placed

DEFINITION = {definition!r}
SAGA = {saga!r}
'''
_TEST: Final = '''

def test_{name}() -> None:
    """{told}"""
    placed(DEFINITION, saga=SAGA, given={given!r}, faults={faults!r}).check({claim!r})
'''


def write_tests(directory: Path, proof: Proof, saga: Path) -> Path | None:
    """``test_counterexamples.py`` in the directory; ``None`` where there is nothing to write."""
    if proof.executed is None or not proof.executed.counterexamples:
        return None
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "test_counterexamples.py"
    head = _HEAD.format(definition=str(proof.source.path), saga=str(saga))
    path.write_text(head + "".join(map(_test, proof.executed.counterexamples)), encoding="utf-8")
    return path


def _test(found: Counterexample) -> str:
    faults = [fault.told for fault in found.placement]
    name = re.sub(r"\W+", "_", f"{found.claim}_when_{'_and_'.join(f.short for f in found.placement)}").lower()
    told = "; ".join(map(str, found.placement)) or "Nothing fails"
    return _TEST.format(name=name, told=f"{told}.", given=found.given, faults=faults, claim=found.claim)
