"""Deploy's errors: one line that says what is wrong, where, and how to mend it."""


class DeployError(Exception):
    """``str()`` is the line. Raised for everything a person can mend; the call it names has changed nothing."""
