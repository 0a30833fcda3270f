"""The service of a request is read from the request."""

from urllib.parse import quote

import pytest

from sfn_emulator.cloud.requests.addressing import Address, DataPlane, FunctionUrl, address, bucket_path, data_plane
from sfn_emulator.cloud.requests.message import Request

SCOPE = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/%s/aws4_request, SignedHeaders=host, Signature=0"


def signed(service: str, path: str = "/", **headers: str) -> Request:
    return Request("POST", path, headers={"authorization": SCOPE % service, **headers})


def unsigned(host: str = "localhost:8083", path: str = "/", query: str = "", body: bytes = b"") -> Request:
    kind = {"content-type": "application/x-www-form-urlencoded"} if body else {}
    return Request("POST", path, query, {"host": host, **kind}, body)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (signed("dynamodb"), Address("dynamodb", "eu-west-1")),
        (signed("states", host="sync-localhost"), Address("states", "eu-west-1")),
        (signed("lambda", "/2015-03-31/functions"), Address("lambda", "eu-west-1")),
        (unsigned("sync-states.us-west-2.amazonaws.com"), Address("states", "us-west-2")),
        (unsigned("dynamodb.us-west-2.amazonaws.com"), Address("dynamodb", "us-west-2")),
        (unsigned("sqs.us-west-2.localhost.localstack.cloud:4566"), Address("sqs", "us-west-2")),
        (unsigned("bucket.s3.eu-west-1.amazonaws.com"), Address("s3", "eu-west-1")),
        (unsigned(path="/2015-03-31/functions/f/invocations"), Address("lambda", "us-east-1")),
        (unsigned(path="/restapis/abc"), Address("apigateway", "us-east-1")),
        (unsigned(path="/123456789012/queue"), Address("sqs", "us-east-1")),
        (unsigned(body=b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"), Address("sts", "us-east-1")),
        (unsigned(path="/bucket/key"), Address("s3", "us-east-1")),
        (
            unsigned(query="X-Amz-Credential=" + quote("AKIA/20260101/eu-west-1/s3/aws4_request", safe="")),
            Address("s3", "eu-west-1"),
        ),
        (Request("POST", "/", headers={"x-amz-target": "AWSEvents.PutEvents"}), Address("events", "us-east-1")),
    ],
)
def test_a_request_tells_which_service_and_region_it_is_for(request_: Request, expected: Address) -> None:
    assert address(request_) == expected


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("localhost", "/restapis/a1/prod/_user_request_/orders/1", DataPlane("a1", "prod", "/orders/1")),
        ("localhost", "/restapis/a1/prod/_user_request_", DataPlane("a1", "prod", "/")),
        ("localhost", "/_aws/execute-api/a1/prod/orders", DataPlane("a1", "prod", "/orders")),
        ("a1.execute-api.us-east-1.amazonaws.com", "/prod/orders", DataPlane("a1", "prod", "/orders")),
        ("a1.execute-api.localhost:8083", "/prod", DataPlane("a1", "prod", "/")),
        ("localhost", "/restapis/a1/stages", None),
        ("localhost", "/_aws/lambda-url/f1/a", FunctionUrl("f1", "/a")),
        ("f1.lambda-url.us-east-1.localhost:8083", "/a/b", FunctionUrl("f1", "/a/b")),
    ],
)
def test_calls_of_a_deployed_api_are_told_from_calls_about_it(host: str, path: str, expected: object) -> None:
    assert data_plane(Request("POST", path, headers={"host": host})) == expected


def test_a_buckets_own_host_means_its_path() -> None:
    assert bucket_path(unsigned("my.bucket.s3.localhost:8083", "/key")) == "/my.bucket/key"
    assert bucket_path(unsigned("localhost:8083", "/key")) is None
