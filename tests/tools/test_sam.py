"""SAM CLI: the saga's template from `deploy` to `delete`."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.sagas import tables_after_orders
from tests.processes import ROOT, Process, running
from tests.tools.run import needs, run

pytestmark = [needs("sam"), pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory", "--time", "skip") as process:
        yield process


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that what is built does not stay in the checkout."""
    root = tmp_path_factory.mktemp("sam")
    for name in ("examples/sam", "handlers", "statemachine"):
        shutil.copytree(ROOT / name, root / name)
    return root / "examples" / "sam"


def test_sam_deploys_syncs_calls_reads_logs_and_deletes(server: Process, app: Path) -> None:
    run(server, "make", "-s", "prepared", cwd=app)
    assert "valid SAM Template" in run(server, "sam", "validate", cwd=app)
    run(server, "sam", "build", cwd=app)
    made = run(
        server, "sam", "deploy", "--stack-name", "saga", "--resolve-s3", "--capabilities", "CAPABILITY_IAM",
        "--no-confirm-changeset", cwd=app,
    )  # fmt: skip
    assert "Successfully created/updated stack - saga" in made
    again = run(
        server, "sam", "deploy", "--stack-name", "saga", "--resolve-s3", "--capabilities", "CAPABILITY_IAM",
        "--no-confirm-changeset", "--no-fail-on-empty-changeset", cwd=app,
    )  # fmt: skip
    assert "No changes to deploy" in again

    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:DistributedTransactionOrchestrator"
    rows = tables_after_orders(server.client, f"{machine}:live")
    assert [row["OrderId"]["S"] for row in rows["Payments"]] == ["bought"]

    order = {"ItemId": "ITEM002", "CustomerId": "ABC/001", "MessageId": "remote", "FailAtStage": "None"}
    event = json.dumps(order)
    told = run(server, "sam", "remote", "invoke", "Saga", "--stack-name", "saga", "--event", event, cwd=app)
    assert "remote" in told

    source = app / "code" / "handlers" / "notifications.py"
    source.write_text(source.read_text() + "\n# changed\n")
    synced = run(server, "sam", "sync", "--code", "--stack-name", "saga", "--no-watch", cwd=app, check=False)
    assert "Finished syncing Lambda Function SendNotificationLambda" in synced, synced[-3000:]
    assert "START RequestId" in run(server, "sam", "logs", "--stack-name", "saga", "-n", "PlaceOrderLambda", cwd=app)
    assert "ServerlessRestApi" in run(server, "sam", "list", "resources", "--stack-name", "saga", cwd=app)
    run(server, "sam", "list", "endpoints", "--stack-name", "saga", cwd=app)

    run(server, "sam", "delete", "--stack-name", "saga", "--no-prompts", "--region", "us-east-1", cwd=app)
    assert server.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert server.client("dynamodb").list_tables()["TableNames"] == []
