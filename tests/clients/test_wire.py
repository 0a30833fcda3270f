"""The protocol's edges, byte by byte, over a socket."""

import gzip
import http.client
import json
import re
import socket
from typing import NamedTuple

import pytest

from tests.processes import Process
from tests.waiting import PATIENCE

JSON = "application/x-amz-json-1.0"
SIGNED = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        error = json.loads(self.body)
        assert self.headers["x-amzn-errortype"] == error["__type"].rpartition("#")[2]
        assert error["message"]
        return self.headers["x-amzn-errortype"]


def ask(
    server: Process,
    body: bytes = b"{}",
    *,
    method: str = "POST",
    path: str = "/",
    target: str | None = "AWSStepFunctions.ListActivities",
    **headers: str,
) -> Answer:
    named = {"Content-Type": JSON, **({"X-Amz-Target": target} if target else {})}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)
    connection.request(method, path, body, named)
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    answer = Answer(response.status, found, response.read())
    connection.close()
    return answer


def test_an_answer_has_awss_headers(server: Process) -> None:
    answer = ask(server)
    assert (answer.status, answer.headers["content-type"]) == (200, JSON)
    assert len(answer.headers["x-amzn-requestid"]) == 36
    assert "access-control-allow-origin" not in answer.headers
    assert "activities" in json.loads(answer.body)


@pytest.mark.parametrize(
    "kind", [JSON, "application/x-amz-json-1.1", "application/json; charset=utf-8", "text/plain", ""]
)
def test_the_target_decides_and_not_the_content_type(server: Process, kind: str) -> None:
    assert ask(server, Content_Type=kind).status == 200


def test_an_empty_body_is_an_empty_request(server: Process) -> None:
    assert ask(server, b"").status == 200


def test_members_no_one_knows_are_passed_over(server: Process) -> None:
    assert ask(server, b'{"fromTomorrow": {"a": [1]}, "nextToken": null}').status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b"1",
        b"\xa0",
        b'{"nextToken": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
    ],
    ids=["half", "list", "null", "number", "cbor", "not UTF-8", "deep lists", "deep objects"],
)
def test_a_body_that_is_no_json_object_is_a_serialization_exception(server: Process, body: bytes) -> None:
    answer = ask(server, body)
    assert (answer.status, answer.code) == (400, "SerializationException")


@pytest.mark.parametrize(
    "target", ["AWSStepFunctions.MakeCoffee", "AWSStepFunctions.", "AWSStepFunctions.listActivities"]
)
def test_an_operation_no_one_knows_is_said_by_name(server: Process, target: str) -> None:
    answer = ask(server, target=target)
    assert (answer.status, answer.code) == (400, "UnknownOperationException")
    assert target in json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": SIGNED}, {"Host": "states.us-east-1.amazonaws.com"}, {"Host": "sync-states.localhost"}],
)
def test_a_request_for_step_functions_without_a_target_is_told_so(server: Process, headers: dict[str, str]) -> None:
    answer = ask(server, target=None, **headers)
    assert (answer.status, answer.code) == (400, "UnknownOperationException")
    assert "X-Amz-Target" in json.loads(answer.body)["message"]


def test_smithys_cbor_protocol_is_refused_as_the_model_has_only_json(server: Process) -> None:
    path = "/service/AWSStepFunctions/operation/ListActivities"
    told = {"smithy_protocol": "rpc-v2-cbor", "Content_Type": "application/cbor", "Authorization": SIGNED}
    assert ask(server, b"\xa0", path=path, target=None, **told).code == "UnknownOperationException"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_operations_are_posted(server: Process, method: str) -> None:
    assert ask(
        server, b'{"name": "by-another-method"}', method=method, target="AWSStepFunctions.CreateActivity"
    ).code == ("UnknownOperationException")
    assert b"by-another-method" not in ask(server, b'{"maxResults": 1000}').body


def test_a_compressed_body_is_read(server: Process) -> None:
    answer = ask(server, gzip.compress(b'{"maxResults": 1001}'), Content_Encoding="gzip")
    assert "Value '1001' at 'maxResults'" in answer.body.decode()


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (b"{}", "gzip", 400, "SerializationException"),
        (b"{}", "br", 400, "SerializationException"),
        (gzip.compress(b" " * 50_000_000), "gzip", 413, "RequestEntityTooLargeException"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(
    server: Process, body: bytes, encoding: str, status: int, code: str
) -> None:
    answer = ask(server, body, Content_Encoding=encoding)
    assert (answer.status, answer.code) == (status, code)


def test_a_body_beyond_all_reason_is_refused(server: Process) -> None:
    assert ask(server, b" " * 9_000_000).code == "RequestEntityTooLargeException"


# -- HTTP


def conversation(server: Process, *said: bytes) -> bytes:
    """Says one thing after another on one connection, each after the answer to the one before; all that came back."""
    host, port = server.url.removeprefix("http://").split(":")
    heard = b""
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
        for words in said:
            line.sendall(words)
            heard += answer(line)
    return heard


def answer(line: socket.socket) -> bytes:
    """One answer whole, however many pieces it comes in."""
    heard = b""
    while not (told := _ANSWER.match(heard)) or len(told["body"]) < int(told["length"] or 0):
        part = line.recv(65536)
        assert part, heard
        heard += part
    return heard


_ANSWER = re.compile(rb"HTTP/1\.1 (?:100|.*?\r\ncontent-length: (?P<length>\d+)).*?\r\n\r\n(?P<body>.*)", re.S | re.I)


def head(*lines: str, version: str = "1.1") -> bytes:
    return "\r\n".join(
        [f"POST / HTTP/{version}", "X-Amz-Target: AWSStepFunctions.ListMapRuns", *lines, "", ""]
    ).encode()


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(server: Process) -> None:
    heard = conversation(server, head("Host: localhost", "Content-Length: 2", "Expect: 100-continue"), b"{}")
    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")


def test_one_connection_serves_many_requests(server: Process) -> None:
    one = head("Host: localhost", "Content-Length: 2") + b"{}"
    assert conversation(server, one, one, one).count(b"HTTP/1.1 400 ") == 3


def test_an_old_client_without_a_host_is_answered_and_let_go(server: Process) -> None:
    heard = conversation(server, head("Content-Length: 2", version="1.0") + b"{}")
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in heard


def test_a_body_in_chunks_is_put_together(server: Process) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (b'{"execution', b'Arn": "x"}', b""))
    heard = conversation(server, head("Host: localhost", "Transfer-Encoding: chunked") + chunks)
    assert b"Invalid ARN prefix: x" in heard


# -- browsers


def preflight(server: Process, origin: str) -> Answer:
    asked = {"Origin": origin, "Access_Control_Request_Method": "POST"}
    asked["Access_Control_Request_Headers"] = "authorization,content-type,x-amz-target"
    return ask(server, b"", method="OPTIONS", target=None, **asked)


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://app.localhost"])
def test_a_page_that_was_allowed_may_call(server: Process, origin: str) -> None:
    asked = preflight(server, origin)
    assert asked.status == 204
    assert asked.headers["access-control-allow-origin"] == origin
    assert "x-amz-target" in asked.headers["access-control-allow-headers"]
    assert ask(server, Origin=origin).headers["access-control-allow-origin"] == origin
    tables = ask(server, target="DynamoDB_20120810.ListTables", Origin=origin)
    assert (tables.status, tables.headers["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://bucket.s3.amazonaws.com",
        "http://6.6.6.6",
        "http://127.0.0.1",
        "http://localhost:3001",
    ],
)
def test_a_page_of_another_place_may_not(server: Process, origin: str) -> None:
    asked = preflight(server, origin)
    assert (asked.status, asked.code) == (403, "OriginNotAllowed")
    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in ask(server, Origin=origin).headers


@pytest.mark.parametrize("host", ["sync-localhost:8083", "sync-127.0.0.1", "sync-states.eu-west-1.amazonaws.com"])
def test_the_prefix_sdks_put_before_any_host_is_no_stranger(server: Process, host: str) -> None:
    assert ask(server, Host=host).status == 200
