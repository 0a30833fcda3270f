"""A local AWS Step Functions: importable, and runnable with ``python -m sfn_emulator``."""
