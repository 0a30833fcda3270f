"""Cloud Control over what stacks have made."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.cloud.stacks.stacks import PASS, ROLE, Stacks, machine


def test_a_resource_is_read_listed_and_changed_in_place(stacks: Stacks) -> None:
    made = stacks.create({"M": machine(), "T": {"Type": "AWS::SNS::Topic"}})
    control, arn = stacks.client("cloudcontrol"), made.physical("M")
    kind = "AWS::StepFunctions::StateMachine"
    told = control.get_resource(TypeName=kind, Identifier=arn)["ResourceDescription"]
    assert json.loads(told["Properties"])["RoleArn"] == ROLE
    alone = stacks.client("stepfunctions").create_state_machine(name="of-no-stack", definition=PASS, roleArn=ROLE)
    listed = [row["Identifier"] for row in control.list_resources(TypeName=kind)["ResourceDescriptions"]]
    assert (arn in listed, alone["stateMachineArn"] in listed) == (True, False)
    text = '{"StartAt":"F","States":{"F":{"Type":"Fail"}}}'
    patch = json.dumps([{"op": "replace", "path": "/DefinitionString", "value": text}])
    event = control.update_resource(TypeName=kind, Identifier=arn, PatchDocument=patch)["ProgressEvent"]
    assert event["OperationStatus"] == "SUCCESS"
    assert control.get_resource_request_status(RequestToken=event["RequestToken"])["ProgressEvent"]["Identifier"] == arn
    states = stacks.client("stepfunctions")
    assert states.describe_state_machine(stateMachineArn=arn)["definition"] == text


def test_a_resource_that_no_stack_has_is_not_found(stacks: Stacks) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        stacks.client("cloudcontrol").get_resource(TypeName="AWS::SNS::Topic", Identifier="none")
