"""The engine without a service: executions in process and in virtual time.

Programs of others import these names from here.
"""

from sfn_emulator.engine.local.execution import Execution, TaskError, program_of, run_locally, start_locally

__all__ = ["Execution", "TaskError", "program_of", "run_locally", "start_locally"]
