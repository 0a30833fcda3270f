"""``python -m sfn_emulator.asl FILE...``: the same as ``sfn-emulator lint``."""

from sfn_emulator.command.lint import command

if __name__ == "__main__":
    command(prog_name="python -m sfn_emulator.asl")
