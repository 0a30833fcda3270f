"""Every case of ``tests/conformance/query_*.json``: a source, a subject, and the result.

``expect`` is ``{"value": …}``, ``{"error": name, "message": text}`` or ``{"refused": true}`` (does not compile).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.errors import EvaluationError, QuerySyntaxError
from sfn_emulator.query.jsonpath.conditions import compile_condition
from sfn_emulator.query.jsonpath.intrinsics.calls import compile_intrinsic
from sfn_emulator.query.jsonpath.path import compile_path
from sfn_emulator.query.jsonpath.reference_path import compile_reference_path
from sfn_emulator.query.jsonpath.template import compile_template
from sfn_emulator.query.timestamps import parse_timestamp

FOLDER = Path(__file__).parent.parent / "conformance"
CASES = [
    pytest.param(case, id=f"{path.stem.removeprefix('query_')}: {case['name']}")
    for path in sorted(FOLDER.glob("query_*.json"))
    for case in json.loads(path.read_text())
]

Run = Callable[[dict[str, Any], Any], Any]


def applied(compile_it: Callable[..., Any]) -> Run:
    return lambda case, scope: compile_it(case["source"]).apply(case["subject"], scope)


RUN: dict[str, Run] = {
    "path": applied(compile_path),
    "intrinsic": applied(compile_intrinsic),
    "template": applied(compile_template),
    "condition": applied(compile_condition),
    "place": lambda case, scope: compile_reference_path(case["source"]).place(case["subject"], case["result"]),
    "timestamp": lambda case, scope: parse_timestamp(case["source"]),
}


def outcome(case: dict[str, Any], scope: Any) -> dict[str, Any]:
    try:
        return {"value": RUN[case["kind"]](case, scope)}
    except QuerySyntaxError:
        return {"refused": True}
    except EvaluationError as error:
        return {"error": error.error, "message": error.message}


def exact(value: Any) -> str:
    """JSON text tells 1 from 1.0 and from true, and shows the order of members."""
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("case", CASES)
def test_every_case_gives_what_is_expected(case, scope_of):
    scope = scope_of(case.get("variables"), case.get("context"))
    before = exact(case["subject"])
    expected = case["expect"]
    if case["kind"] == "timestamp":
        assert outcome(case, scope)["value"] == expected["value"]
    else:
        assert exact(outcome(case, scope)) == exact(expected)
    assert exact(case["subject"]) == before
