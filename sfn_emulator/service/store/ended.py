"""The last executions that ended, at hand: who waited for one's end asks for it at once."""

from collections import OrderedDict
from typing import Final

from sfn_emulator.engine.run import Status
from sfn_emulator.service.store.records import Execution

MOST: Final = 512
LONGEST: Final = 8_192
"""Characters of the texts of one; of a longer one the row is read."""


class Ended:
    """Executions with their ``seq``, by ARN, as the present transaction has them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Execution]] = OrderedDict()

    def get(self, arn: str) -> tuple[int, Execution] | None:
        """Its ``seq`` and the execution; ``None`` for one that runs, and for one that was put out."""
        return self._kept.get(arn)

    def note(self, seq: int, execution: Execution) -> None:
        """The execution was written as it is now."""
        self._kept.pop(execution.arn, None)
        size = len(execution.input) + len(execution.output or "") + len(execution.cause or "")
        if execution.status is not Status.RUNNING and size <= LONGEST:
            self._kept[execution.arn] = seq, execution
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Something else may be written, or nothing of it."""
        self._kept.clear()
