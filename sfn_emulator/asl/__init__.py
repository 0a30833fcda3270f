"""Definition text → checked model. Pure; usable as a linter on its own (``python -m sfn_emulator.asl FILE``)."""
