"""A handler's answer is written as AWS's Python runtime client writes it (``lambda_runtime_marshaller``)."""

import json
import os
from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.cloud.lambdas.archive import laid_over, unpack
from sfn_emulator.cloud.lambdas.functions import Bundles, Function
from sfn_emulator.cloud.lambdas.worker import Context, call
from tests.cloud.functions import archive

Point = namedtuple("Point", "x y")
ENVIRONMENT = dict.fromkeys(
    (
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
    ),
    "x",
)


def returned(value: Any, **header: Any) -> tuple[bool, bytes]:
    context = Context(ENVIRONMENT, {"id": "1", "arn": "a", "timeout": 3, **header})
    handler: Callable[[Any, Any], Any] = value if callable(value) else lambda event, context: value
    return call(handler, b"{}", context, "/root")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"p": Point(1, 2)}, '{"p": {"x": 1, "y": 2}}'),
        ([Point(1, (Point(2, 3), 4))], '[{"x": 1, "y": [{"x": 2, "y": 3}, 4]}]'),
        ({"b": b"abc", b"k": 1}, '{"b": "abc", "k": 1}'),
        (b"as it is", "as it is"),
        (Decimal("5"), "5.0"),
        ({"d": Decimal("0.5"), "n": Decimal("NaN")}, '{"d": 0.5, "n": NaN}'),
        (float("nan"), "NaN"),
        ((1, None, True), "[1, null, true]"),
        ({2: "a", None: "b", True: "c"}, '{"2": "a", "null": "b", "true": "c"}'),
    ],
)
def test_a_result_is_written_as_the_runtime_writes_it(value: Any, text: str) -> None:
    assert returned(value) == (False, text.encode())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "Object of type datetime is not JSON serializable"),
        ({1, 2}, "Object of type set is not JSON serializable"),
        ({"b": b"\xff"}, "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_result_that_cannot_be_written_is_a_marshal_error(value: Any, message: str) -> None:
    failed, told = returned(value)
    assert failed
    assert json.loads(told)["errorType"] == "Runtime.MarshalError"
    assert json.loads(told)["errorMessage"] == f"Unable to marshal response: {message}"


@pytest.mark.parametrize(("runtime", "text"), [("python3.11", '"\\u00fc"'), ("python3.12", '"ü"')])
def test_signs_beyond_ascii_are_escaped_before_python_312(
    runtime: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "AWS_EXECUTION_ENV", f"AWS_Lambda_{runtime}")
    assert returned("ü") == (False, text.encode())


def test_a_client_context_has_its_application() -> None:
    def handler(event: Any, context: Any) -> Any:
        told = context.client_context
        return [told.custom, told.client.app_title, told.client.installation_id]

    context = {"custom": {"k": 1}, "client": {"app_title": "shop"}}
    assert returned(handler, client_context=context) == (False, b'[{"k": 1}, "shop", null]')


def test_both_places_of_a_layer_are_on_the_path(tmp_path: Any) -> None:
    layer = archive({"python/shallow.py": "", "python/lib/python3.12/site-packages/deep.py": ""})
    code = archive({"app.py": "def handler(event, context): return 1"})
    told: dict[str, Any] = {field.name: None for field in fields(Function)}
    told |= {"handler": "app.handler", "runtime": "python3.12", "variables": (), "code": code, "layers": (layer,)}
    function = Function(**{**told, "name": "f", "region": "us-east-1", "version": "1"})
    path = Bundles(tmp_path).spec(function, "http://here", "stream")["path"]
    assert [part.partition("/python")[2] for part in path[1:3]] == ["/lib/python3.12/site-packages", ""]


@pytest.mark.parametrize("names", [("tool", "tool/run"), ("tool/run", "tool")])
def test_a_later_layer_wins_also_where_one_has_a_file_and_the_other_a_folder(
    tmp_path: Path, names: Sequence[str]
) -> None:
    layers = [unpack(archive({name: name, f"{number}.txt": ""}), tmp_path) for number, name in enumerate(names)]
    opt = laid_over(layers, tmp_path)
    assert (opt / names[1]).read_text() == names[1]
    assert {path.name for path in opt.iterdir()} == {"tool", "0.txt", "1.txt"}
    assert (layers[0] / names[0]).read_text() == names[0]
