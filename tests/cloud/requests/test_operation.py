"""Reads and writes are told apart as moto would handle them, not as a header claims."""

import pytest

from sfn_emulator.cloud.requests.message import Request
from sfn_emulator.cloud.requests.operation import changes_something

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/", "Action=CreateQueue&Version=2012-11-05&QueueName=q"),
        Request("GET", "/", "Version=2012-11-05&%41ction=CreateQueue"),
        Request("GET", "/", headers={"action": "CreateQueue"}),
        Request("GET", "/", headers={"x-amz-target": "DynamoDB_20120810.PutItem"}),
        Request("GET", "/", headers=FORM, body=b"x=1&Action=CreateQueue"),
        Request("HEAD", "/", "Action=CreateQueue"),
        Request("GET", "/123456789012/q", "Action=SendMessage&MessageBody=m"),
        Request("POST", "/", headers=FORM, body=b"Action=ListQueues&Action=CreateQueue"),
        Request("POST", "/", "Action=CreateQueue", FORM, b"Action=ListQueues"),
        Request("POST", "/", headers={"x-amz-target": "Foo.ListBar"}, body=b"Action=CreateQueue"),
        Request("POST", "/bucket", "delete", {"x-amz-target": "Foo.GetBar"}, b"<Delete/>"),
        Request("PUT", "/bucket/key", headers={"x-amz-target": "Foo.GetBar"}, body=b"x"),
        Request("POST", "/2015-03-31/functions", headers={"x-amz-target": "Foo.GetBar"}),
        Request("POST", "/", headers=FORM, body=b"Action=VerifyEmailIdentity&EmailAddress=a%40b.c"),
        Request("POST", "/", headers={"x-amz-target": "AWSCognitoIdentityService.GetId"}, body=b"{}"),
        Request("DELETE", "/bucket/key"),
    ],
    ids=lambda request: f"{request.method} {request.path} {request.query or request.body.decode()}",
)
def test_a_request_that_may_change_something_is_kept(request_: Request) -> None:
    assert changes_something(request_)


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/bucket/key"),
        Request("GET", "/", "Action=ListQueues&Version=2012-11-05"),
        Request("POST", "/", headers=FORM, body=b"Action=GetQueueAttributes&QueueUrl=u"),
        Request("POST", "/123456789012/q", headers=FORM, body=b"Action=GetQueueAttributes"),
        Request("POST", "/", headers={"x-amz-target": "DynamoDB_20120810.GetItem"}, body=b'{"TableName": "T"}'),
        Request("POST", "/", headers={"x-amz-target": "TrentService.Verify"}, body=b"{}"),
        Request("OPTIONS", "/bucket/key"),
    ],
    ids=lambda request: f"{request.method} {request.path} {request.query or request.body.decode()}",
)
def test_a_request_that_only_reads_is_not_kept(request_: Request) -> None:
    assert not changes_something(request_)
