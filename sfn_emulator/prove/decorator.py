"""Proofs in pytest: ``@prove``, each placement of faults its own test.

    @prove("statemachine/definition.asl.json", saga="statemachine/saga.yaml", faults=2)
    def test_no_failure_leaves_a_trace(before, after, execution):
        assert execution.status == "SUCCEEDED" or after == before

The placements are found when the test is collected: all of them are run, once for a test process, and each test looks
at one. ``setup`` comes from the claims, or is given. ``placed`` runs one placement.
"""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.prove.claims import check_names, claims, read_claims
from sfn_emulator.prove.executed import Saga, inputs_of
from sfn_emulator.prove.faults import Kind, Placement, fault_of
from sfn_emulator.prove.invariants import Invariants, at_the_end
from sfn_emulator.prove.machine import check_deployed, read_source
from sfn_emulator.prove.proof import Wanted, world_of
from sfn_emulator.prove.report.story import story
from sfn_emulator.prove.world.prepared import Setup
from sfn_emulator.prove.world.trial import Tried
from sfn_emulator.values import Value


def prove(
    definition: str | Path,
    *,
    saga: str | Path | None = None,
    setup: Setup | str | None = None,
    faults: int | None = None,
    kinds: Sequence[str] = (),
    given: Value = None,
    **told: Any,
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """The test is a claim ``at_the_end``: it may take ``before``, ``after``, ``execution`` and ``faults``. The claims'
    own invariants are checked, too.

    ``told`` are claims as keywords where there is no ``saga`` file. ``kinds`` limits the faults.
    """

    def decorate(test: Callable[..., Any]) -> Callable[..., None]:
        kept = proving(definition, saga=saga, setup=setup, **told)
        value = inputs_of(kept.claims)[0] if given is None else given
        most = kept.claims.faults if faults is None else faults
        claim = at_the_end(_as_claim(test))
        known = kept.invariants
        at_last = {**known.at_the_end, test.__name__: claim}
        asked = Saga(kept.world, kept.claims, Invariants(known.always, at_last), kept.definition)
        asked.warm_up(value)
        seen = {_id(run.placement): run for run in asked.explored(value, most, tuple(map(Kind, kinds)))}

        @pytest.mark.parametrize("placement", sorted(seen))
        def run(placement: str) -> None:
            if seen[placement].broken:
                Placed(asked.tried(value, seen[placement].placement)).check()

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


class Placed:
    """One placement, run. ``check`` fails with the story if a claim is broken."""

    def __init__(self, tried: Tried) -> None:
        self.tried = tried

    def check(self, claim: str | None = None) -> None:
        for name in self.tried.broken if claim is None else (claim,):
            _check(self.tried, name)


def placed(
    definition: str | Path,
    *,
    saga: str | Path | None,
    given: Value,
    faults: Sequence[tuple[Any, ...]],
    setup: Setup | str | None = None,
    invariants: str | None = None,
    machine: str | None = None,
) -> Placed:
    """Runs the saga with just these faults: (number of the call, Task, kind), and the error if it is a named one.

    ``setup``, ``invariants`` and ``machine`` are those of the command line; ``saga`` is ``None`` without a file of
    claims.
    """
    kept = proving(definition, saga=saga, setup=setup, invariants=invariants, machine=machine)
    placement = tuple(fault_of(*fault) for fault in faults)
    return Placed(kept.tried(given, placement))


def _check(tried: Tried, claim: str) -> None:
    why = tried.broken.get(claim)
    if why is not None:
        pytest.fail("\n".join((f"{claim}: {why}", *story(tried))), pytrace=False)


_WORLDS: dict[tuple[str, ...], Saga] = {}


def proving(
    definition: str | Path,
    *,
    saga: str | Path | None = None,
    setup: Setup | str | None = None,
    invariants: str | None = None,
    machine: str | None = None,
    **told: Any,
) -> Saga:
    """The saga in its prepared world; one world for all tests of the process that ask for the same."""
    key = (str(definition), str(saga), str(setup), str(invariants), str(machine), repr(sorted(told.items())))
    if key not in _WORLDS:
        given = claims(**told) if saga is None else read_claims(Path(saga))
        source = read_source(Path(definition))
        check_names(given, source.machine)
        claimed = None if saga is None else given.invariants
        made = world_of(Wanted(given, setup or given.setup, invariants or claimed, machine=machine))
        check_deployed(source, made.definition)
        _WORLDS[key] = made
    return _WORLDS[key]


def _as_claim(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test's own function, which returns nothing and asserts."""
    names = inspect.signature(test).parameters

    def claim(**told: Any) -> None:
        test(**{name: told[name] for name in names})

    claim.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    claim.__name__ = test.__name__
    return claim


def _id(placement: Placement) -> str:
    return " + ".join(fault.short for fault in placement) or "no fault"
