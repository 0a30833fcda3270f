"""The command line's errors."""


class TerminalError(Exception):
    """One line: what is wrong, where, and how to mend it."""
