"""What the command line tells a person when it could not do what was asked."""


class TerminalError(Exception):
    """One line: what, where and how to mend it."""
