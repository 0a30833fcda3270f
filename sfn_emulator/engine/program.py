"""Model → program, once, when a definition is created: one closure per state, everything decidable decided."""

from typing import assert_never

from sfn_emulator.asl.model import Branch, Choice, Fail, Machine, Map, Parallel, Pass, State, Succeed, Task, Wait
from sfn_emulator.engine.states.dataflow import Observe
from sfn_emulator.engine.states.flow import choice_step, fail_step, pass_step, succeed_step
from sfn_emulator.engine.states.map import map_step
from sfn_emulator.engine.states.parallel import parallel_step
from sfn_emulator.engine.states.task import task_step
from sfn_emulator.engine.states.wait import wait_step
from sfn_emulator.engine.strand import Block, Program, Step


def compile(machine: Machine, observe: Observe | None = None, *, single: bool = False) -> Program:
    """The machine's program.

    ``observe`` is told the stages of every state's data flow, by the names of ``inspectionData``. ``single`` makes
    runs end after their first state, wherever it leads.
    """
    return Program(block(machine.body, observe, single), machine.timeout)


def block(branch: Branch, observe: Observe | None = None, single: bool = False) -> Block:
    steps = {name: _step(state, observe) for name, state in branch.states.items()}
    return Block(branch.start_at, steps, single)


def _step(state: State, observe: Observe | None) -> Step:  # noqa: PLR0911 -- one line per state type
    match state:
        case Pass():
            return pass_step(state, observe)
        case Task():
            return task_step(state, observe)
        case Choice():
            return choice_step(state, observe)
        case Wait():
            return wait_step(state, observe)
        case Succeed():
            return succeed_step(state, observe)
        case Fail():
            return fail_step(state, observe)
        case Parallel():
            return parallel_step(state, tuple(block(branch) for branch in state.branches), observe)
        case Map():
            return map_step(state, block(state.processor), observe)
        case _ as never:
            assert_never(never)
