"""CloudFormation's refusals."""


class StackError(Exception):
    """A refusal: CloudFormation's error ``code``, ``message`` and HTTP ``status``."""

    def __init__(self, message: str, code: str = "ValidationError", status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(message)


class ResourceError(Exception):
    """A resource could not be made, changed or removed; the text is the reason in its event."""
