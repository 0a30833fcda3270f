"""Where moto would reach out of this process by itself, it is told who does it here."""

import importlib
from collections.abc import Callable
from typing import Any


def deliver_to_functions(deliver: Callable[[str, bytes], object]) -> None:
    """What moto's other services have for a function goes to whoever runs functions here, not to Docker."""
    function: Any = importlib.import_module("moto.awslambda.models").LambdaFunction

    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> str:
        event = body if isinstance(body, bytes) else str(body or "{}").encode()
        deliver(self.function_arn, event)
        return ""

    function.invoke = invoke


def post_only_once(replaying: Callable[[], bool]) -> None:
    """SNS posts to HTTP subscribers when a message is published, not when the journal is read again."""
    models: Any = importlib.import_module("moto.sns.models")
    inner = models.requests

    class Requests:
        @staticmethod
        def post(*arguments: Any, **named: Any) -> Any:
            return None if replaying() else inner.post(*arguments, **named)

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    models.requests = Requests()
