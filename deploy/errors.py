"""What deploy can tell a person: one line that says what, where and how to mend it."""


class DeployError(Exception):
    """``str()`` is the line. Raised for everything a person can mend; nothing has been changed by the call it names."""
