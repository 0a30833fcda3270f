"""An error inside a neighbour reaches the caller as AWS's InternalFailure with a sentence, never as an exception."""

import html
import json
import logging
import subprocess
import sys

import pytest

from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.message import Reply, Request

ACCOUNT = "123456789012"
JSON = {"content-type": "application/x-amz-json-1.1"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def asked(service: str, target: str, body: bytes) -> Reply:
    headers = {**JSON, "x-amz-target": target} if target else FORM
    return Neighbours(ACCOUNT).answer(service, "us-east-1", Request("POST", "/", "", headers, body))


def test_a_fault_inside_is_a_sentence_and_the_log_has_it_whole(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        reply = asked("kinesis", "Kinesis_20131202.ListStreams", b'{"ExclusiveStartStreamName": "x"}')
    assert reply.status == 500
    assert b"InternalFailure" in reply.body
    assert b"met a fault of its own; the emulator" in reply.body
    assert b"Error:" not in reply.body
    assert "Traceback" in caplog.text


TABLE = {
    "TableName": "t",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
FILTER = {"TableName": "t", "FilterExpression": "(" * 3_000 + "k = k" + ")" * 3_000}


@pytest.mark.parametrize(
    ("service", "target", "body", "told"),
    [
        ("dynamodb", "DynamoDB_20120810.PutItem", '{"TableName":"t","Item":{"k":{"S":"\\ud800"}}}', "surrogate pair"),
        ("dynamodb", "DynamoDB_20120810.Scan", '{"TableName":"t","Limit":1e999999}', "a number that is too large"),
        ("dynamodb", "DynamoDB_20120810.Scan", json.dumps(FILTER), "Expression size has exceeded the maximum allowed"),
        ("events", "AWSEvents.PutEvents", '{"Entries":[' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "]}", "too deeply"),
    ],
)
def test_a_request_that_can_not_be_read_is_the_callers_fault(service: str, target: str, body: str, told: str) -> None:
    if service == "dynamodb":
        asked("dynamodb", "DynamoDB_20120810.CreateTable", json.dumps(TABLE).encode())
    reply = asked(service, target, body.encode())
    assert reply.status == 400
    assert told in reply.body.decode()


NULL = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"
SCHEDULE = {"ScheduleExpression": "rate(1 day)", "Target": "x", "FlexibleTimeWindow": {"Mode": "OFF"}}


@pytest.mark.parametrize(
    ("service", "target", "body", "code", "told"),
    [
        ("dynamodb", "DynamoDB_20120810.PutItem", b"{}", "ValidationException", NULL.format("tableName")),
        ("dynamodb", "DynamoDB_20120810.PutItem", b"[]", "SerializationException", "Unexpected value"),
        ("dynamodb", "DynamoDB_20120810.PutItem", b'{"TableName":"t","Item":{"k":1}}', "SerializationException", ""),
        ("kms", "TrentService.Encrypt", b'{"KeyId":["k"],"Plaintext":""}', "SerializationException", "Start of list"),
        ("logs", "Logs_20140328.CreateLogGroup", b'{"logGroupName":5}', "SerializationException", "NUMBER_VALUE"),
        ("sns", "", b"Action=DeleteTopic&Version=2010-03-31", "ValidationError", NULL.format("TopicArn")),
    ],
)
def test_a_request_of_another_shape_than_the_operations_is_the_callers_fault(
    service: str, target: str, body: bytes, code: str, told: str
) -> None:
    reply = asked(service, target, body)
    assert reply.status == 400
    assert code in reply.body.decode()
    assert told in html.unescape(reply.body.decode())


@pytest.mark.parametrize(
    ("service", "target", "body", "code"),
    [
        ("sns", "", "Action=ListTopics&Version=2010-03-31&NextToken=x", "InvalidParameter"),
        ("sns", "", "Action=DeleteTopic&Version=2010-03-31&TopicArn=x", "InvalidParameter"),
        ("iam", "", "Action=ListRoles&Version=2010-05-08&Marker=x", "ValidationError"),
        ("ssm", "AmazonSSM.DescribeParameters", '{"NextToken": "x"}', "InvalidNextToken"),
        ("secretsmanager", "secretsmanager.ListSecrets", '{"NextToken": "x"}', "InvalidNextTokenException"),
        ("kinesis", "Kinesis_20131202.GetRecords", '{"ShardIterator": "x"}', "InvalidArgumentException"),
    ],
)
def test_a_token_or_an_arn_that_means_nothing_is_the_callers_fault(
    service: str, target: str, body: str, code: str
) -> None:
    reply = asked(service, target, body.encode())
    assert (reply.status, code.encode() in reply.body) == (400, True)


@pytest.mark.parametrize(
    ("service", "method", "path", "query", "body", "code"),
    [
        ("scheduler", "POST", "/schedules/s", "", json.dumps(SCHEDULE).encode(), "SerializationException"),
        ("scheduler", "POST", "/schedule-groups/g", "", b'{"Tags":{"a":"b"}}', "SerializationException"),
        ("s3", "PUT", "/bucket", "cors", b"{", "MalformedXML"),
    ],
)
def test_a_path_tells_the_operation_whose_shape_it_should_have(
    service: str, method: str, path: str, query: str, body: bytes, code: str
) -> None:
    neighbours = Neighbours(ACCOUNT)
    neighbours.answer("s3", "us-east-1", Request("PUT", "/bucket"))
    reply = neighbours.answer(service, "us-east-1", Request(method, path, query, {}, body))
    assert reply.status == 400
    assert code in reply.body.decode()


MISSING = """
import sys
sys.modules["pyparsing"] = sys.modules["aws_xray_sdk"] = None
from sfn_emulator.cloud.requests.message import Request
from sfn_emulator.cloud.neighbours import Neighbours
neighbours = Neighbours("123456789012")
glue = {"x-amz-target": "AWSGlue.ListJobs", "content-type": "application/x-amz-json-1.1"}
for service, path, headers in (("glue", "/", glue), ("xray", "/Groups", {"content-type": "application/json"})):
    print(neighbours.answer(service, "us-east-1", Request("POST", path, "", headers, b"{}")).body.decode())
"""


def test_a_service_whose_package_is_missing_says_which_to_install() -> None:
    glue, xray = subprocess.run(
        [sys.executable, "-c", MISSING], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert glue.endswith('which is not installed: pip install pyparsing"}')
    assert xray.endswith('which is not installed: pip install aws-xray-sdk"}')
