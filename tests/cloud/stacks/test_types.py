"""Every supported type is made, changed by the stack's tags if it has tags, and removed again."""

import json
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.cloud.stacks.resources.table import KINDS
from tests.cloud.functions import bundle
from tests.cloud.stacks.stacks import Stacks

GROUPS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "types.json").read_text())
ELSEWHERE = {
    "AWS::CloudFormation::CustomResource",
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::WaitCondition",
    "AWS::CloudFormation::WaitConditionHandle",
}
"""Tried in test_stacks.py and test_templates.py."""


@pytest.mark.parametrize("group", GROUPS)
def test_types_are_made_changed_and_removed(stacks: Stacks, group: str) -> None:
    if group == "Lambda":
        stacks.client("s3").create_bucket(Bucket="layers")
        stacks.client("s3").put_object(Bucket="layers", Key="layer.zip", Body=bundle(layer=""))
    stack = stacks.create(GROUPS[group])
    assert stack.status == "CREATE_COMPLETE", stack.events()
    assert stack.update(GROUPS[group], Tags=[{"Key": "team", "Value": "blue"}]).status == "UPDATE_COMPLETE", [
        event for event in stack.events() if "FAILED" in event[1]
    ]
    assert stack.delete().status == "DELETE_COMPLETE", stack.events()


def test_no_type_is_left_out() -> None:
    tried = {row["Type"] for group in GROUPS.values() for row in group.values()}
    assert tried | ELSEWHERE == set(KINDS)
