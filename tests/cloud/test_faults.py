"""What a neighbour that fails inside tells its caller: AWS's InternalFailure and a sentence, never an exception."""

import logging
import subprocess
import sys

import pytest

from sfn_emulator.cloud.message import Reply, Request
from sfn_emulator.cloud.neighbours import Neighbours

ACCOUNT = "123456789012"
JSON = {"content-type": "application/x-amz-json-1.1"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def asked(service: str, target: str, body: bytes) -> Reply:
    headers = {**JSON, "x-amz-target": target} if target else FORM
    return Neighbours(ACCOUNT).answer(service, "us-east-1", Request("POST", "/", "", headers, body))


@pytest.mark.parametrize(
    ("service", "target", "body"),
    [
        ("dynamodb", "DynamoDB_20120810.PutItem", b"{}"),
        ("kms", "TrentService.Encrypt", b"{}"),
        ("sns", "", b"Action=Publish&Version=2010-03-31"),
    ],
)
def test_a_fault_inside_is_a_sentence_and_the_log_has_it_whole(
    service: str, target: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        reply = asked(service, target, body)
    assert reply.status == 500
    assert b"InternalFailure" in reply.body
    assert b"met a fault of its own; the emulator" in reply.body
    assert b"Error:" not in reply.body
    assert "Traceback" in caplog.text


MISSING = """
import sys
sys.modules["pyparsing"] = sys.modules["aws_xray_sdk"] = None
from sfn_emulator.cloud.message import Request
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
