"""Bodies are compared with models, and no model holds anybody up or reads what is not its own."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from sfn_emulator.cloud.corrections.patience import Patience
from sfn_emulator.cloud.rest.faults import GatewayError
from sfn_emulator.cloud.rest.models import check_body

ORDER = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z]+$"},
        "tags": {"type": "array", "uniqueItems": True},
        "price": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
    },
    "patternProperties": {"^n": {"type": "integer"}},
    "required": ["id"],
}
DOUBLED: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n - 1}"}] * 2} for n in range(1, 60)}


def refusal(schema: Any, body: bytes, seconds: float = 20.0) -> int | None:
    try:
        check_body(body, schema, Patience(seconds))
    except GatewayError as error:
        return error.status
    return None


@pytest.mark.parametrize("body", [{"id": "a"}, {"id": "a", "tags": [1, True, {"a": 1}, {"a": 2}]}, {"id": "b", "n": 1}])
def test_a_body_that_fits_is_let_in(body: Any) -> None:
    assert refusal(ORDER, orjson.dumps(body)) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "A"}',
        b'{"id": "a", "tags": [{"a": 1}, {"a": 1.0}]}',
        b'{"id": "a", "price": 0}',
        b'{"id": "a", "n": "1"}',
        b'{"id": ',
        b"",
    ],
)
def test_a_body_that_does_not_fit_is_refused(body: bytes) -> None:
    assert refusal(ORDER, body) == 400


def test_a_pattern_that_takes_for_ever_is_given_up() -> None:
    assert refusal({"type": "string", "pattern": r"^(\w+\s?)*$"}, orjson.dumps("word " * 40 + "!"), 0.2) in (400, 500)


def test_definitions_that_refer_to_each_other_without_end_are_given_up() -> None:
    assert refusal({"$ref": "#"}, b"{}", 0.2) == 500
    assert refusal({"definitions": {"d0": {}, **DOUBLED}, "$ref": "#/definitions/d59"}, b"{}", 0.2) == 500


def test_very_many_items_that_must_differ_take_linear_time() -> None:
    items = orjson.dumps([{"v": [n]} for n in range(30_000)])
    assert refusal({"type": "array", "uniqueItems": True}, items) is None


@pytest.mark.parametrize("host", ["file://", "http://127.0.0.1:9"])
def test_nothing_that_a_model_refers_to_is_fetched(tmp_path: Path, host: str) -> None:
    (tmp_path / "schema.json").write_text("{}")
    assert refusal({"$ref": f"{host}{tmp_path}/schema.json"}, b"{}") == 500
