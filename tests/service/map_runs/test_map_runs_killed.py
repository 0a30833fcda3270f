"""A Map Run in a real server that is killed: what S3 gets in the end has every item once."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Process
from tests.service.map_runs.world import PASS_CHILD, mapping
from tests.service.world import ROLE
from tests.waiting import ended, until

ITEMS = 1_200
WAITING = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}}


def definition(child: Any, kind: str) -> str:
    return json.dumps(
        mapping(
            child,
            kind,
            ItemReader={
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSONL"},
                "Parameters": {"Bucket": "data", "Key": "items"},
            },
            ItemBatcher={"MaxItemsPerBatch": 3},
            ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "data", "Prefix": "p"}},
        )
    )


@pytest.mark.parametrize(("child", "kind"), [(PASS_CHILD, "STANDARD"), (PASS_CHILD, "EXPRESS"), (WAITING, "STANDARD")])
def test_nothing_is_lost_and_nothing_is_done_twice(tmp_path: Path, child: Any, kind: str) -> None:
    arguments = ("--port", "0", "--state-dir", str(tmp_path))
    server = Process(*arguments)
    try:
        s3 = server.client("s3")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="items", Body="\n".join(map(str, range(ITEMS))).encode())
        states = server.client("stepfunctions")
        arn = states.create_state_machine(name="m", definition=definition(child, kind), roleArn=ROLE)["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=arn)["executionArn"]
        for begun in (150, 450):
            wait_for(server, execution, begun)
            server.kill()
            server = Process(*arguments)
        done = ended(server.client("stepfunctions"), execution)
        assert done["status"] == "SUCCEEDED", done
        check(server, json.loads(done["output"]))
    finally:
        server.kill()


def wait_for(server: Process, execution: str, begun: int) -> None:
    """Until so many items were taken, or it is over."""
    states = server.client("stepfunctions")

    def are_taken() -> bool:
        runs = states.list_map_runs(executionArn=execution)["mapRuns"]
        counts = [states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"] for run in runs]
        return any(count["succeeded"] + count["running"] >= begun for count in counts)

    until(are_taken)


def check(server: Process, output: Any) -> None:
    s3, states = server.client("s3"), server.client("stepfunctions")

    def read(key: str) -> Any:
        return json.loads(s3.get_object(Bucket="data", Key=key)["Body"].read())

    files = read(output["ResultWriterDetails"]["Key"])["ResultFiles"]
    results = [result for file in files["SUCCEEDED"] for result in read(file["Key"])]
    items = Counter(item for result in results for item in json.loads(result["Output"])["Items"])
    assert items == Counter(range(ITEMS))
    assert files["FAILED"] == files["PENDING"] == []
    counts = states.describe_map_run(mapRunArn=output["MapRunArn"])
    assert counts["itemCounts"]["succeeded"] == counts["itemCounts"]["resultsWritten"] == ITEMS
    pages = states.get_paginator("list_executions").paginate(mapRunArn=output["MapRunArn"])
    listed = [child["executionArn"] for page in pages for child in page["executions"]]
    assert len(listed) == len(set(listed)) == counts["executionCounts"]["succeeded"] == ITEMS // 3
    some = states.describe_execution(executionArn=listed[len(listed) // 2])
    assert json.loads(some["output"]) == json.loads(some["input"])
