"""A local AWS Step Functions, importable and runnable (``python -m sfn_emulator``)."""

__version__ = "0.2.0.dev0"
