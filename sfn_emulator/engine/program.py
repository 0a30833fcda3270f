"""Model → program, once, when a definition is created: one closure per state; all that can be decided is decided
here.
"""

from typing import assert_never

from sfn_emulator.asl.model import Branch, Choice, Fail, Machine, Map, Parallel, Pass, State, Succeed, Task, Wait
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.states.flow import choice_step, fail_step, pass_step, succeed_step
from sfn_emulator.engine.states.map import map_step
from sfn_emulator.engine.states.parallel import parallel_step
from sfn_emulator.engine.states.task import task_step
from sfn_emulator.engine.states.wait import wait_step
from sfn_emulator.engine.states.watched import watched
from sfn_emulator.engine.strand import Block, Program, Step


def compile(machine: Machine, instrument: Instrument | None = None) -> Program:
    """The machine's program. ``instrument`` watches every run of it, branches and iterations included."""
    return Program(block(machine.body, instrument), machine.timeout)


def block(branch: Branch, instrument: Instrument | None = None) -> Block:
    """The steps of one level of states."""
    steps = {name: _step(state, instrument) for name, state in branch.states.items()}
    if instrument is not None:
        steps = {name: watched(step, instrument) for name, step in steps.items()}
    return Block(branch.start_at, steps)


def _step(state: State, instrument: Instrument | None) -> Step:  # noqa: PLR0911 -- one line per state type
    match state:
        case Pass():
            return pass_step(state, instrument)
        case Task():
            return task_step(state, instrument)
        case Choice():
            return choice_step(state, instrument)
        case Wait():
            return wait_step(state, instrument)
        case Succeed():
            return succeed_step(state, instrument)
        case Fail():
            return fail_step(state, instrument)
        case Parallel():
            return parallel_step(state, tuple(block(branch, instrument) for branch in state.branches), instrument)
        case Map():
            return map_step(state, block(state.processor, instrument), instrument)
        case _ as never:
            assert_never(never)
