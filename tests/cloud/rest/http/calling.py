"""A plain HTTP call of an API or a function URL, and its answer."""

import json
import urllib.error
import urllib.request
from typing import Any, NamedTuple

from tests.waiting import PATIENCE


class Answer(NamedTuple):
    status: int
    headers: Any
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def called(url: str, method: str, body: str | None, **headers: str) -> Answer:
    """JSON is said to be sent unless ``headers`` (an underscore for each hyphen) say otherwise."""
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    request = urllib.request.Request(url, None if body is None else body.encode(), named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return Answer(answer.status, answer.headers, answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read().decode())
