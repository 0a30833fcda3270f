"""``sfn-emulator dev FILE``: deploy, watch, deploy what changed, and show what passes."""

from sfn_emulator.command.dev.loop import command
from sfn_emulator.command.dev.watching import changes

__all__ = ["changes", "command"]
