"""An execution, from AWS or from here → a folder that can be replayed and tested."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sfn_emulator.picture.printable import quotable
from sfn_emulator.replay.answers import mocks
from sfn_emulator.replay.case import DEFINITION, HISTORY, INPUT, MOCKS, Case, case_of, masked

TEST: Final = "test_replay_{name}.py"
"""The test file's name. It is different for each case, because pytest refuses two files of one name outside of
packages.
"""

_TEST: Final = '''"""Recorded from {arn}."""

from pathlib import Path

from sfn_emulator.replay.case import read_case
from sfn_emulator.replay.replaying import replay

HERE = Path(__file__).parent


def test_{name}_goes_as_it_was_recorded() -> None:
    difference = replay(read_case(HERE), (HERE / "definition.asl.json").read_text())
    assert difference is None, str(difference)
'''


def fetched(client: Any, arn: str) -> Case:
    """The execution, read with ``client`` (boto3, stepfunctions). Raises the client's errors."""
    execution = client.describe_execution(executionArn=arn)
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=True)
    events = [event for page in pages for event in page["events"]]
    definition = client.describe_state_machine_for_execution(executionArn=arn)["definition"]
    told = {name: value for name, value in execution.items() if name != "ResponseMetadata"}
    return case_of(execution["name"], definition, events, told)


def write(case: Case, folder: Path, masks: frozenset[str] = frozenset()) -> list[Path]:
    """The files of a case, fields named in ``masks`` hidden in all of them. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    events, execution = _plain(masked(list(case.events), masks)), _plain(masked(dict(case.execution), masks))
    hidden = case_of(case.name, case.definition, events, execution)
    machine = str(case.execution.get("stateMachineArn", "machine")).rpartition(":")[2]
    name = "".join(sign if sign.isalnum() else "_" for sign in case.name)
    arn = str(case.execution.get("executionArn", case.name))
    texts = {
        DEFINITION: _pretty(case.definition),
        INPUT: _pretty(hidden.given),
        HISTORY: json.dumps({"execution": execution, "events": events}, indent=1, ensure_ascii=False) + "\n",
        MOCKS: mocks(hidden, machine),
        TEST.format(name=name): _TEST.format(arn=quotable(arn), name=name),
    }
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    return [folder / file for file in texts]


def _plain(value: Any) -> Any:
    """Times as texts, as the AWS CLI prints them."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
