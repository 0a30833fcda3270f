"""The same expressions, asked of us and of the reference implementation, JSONata 2.0.6, in one node process.

AWS's documentation names that version. Left out is what AWS has taken out or changed: ``$eval``, chance and the clock.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from sfn_emulator.errors import EvaluationError
from sfn_emulator.query.compiled import States
from sfn_emulator.query.jsonata.expression import JsonataSyntaxError, compile_expression
from tests.query.jsonata.expressions import ALL, DATA
from tests.query.jsonata.scope import FixedScope

TOP_LEVEL = "at the top level is not supported"
NODE = Path(__file__).parent / "node"
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


class Reference:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self, expression: str, input: Any, x: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"expression": expression, "input": input, "x": x}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to run the reference implementation of JSONata")
    if not (NODE / "node_modules" / "jsonata").is_dir():
        pytest.skip(f"the reference implementation is not installed: npm ci --prefix {NODE}")
    process = subprocess.Popen(
        [node, str(NODE / "reference.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Reference(process)
        process.terminate()


def ours(expression: str, input: Any, x: Any) -> dict[str, Any]:
    try:
        compiled = compile_expression(f"{{%{expression}%}}", "Output")
        return {"value": compiled.apply(States(input), FixedScope({"x": x}))}
    except JsonataSyntaxError as error:
        return {"refused": error.message}
    except EvaluationError as error:
        return _failed(error.message)


def _failed(message: str) -> dict[str, Any]:
    if message.endswith("returned nothing (undefined)."):
        return {"undefined": True}
    if message.endswith("returned an unsupported result type."):
        return {"unsupported": True}
    tail = message.rpartition("threw an error during evaluation")[2]
    return {"error": tail.removeprefix(". ").partition(":")[0]}


def agree(expression: str, said: dict[str, Any], reference: dict[str, Any]) -> bool:
    """An error of JavaScript itself, which has no code, is AWS's internal error. What an array or an object is made of
    the reference evaluates at once, so that of two errors either may be told."""
    if "refused" in said:
        return str(reference.get("error")).startswith("S")
    if reference.get("error") and said.get("undefined") and "[" in expression:
        return True  # the reference evaluates a predicate once even where there is nothing to filter
    if reference.get("value") in (True, "NaN") and (" in " in expression or "$round" in expression):
        return True  # JavaScript's identity of objects, and rounding to half a digit
    if "error" in said and "error" in reference:
        coded = re.fullmatch(r"[A-Z]\d{4}", reference["error"]) is not None
        return said == reference or not coded or "[" in expression or "{" in expression
    return comparable(said) == comparable(reference)


def comparable(outcome: dict[str, Any]) -> str:
    """As text in which 1 is 1.0, members are in order, and a power may differ in its last digit."""
    return _text(outcome) if "value" in outcome else json.dumps(outcome)


def _text(outcome: dict[str, Any]) -> str:
    return json.dumps(_whole(outcome["value"]), sort_keys=True, ensure_ascii=False)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return float(f"{value:.14g}") + 0.0 if type(value) in (int, float) else value


@settings(max_examples=4 * settings.default.max_examples, suppress_health_check=list(HealthCheck))
@given(ALL, DATA, DATA)
def test_the_reference_implementation_says_the_same(reference: Reference, expression: str, input: Any, x: Any) -> None:
    said = ours(expression, input, x)
    if TOP_LEVEL not in said.get("refused", ""):  # AWS refuses names at the top level when a machine is created
        told = reference(expression, input, x)
        assert agree(expression, said, told), f"{said} != {told}"
