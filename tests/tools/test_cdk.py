"""CDK: the saga's app from `bootstrap` to `destroy`."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.sagas import tables_after_orders
from tests.processes import ROOT, Process, running
from tests.tools.run import needs, run

pytestmark = [needs("cdk"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory", "--time", "skip") as process:
        yield process


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cdk")
    for name in ("examples", "handlers", "statemachine"):
        shutil.copytree(ROOT / name, root / name)
    return root / "examples" / "cdk"


def cdk(server: Process, app: Path, *arguments: str) -> str:
    return run(server, "cdk", *arguments, "--no-color", cwd=app)


def test_cdk_bootstraps_deploys_sees_differences_hotswaps_and_destroys(server: Process, app: Path) -> None:
    assert "bootstrapped" in cdk(server, app, "bootstrap", "aws://123456789012/us-east-1")
    made = cdk(server, app, "deploy", "--require-approval", "never")
    assert "Saga.SagaArn = arn:aws:states:" in made, made

    api = next(row["id"] for row in server.client("apigateway").get_rest_apis()["items"])
    order = {"ItemId": "ITEM002", "CustomerId": "ABC/001", "MessageId": "posted", "FailAtStage": "None"}
    url = f"{server.url}/restapis/{api}/prod/_user_request_/"
    request = urllib.request.Request(url, json.dumps(order).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert "executionArn" in json.load(answer)
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:DistributedTransactionOrchestrator"
    assert tables_after_orders(server.client, f"{machine}:live")["Payments"]

    definition = app.parents[1] / "statemachine" / "definition.asl.json"
    definition.write_text(definition.read_text().replace('"Comment": "An order', '"Comment": "Any order'))
    assert "Machine" in (seen := cdk(server, app, "diff")) and "Number of stacks with differences: 1" in seen
    swapped = cdk(server, app, "deploy", "--hotswap-fallback", "--require-approval", "never")
    assert "Any order" in server.client("stepfunctions").describe_state_machine(stateMachineArn=machine)["definition"]
    assert "hotswap" in swapped.lower()
    cdk(server, app, "deploy", "--require-approval", "never")
    assert "no differences" in cdk(server, app, "diff").lower()

    cdk(server, app, "destroy", "--force")
    assert server.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert server.client("dynamodb").list_tables()["TableNames"] == []
