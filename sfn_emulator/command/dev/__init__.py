"""``sfn-emulator dev FILE``: deploys, watches, deploys changes, and shows executions as they pass."""

from sfn_emulator.command.dev.loop import command
from sfn_emulator.command.dev.watching import changes

__all__ = ["changes", "command"]
