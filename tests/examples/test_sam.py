"""The saga's SAM template, packaged by the AWS CLI and deployed, ends in the same tables as ``cli.py deploy``.

SAM's own CLI deploys it in ``make tools``.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from deploy import config, saga, targets
from deploy.apply import apply
from tests.cloud.stacks.stacks import CAPABILITIES, Stack
from tests.examples.sagas import tables_after_orders
from tests.processes import ROOT, Process, running

pytest.importorskip("samtranslator", reason="aws-sam-translator is not installed (extra: sam)")

EXAMPLE = ROOT / "examples" / "sam"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def packaged(server: Process, to: Path) -> str:
    """The template with its code in a bucket, as ``aws cloudformation package`` writes it."""
    subprocess.run(["make", "-s", "-C", str(EXAMPLE), "prepared"], check=True)
    server.client("s3").create_bucket(Bucket="code")
    command = [sys.executable, "-m", "awscli", "cloudformation", "package", "--s3-bucket", "code"]
    command += ["--template-file", str(EXAMPLE / "template.yaml"), "--output-template-file", str(to)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **KEYS, "AWS_ENDPOINT_URL": server.url})
    return to.read_text()


def posted(url: str) -> str:
    """The REST API's answer to an order that is never placed: what it leaves is nothing."""
    order = {"ItemId": "ITEM002", "CustomerId": "ABC/001", "MessageId": "posted", "FailAtStage": "PlaceOrder"}
    request = urllib.request.Request(url, json.dumps(order).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return str(answer.read())


def by_sam(server: Process, directory: Path) -> dict[str, list[dict[str, Any]]]:
    """Nothing of it is left afterwards."""
    api = server.client("cloudformation")
    body = packaged(server, directory / "packaged.yaml")
    told = api.create_stack(StackName="saga", TemplateBody=body, Capabilities=CAPABILITIES)
    stack = Stack(api, "saga", told["StackId"]).waited()
    assert stack.status == "CREATE_COMPLETE", stack.events()
    assert "executionArn" in posted(f"{server.url}/restapis/{stack.outputs['ApiId']}/Prod/_user_request_/")
    rows = tables_after_orders(server.client, stack.outputs["SagaArn"])
    assert stack.delete().status == "DELETE_COMPLETE", stack.events()
    assert server.client("dynamodb").list_tables()["TableNames"] == []
    assert server.client("lambda").list_functions()["Functions"] == []
    return rows


def by_deploy(server: Process) -> dict[str, list[dict[str, Any]]]:
    told = config.load()
    target = targets.connect("embedded", told, server.url)
    ours = saga.on(target, told)
    apply(ours.plan(), target)
    return tables_after_orders(server.client, ours.machine.alias_arn)


def test_the_saga_by_sam_ends_in_the_same_tables_as_by_deploy(tmp_path: Path) -> None:
    with running("--in-memory", "--time", "skip") as server:
        rows = by_sam(server, tmp_path)
        assert "bought" in {row["OrderId"]["S"] for row in rows["Orders"]}
    with running("--in-memory", "--time", "skip") as other:  # the functions' log groups outlive a stack, as on AWS
        assert rows == by_deploy(other)
