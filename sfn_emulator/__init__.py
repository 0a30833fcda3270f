"""A local AWS Step Functions, importable and runnable (``python -m sfn_emulator``)."""

__version__ = "0.1.0"
