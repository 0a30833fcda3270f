"""Serverless 3 with serverless-step-functions: deploy, run, remove; serverless-localstack points its SDK here."""

import json
from pathlib import Path

import pytest

from tests.processes import running
from tests.tools.run import MODULES, needs, run

pytestmark = [needs("sls"), pytest.mark.timeout(400)]

SERVICE = {
    "service": "shop",
    "frameworkVersion": "3",
    "plugins": ["serverless-step-functions", "serverless-localstack"],
    "package": {"patterns": ["!**", "app.py"]},
    "provider": {"name": "aws", "runtime": "python3.11", "stage": "local", "region": "us-east-1"},
    "functions": {"first": {"handler": "app.handler"}},
    "stepFunctions": {
        "stateMachines": {
            "flow": {
                "name": "shop-flow",
                "events": [{"http": {"path": "orders", "method": "POST"}}, {"schedule": "rate(1 hour)"}],
                "definition": {
                    "StartAt": "First",
                    "States": {
                        "First": {
                            "Type": "Task",
                            "Resource": {"Fn::GetAtt": ["FirstLambdaFunction", "Arn"]},
                            "End": True,
                        }
                    },
                },
            }
        }
    },
}


def test_serverless_deploys_runs_and_removes(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return {'first': True}\n")
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "node_modules").symlink_to(MODULES)
    with running("--in-memory") as server:
        host, _, port = server.url.rpartition(":")
        place = {"stages": ["local"], "host": host, "edgePort": int(port), "autostart": False}
        service = {**SERVICE, "custom": {"localstack": place}}
        (tmp_path / "serverless.yml").write_text(json.dumps(service))
        quiet = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"}
        assert "Service deployed to stack shop-local" in run(
            server, "sls", "deploy", "--stage", "local", cwd=tmp_path, **quiet
        )
        told = run(server, "sls", "invoke", "stepf", "--name", "flow", "--stage", "local", cwd=tmp_path, **quiet)
        assert "SUCCEEDED" in told
        run(server, "sls", "remove", "--stage", "local", cwd=tmp_path, **quiet)
        assert server.client("stepfunctions").list_state_machines()["stateMachines"] == []
