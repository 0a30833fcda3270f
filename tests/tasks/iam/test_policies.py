from typing import Any

import pytest

from sfn_emulator.tasks.iam.policies import ANY, Decision, decide

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"


def document(**statement: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*", **statement}],
    }


def decided(*documents: dict[str, Any], resource: str = QUEUE, **context: str) -> Decision:
    told = {name.replace("_", ":"): value for name, value in context.items()}
    return decide(documents, "sqs:SendMessage", resource, told)


def test_nothing_said_is_denied() -> None:
    assert decided() is Decision.IMPLICITLY_DENIED
    assert decided(document(Action="sns:Publish")) is Decision.IMPLICITLY_DENIED


@pytest.mark.parametrize(
    "action", ["*", "sqs:*", "sqs:Send*", "SQS:sendmessage", "sqs:SendMessag?", ["x:y", "sqs:SendMessage"]]
)
def test_actions_match_by_wildcard_and_without_regard_to_case(action: Any) -> None:
    assert decided(document(Action=action)) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (QUEUE, True),
        ("arn:aws:sqs:*:*:ord*", True),
        (["arn:aws:sqs:us-east-1:123456789012:other", QUEUE], True),
        ("arn:aws:sqs:us-east-1:123456789012:Orders", False),
        ("arn:aws:sqs:us-east-1:123456789012:order", False),
    ],
)
def test_resources_match_whole_and_by_case(pattern: Any, allowed: bool) -> None:
    assert (decided(document(Resource=pattern)) is Decision.ALLOWED) is allowed


def test_an_explicit_deny_beats_every_allow() -> None:
    denied = document(Effect="Deny", Action="sqs:SendMessage", Resource=QUEUE)
    assert decided(document(), denied) is Decision.EXPLICITLY_DENIED


def test_not_action_and_not_resource_mean_all_others() -> None:
    only = {"Statement": {"Effect": "Allow", "NotAction": "sqs:Delete*", "NotResource": "arn:aws:sqs:*:*:secret"}}
    assert decided(only) is Decision.ALLOWED
    assert decided(only, resource="arn:aws:sqs:us-east-1:1:secret") is Decision.IMPLICITLY_DENIED


def test_a_resource_that_is_not_known_asks_for_the_action_only() -> None:
    assert decided(document(Resource=QUEUE), resource=ANY) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
        ({"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}, False),
        ({"StringLike": {"aws:RequestedRegion": "us-*"}}, True),
        ({"StringNotLike": {"aws:RequestedRegion": "us-*"}}, False),
        ({"StringEquals": {"aws:NotTold": "x"}}, False),
        ({"StringNotEquals": {"aws:NotTold": "x"}}, True),
        ({"StringEqualsIfExists": {"aws:NotTold": "x"}}, True),
        ({"Null": {"aws:NotTold": "true"}}, True),
        ({"Null": {"aws:RequestedRegion": "true"}}, False),
        ({"ArnLike": {"aws:RequestedRegion": "us-????-1"}}, True),
        ({"NumericLessThan": {"aws:EpochTime": "2000"}}, True),
        ({"NumericLessThan": {"aws:EpochTime": "not a number"}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"NoSuchOperator": {"aws:RequestedRegion": "us-east-1"}}, False),
    ],
)  # fmt: skip
def test_a_condition_decides_whether_a_statement_counts(condition: dict[str, Any], holds: bool) -> None:
    context = {
        "aws_requestedregion": "us-east-1",
        "aws_epochtime": "1000",
        "aws_currenttime": "2026-01-01T00:00:00Z",
        "aws_securetransport": "true",
    }
    assert (decided(document(Condition=condition), **context) is Decision.ALLOWED) is holds


def test_stars_upon_stars_are_matched_at_once() -> None:
    assert decided(document(Resource="*" * 60 + "x")) is Decision.IMPLICITLY_DENIED
