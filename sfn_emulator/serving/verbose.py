"""The output of ``--verbose``: a line for each execution that begins or ends, and each line of a function."""

import sys
import time

from sfn_emulator.cloud.logs import Lines
from sfn_emulator.service.store.records import Execution

_LAMBDAS_OWN = ("START RequestId:", "END RequestId:", "REPORT RequestId:")


def execution_passed(execution: Execution) -> None:
    """``12:00:01 shop:order-1 FAILED Card.Refused: no money``"""
    _, _, machine = execution.machine_arn.rpartition(":stateMachine:")
    why = ": ".join(part for part in (execution.error, execution.cause) if part)
    _say(f"{machine.rpartition('/')[2]}:{execution.name} {execution.status} {why}")


def function_said(lines: Lines) -> None:
    """``12:00:01 Charge what it printed``, without the lines that Lambda itself adds."""
    for line in lines.lines:
        if not line.startswith(_LAMBDAS_OWN):
            _say(f"{lines.group.removeprefix('/aws/lambda/')} {line}")


def _say(text: str) -> None:
    line = " ".join(text.split())
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()
