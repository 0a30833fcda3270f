"""The first answer of functions that make a boto3 client: of the first there is, and of others of its kind."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.resources import ROLE, packed
from benchmarks.table import Figure
from benchmarks.wire import client_of, server

FUNCTIONS: Final = 5
SOURCE: Final = """
import boto3
rows = boto3.client("dynamodb")

def handler(event, context):
    return "made"
"""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch)) as (_, states):
        lambdas = client_of("lambda", states.meta.endpoint_url)
        names = [_deployed(lambdas, number) for number in range(FUNCTIONS + 1)]
        first, *others = [_first_answer(lambdas, name) for name in names]
        warm = statistics.median(_first_answer(lambdas, name) for name in names)
    yield Figure("first answer of the first function with a client", first, "ms")
    yield Figure("first answer of one more of its kind", statistics.median(others), "ms", 60)
    yield Figure("their second answer", warm, "ms")


def _deployed(lambdas: Any, number: int) -> str:
    name, code = f"cold-{number}", packed("app.py", SOURCE)
    lambdas.create_function(FunctionName=name, Runtime="python3.12", Role=ROLE, Handler="app.handler", Code=code)
    return name


def _first_answer(lambdas: Any, name: str) -> float:
    began = time.perf_counter()
    answer = lambdas.invoke(FunctionName=name)
    assert answer["Payload"].read() == b'"made"'
    took = (time.perf_counter() - began) * 1e3
    time.sleep(0.3)  # noqa: TID251 - the zygote learns what was made meanwhile
    return took
