"""Event patterns: what is refused when a rule is made, and trying one out."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.processes import Process, running

EVENT = {
    "id": "1",
    "account": "123456789012",
    "source": "shop",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail-type": "Ordered",
    "detail": {"n": 7, "name": "soap", "from": "10.0.0.7"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        yield process


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ([], "Filter is not an object"),
        ({"a": [{"nope": 1}]}, "Unrecognized match type nope"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key allowed in match expression"),
        ({"a": [["x"]]}, "Match value must be String, number, true, false, or null"),
        ({"a": [{"prefix": 1}]}, "prefix match pattern must be a string"),
        ({"a": [{"exists": "x"}]}, "exists match pattern must be either true or false"),
        ({"a": [{"numeric": [">"]}]}, "Value of numeric must be an array"),
        ({"a": [{"numeric": [">", "1"]}]}, "Value of numeric must be an array"),
        ({"a": [{"cidr": "x"}]}, "Malformed CIDR"),
        ({"a": [{"anything-but": []}]}, "Value of anything-but must be an array"),
        ({"a": [{"anything-but": {"numeric": [">", 1]}}]}, "Value of anything-but must be an array"),
        ({"$or": [{"a": [{"nope": 1}]}, {"b": [1]}]}, "Unrecognized match type nope"),
        ({"a": "x"}, "'a' must be an object or an array"),
    ],
)
@pytest.mark.parametrize("operation", ["put_rule", "test_event_pattern"])
def test_a_pattern_that_is_none_is_refused(server: Process, operation: str, pattern: object, reason: str) -> None:
    more = {"Name": "no"} if operation == "put_rule" else {"Event": json.dumps(EVENT)}
    with pytest.raises(ClientError, match=reason) as refused:
        getattr(server.client("events"), operation)(EventPattern=json.dumps(pattern), **more)
    assert refused.value.response["Error"]["Code"] == "InvalidEventPatternException"


@pytest.mark.parametrize(
    ("detail", "matched"),
    [
        ({"n": [{"numeric": [">", 5, "<=", 7]}]}, True),
        ({"n": [{"numeric": ["=", 8]}]}, False),
        ({"name": [{"anything-but": {"prefix": "so"}}]}, False),
        ({"name": [{"suffix": {"equals-ignore-case": "AP"}}]}, True),
        ({"from": [{"cidr": "10.0.0.0/24"}]}, True),
        ({"none": [{"exists": False}], "n": [7, 8]}, True),
        ({"$or": [{"n": [1]}, {"name": [{"wildcard": "s*p"}]}]}, True),
    ],
)
def test_a_pattern_is_tried_on_an_event(server: Process, detail: object, matched: bool) -> None:
    pattern = json.dumps({"source": ["shop"], "detail": detail})
    told = server.client("events").test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))
    assert told["Result"] is matched


@pytest.mark.parametrize("event", ["{", "[]", "{}"])
def test_a_pattern_is_tried_on_events_alone(server: Process, event: str) -> None:
    with pytest.raises(ClientError, match="Parameter Event is not valid"):
        server.client("events").test_event_pattern(EventPattern='{"source": ["shop"]}', Event=event)
