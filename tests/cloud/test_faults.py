"""An error inside a neighbour reaches the caller as AWS's InternalFailure with a sentence, never as an exception."""

import html
import json
import logging
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.message import Reply, Request

ACCOUNT = "123456789012"
JSON = {"content-type": "application/x-amz-json-1.1"}
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=test/20261126/us-east-1/s3/aws4_request"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def asked(service: str, target: str, body: bytes) -> Reply:
    headers = {**JSON, "x-amz-target": target} if target else FORM
    return Neighbours(ACCOUNT).answer(service, "us-east-1", Request("POST", "/", "", headers, body))


def test_a_fault_inside_is_a_sentence_and_the_log_has_it_whole(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        reply = asked("ssm", "AmazonSSM.GetPatchBaselineForPatchGroup", b'{"PatchGroup": "x"}')
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
    ("service", "target", "body", "code"),
    [
        ("dynamodb", "DynamoDB_20120810.DescribeExport", '{"ExportArn": "x"}', "ExportNotFoundException"),
        ("dynamodb", "DynamoDB_20120810.TransactWriteItems", '{"TransactItems": [{}]}', "ValidationException"),
        ("dynamodb", "DynamoDB_20120810.ExecuteStatement", '{"Statement": "x"}', "ValidationException"),
        ("kinesis", "Kinesis_20131202.DescribeStream", '{"StreamARN": "x"}', "InvalidArgumentException"),
        (
            "kinesis",
            "Kinesis_20131202.ListStreamConsumers",
            '{"StreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/no"}',
            "ResourceNotFoundException",
        ),
        ("ssm", "AmazonSSM.DeletePatchBaseline", '{"BaselineId": "x"}', "ResourceNotFoundException"),
        (
            "logs",
            "Logs_20140328.PutDeliverySource",
            '{"name":"x","resourceArn":"x","logType":"y"}',
            "ValidationException",
        ),
        ("iam", "", "Action=ListAccountAliases&Version=2010-05-08&MaxItems=x", "ValidationException"),
        ("sns", "", "Action=DeletePlatformApplication&PlatformApplicationArn=%00", "NotFound"),
        ("iam", "", "Action=CreateUser&Version=2010-05-08&UserName=%00", "ValidationError"),
    ],
)
def test_a_request_for_nothing_or_that_cannot_be_read_is_the_callers_fault(
    service: str, target: str, body: str, code: str
) -> None:
    reply = asked(service, target, body.encode())
    assert (reply.status // 100, code.encode() in reply.body) == (4, True), reply.body
    assert target or ElementTree.fromstring(reply.body) is not None


def test_an_update_that_names_no_change_changes_nothing() -> None:
    neighbours, kind = Neighbours(ACCOUNT), {"content-type": "application/json"}
    made = neighbours.answer("apigateway", "us-east-1", Request("POST", "/restapis", "", kind, b'{"name":"same"}'))
    path = f"/restapis/{json.loads(made.body)['id']}"
    reply = neighbours.answer("apigateway", "us-east-1", Request("PATCH", path, "", kind, b"{}"))
    assert (reply.status, json.loads(reply.body)["name"]) == (200, "same")


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "code"),
    [
        ("PUT", "/uneven/k", "uploadId=x&partNumber=1", {}, "NoSuchUpload"),
        ("PUT", "/uneven/k", "uploadId=x&partNumber=y", {}, "InvalidArgument"),
        ("PUT", "/uneven/k", "", {"x-amz-copy-source": "x"}, "InvalidArgument"),
        ("PUT", "/uneven/k", "", {"x-amz-acl": "x"}, "InvalidArgument"),
        (
            "PUT",
            "/uneven",
            "tagging",
            {"body": "<Tagging><TagSet><Tag><Key/></Tag></TagSet></Tagging>"},
            "MalformedXML",
        ),
        ("POST", "/uneven/k", "select&select-type=2", {"body": "<a><Expression>x</Expression></a>"}, "MissingRequired"),
    ],
)
def test_s3_names_the_fault_of_a_request(
    method: str, path: str, query: str, headers: dict[str, str], code: str
) -> None:
    neighbours = Neighbours(ACCOUNT)
    neighbours.answer("s3", "us-east-1", Request("PUT", "/uneven"))
    neighbours.answer("s3", "us-east-1", Request("PUT", "/uneven/k", "", SIGNED, b"a,b\n"))
    body = headers.pop("body", "").encode()
    reply = neighbours.answer("s3", "us-east-1", Request(method, path, query, SIGNED | headers, body))
    assert (reply.status // 100, code.encode() in reply.body) == (4, True), reply.body


def test_s3_select_reads_rows_that_have_fewer_fields_than_the_first_or_more() -> None:
    neighbours = Neighbours(ACCOUNT)
    neighbours.answer("s3", "us-east-1", Request("PUT", "/uneven"))
    neighbours.answer("s3", "us-east-1", Request("PUT", "/uneven/rows", "", SIGNED, b'a,b\n1\n2,"x,y"\n3,z,4\n'))
    asked_for = (
        "<SelectObjectContentRequest><Expression>SELECT * FROM s3object</Expression>"
        "<ExpressionType>SQL</ExpressionType><InputSerialization><CSV><FileHeaderInfo>USE</FileHeaderInfo></CSV>"
        "</InputSerialization><OutputSerialization><JSON/></OutputSerialization></SelectObjectContentRequest>"
    )
    select = Request("POST", "/uneven/rows", "select&select-type=2", SIGNED, asked_for.encode())
    told = neighbours.answer("s3", "us-east-1", select).body
    assert all(row in told for row in (b'{"a":"1"}', b'{"a":"2","b":"x,y"}', b'{"a":"3","b":"z","_3":"4"}')), told


def test_streams_are_listed_after_a_name_that_none_of_them_has() -> None:
    for name in ("before", "later"):
        asked("kinesis", "Kinesis_20131202.CreateStream", json.dumps({"StreamName": name, "ShardCount": 1}).encode())
    reply = asked("kinesis", "Kinesis_20131202.ListStreams", b'{"ExclusiveStartStreamName": "knows"}')
    assert json.loads(reply.body)["StreamNames"] == ["later"]


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
