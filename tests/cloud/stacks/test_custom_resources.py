"""Custom resources in the ways their functions answer, and fail to."""

import shutil
from typing import Any

import pytest

from tests.cloud.stacks.stacks import ROLE, Stacks


def function(code: str, runtime: str = "python3.12") -> dict[str, Any]:
    told = {"Runtime": runtime, "Handler": "index.handler", "Role": ROLE, "Timeout": 300, "Code": {"ZipFile": code}}
    return {"Type": "AWS::Lambda::Function", "Properties": told}


def thing(**more: Any) -> dict[str, Any]:
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["F", "Arn"]}, **more}}


def test_a_function_that_answers_failed_fails_the_stack_with_its_reason(stacks: Stacks) -> None:
    code = (
        "import cfnresponse\n"
        "def handler(e, c):\n"
        "    done = cfnresponse.FAILED if e['RequestType'] == 'Create' else cfnresponse.SUCCESS\n"
        "    cfnresponse.send(e, c, done, {}, 'id', reason='no room')\n"
    )
    stack = stacks.create({"F": function(code), "C": thing()})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "Message returned: no room" in stack.reason("C")


def test_a_function_that_raises_fails_the_stack_at_once(stacks: Stacks) -> None:
    code = (
        "import cfnresponse\n"
        "def handler(e, c):\n"
        "    if e['RequestType'] == 'Create':\n"
        "        raise ValueError('broken')\n"
        "    cfnresponse.send(e, c, cfnresponse.SUCCESS, {}, 'id')\n"
    )
    stack = stacks.create({"F": function(code), "C": thing()})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "failed and sent no answer" in stack.reason("C") and "broken" in stack.reason("C")


def test_a_resource_that_could_not_be_removed_keeps_all_it_needs(stacks: Stacks) -> None:
    code = (
        "import cfnresponse\n"
        "def handler(e, c):\n"
        "    done = cfnresponse.FAILED if e['RequestType'] == 'Delete' else cfnresponse.SUCCESS\n"
        "    cfnresponse.send(e, c, done, {}, 'id')\n"
    )
    served = function(code)
    served["Properties"]["Environment"] = {"Variables": {"TOPIC": {"Ref": "T"}}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Param"}}}
    param = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}}
    stack = stacks.create({"Param": param, "T": topic, "F": served, "C": thing(), "Other": {"Type": "AWS::SNS::Topic"}})
    assert stack.delete().status == "DELETE_FAILED"
    states = {name: status for name, status, _ in stack.events()}
    assert states["C"] == "DELETE_FAILED" and states["Other"] == "DELETE_COMPLETE"
    assert [states[name] for name in ("F", "T", "Param")] == ["CREATE_COMPLETE"] * 3
    stack.api.delete_stack(StackName=stack.name, RetainResources=["C"])
    assert stack.waited().status == "DELETE_COMPLETE"


def test_a_function_that_says_nothing_is_waited_for_no_longer_than_asked(stacks: Stacks) -> None:
    silent = function("def handler(e, c): pass")
    stack = stacks.create({"F": silent, "C": {**thing(ServiceTimeout=1), "DeletionPolicy": "Retain"}})
    assert stack.status == "ROLLBACK_COMPLETE" and "did not receive a response" in stack.reason("C")


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not on this machine")
def test_a_node_function_answers_as_cdks_own_do(stacks: Stacks) -> None:
    """By https to the host alone: neither scheme nor port of the URL it was given."""
    code = """
const https = require("https"), url = require("url");
exports.handler = (event) => new Promise((resolve, reject) => {
  const to = url.parse(event.ResponseURL);
  const Data = { A: "by node" };
  const ids = { StackId: event.StackId, RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId };
  const body = JSON.stringify({ Status: "SUCCESS", Reason: "", PhysicalResourceId: "n", ...ids, Data });
  const headers = { "content-type": "", "content-length": Buffer.byteLength(body) };
  const sent = https.request({ hostname: to.hostname, path: to.path, method: "PUT", headers }, (answer) => {
    answer.resume();
    resolve();
  });
  sent.on("error", reject);
  sent.end(body);
});
"""
    stack = stacks.create(
        {"F": function(code, "nodejs20.x"), "C": thing()}, Outputs={"A": {"Value": {"Fn::GetAtt": ["C", "A"]}}}
    )
    assert stack.outputs == {"A": "by node"}, stack.events()
