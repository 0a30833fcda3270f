"""A Lambda function's URL answers on the local port as Lambda does."""

from typing import Any

import pytest

from tests.cloud.functions import LONG, ROLE, archive, deploy, make_role
from tests.cloud.rest.http.calling import called
from tests.processes import Process, running

HANDLER = """
def handler(event, context):
    body = event.get("body")
    if body == "raise": raise ValueError(body)
    if body == "made": return {"statusCode": 201, "cookies": ["a=1"], "headers": {"x-made": "yes"}, "body": "made"}
    return event
"""
STREAMED = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 202, headers: { 'x-from': event.rawPath } });
  stream.write('one,');
  stream.end('two');
});
"""


@pytest.fixture(scope="module")
def server() -> Any:
    with running("--in-memory") as started:
        make_role(started)
        yield started


def _url(server: Process, name: str, **settings: Any) -> str:
    deploy(server, name, HANDLER)
    made = server.client("lambda").create_function_url_config(FunctionName=name, **{"AuthType": "NONE", **settings})
    return str(made["FunctionUrl"])


def test_the_address_that_create_gives_answers(server: Process) -> None:
    url = _url(server, "plain")
    told = called(f"{url}a/b?x=1", "POST", '{"n": 1}', Cookie="c=1").json
    assert url.startswith(server.url)
    assert (told["version"], told["rawPath"], told["rawQueryString"], told["cookies"]) == (
        "2.0",
        "/a/b",
        "x=1",
        ["c=1"],
    )
    assert (told["routeKey"], told["requestContext"]["accountId"], told["body"]) == (
        "$default",
        "anonymous",
        '{"n": 1}',
    )
    assert server.client("lambda").get_function_url_config(FunctionName="plain")["FunctionUrl"] == url


def test_the_host_of_the_id_answers_too(server: Process) -> None:
    identity = _url(server, "hosted").rstrip("/").rpartition("/")[2]
    for host in ("lambda-url.us-east-1.localhost", "lambda-url.us-east-1.on.aws"):
        assert called(f"{server.url}/c", "GET", None, Host=f"{identity}.{host}").json["rawPath"] == "/c"


def test_the_url_of_an_alias_calls_the_aliass_version(server: Process) -> None:
    deploy(server, "aliased", "def handler(event, context): return context.function_version")
    client = server.client("lambda")
    version = client.publish_version(FunctionName="aliased")["Version"]
    client.create_alias(FunctionName="aliased", Name="live", FunctionVersion=version)
    made = client.create_function_url_config(FunctionName="aliased", Qualifier="live", AuthType="NONE")
    assert made["FunctionArn"].endswith(":aliased:live")
    assert called(made["FunctionUrl"], "GET", None).body == version
    client.delete_function_url_config(FunctionName=made["FunctionArn"])
    again = client.create_function_url_config(FunctionName=made["FunctionArn"], AuthType="NONE")
    assert called(again["FunctionUrl"], "GET", None).body == version


def test_a_status_code_headers_and_cookies_are_the_functions(server: Process) -> None:
    answer = called(_url(server, "making"), "POST", "made", Content_Type="text/plain")
    assert (answer.status, answer.body, answer.headers["x-made"]) == (201, "made", "yes")
    assert (answer.headers["set-cookie"], answer.headers["content-type"]) == ("a=1", "application/json")


def test_a_function_that_fails_is_a_bad_gateway(server: Process) -> None:
    answer = called(_url(server, "failing"), "POST", "raise", Content_Type="text/plain")
    assert (answer.status, answer.body) == (502, "Internal Server Error")


def test_unsigned_calls_of_a_signed_url_and_unknown_urls_are_forbidden(server: Process) -> None:
    signed = _url(server, "signed", AuthType="AWS_IAM")
    unknown = f"{server.url}/_aws/lambda-url/abc/"
    assert [called(url, "GET", None).status for url in (signed, unknown)] == [403, 403]
    assert called(signed, "GET", None, Authorization="AWS4-HMAC-SHA256 Credential=a").status == 200


def test_a_page_of_an_allowed_origin_may_call(server: Process) -> None:
    url = _url(server, "shared", Cors={"AllowOrigins": ["http://shop.test"], "AllowMethods": ["GET"]})
    asked = called(url, "OPTIONS", None, Origin="http://shop.test", Access_Control_Request_Method="GET")
    assert (asked.status, asked.headers["access-control-allow-methods"]) == (204, "GET")
    told = [called(url, "GET", None, Origin=f"http://{name}.test") for name in ("shop", "other")]
    assert [answer.headers["access-control-allow-origin"] for answer in told] == ["http://shop.test", None]


def test_the_prelude_of_a_streamed_answer_is_status_and_headers(server: Process) -> None:
    client = server.client("lambda")
    code = {"ZipFile": archive({"app.mjs": STREAMED})}
    told = {"Runtime": "nodejs20.x", "Role": ROLE, "Handler": "app.handler", "Timeout": LONG}
    client.create_function(FunctionName="streamed", Code=code, **told)
    made = client.create_function_url_config(FunctionName="streamed", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    answer = called(f"{made['FunctionUrl']}x", "GET", None)
    assert made["InvokeMode"] == "RESPONSE_STREAM"
    assert (answer.status, answer.headers["x-from"], answer.body) == (202, "/x", "one,two")
