"""Watched HTTP exchanges: an HTTP Task's request and response, for TestState.

Exchanges of unwatched executions are not kept. The additions of a connection are secrets; without them a request is
shown as the state machine wrote it. Form of the texts: `Using TRACE inspectionLevel`.
"""

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from sfn_emulator.tasks.integrations.exchange import Answer, Request

Shown = dict[str, dict[str, str]]
"""``request`` and ``response``, as in ``inspectionData``."""


class Exchanges:
    """Watched by execution ARN. Noted on worker threads, read on the host's."""

    def __init__(self) -> None:
        self._watched: dict[str, tuple[bool, Shown]] = {}

    def watch(self, execution_arn: str, *, reveal_secrets: bool) -> Callable[[], Mapping[str, Mapping[str, str]]]:
        """Watches an execution. Returns a function that ends this and returns the last exchange."""
        shown: Shown = {}
        self._watched[execution_arn] = reveal_secrets, shown

        def seen() -> Mapping[str, Mapping[str, str]]:
            del self._watched[execution_arn]
            return shown

        return seen

    def begin(self, execution_arn: str, request: Callable[[bool], Request]) -> Callable[[Answer], None]:
        """Notes a request, with its secrets or without. Returns a function that notes the answer."""
        watched = self._watched.get(execution_arn)
        if watched is None:
            return lambda answer: None
        reveal_secrets, shown = watched
        asked = request(reveal_secrets)
        shown["request"] = _request(asked)

        def answered(answer: Answer) -> None:
            shown["response"] = _response(asked, answer)

        return answered


def _request(asked: Request) -> dict[str, str]:
    shown = {
        "protocol": urlsplit(asked.url).scheme,
        "method": asked.method,
        "url": asked.url,
        "headers": _listed(asked.headers.items()),
    }
    return shown if asked.body is None else {**shown, "body": asked.body.decode("utf-8", "replace")}


def _response(asked: Request, answer: Answer) -> dict[str, str]:
    pairs = [(name.lower(), value) for name, values in answer.headers.items() for value in values]
    return {
        "protocol": urlsplit(asked.url).scheme,
        "statusCode": str(answer.status),
        "statusMessage": answer.reason,
        "headers": _listed(pairs),
        "body": answer.text,
    }


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    return f"[{', '.join(f'{name}: {value}' for name, value in pairs)}]"
