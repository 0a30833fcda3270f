"""The permissions that are checked, with `--iam` off and with `--iam enforce`."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import bundle
from tests.processes import Process, running

SECURE_ONLY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::kept", "arn:aws:s3:::kept/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}


def put(server: Process, policy: dict[str, Any]) -> None:
    objects = server.client("s3")
    objects.create_bucket(Bucket="kept")
    objects.put_bucket_policy(Bucket="kept", Policy=json.dumps(policy))
    objects.put_object(Bucket="kept", Key="k", Body=b"x")
    assert objects.get_object(Bucket="kept", Key="k")["Body"].read() == b"x"


def test_with_iam_off_policies_roles_and_versions_stop_nobody() -> None:
    with running("--in-memory") as server:
        put(server, SECURE_ONLY)
        iam = server.client("iam")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps({"Statement": [statement]}))
        made = server.client("lambda").create_function(
            FunctionName="f",
            Runtime="python3.12",
            Role="arn:aws:iam::123456789012:role/nobody-made-it",
            Handler="app.handler",
            Code={"ZipFile": bundle(app="def handler(e, c): return 1")},
        )
        assert made["Role"].endswith("nobody-made-it")


def test_with_iam_enforced_a_bucket_policy_counts_where_its_conditions_hold() -> None:
    with running("--in-memory", "--iam", "enforce") as server:
        put(server, SECURE_ONLY)
        always = {"Version": "2012-10-17", "Statement": [{**SECURE_ONLY["Statement"][0], "Condition": {}}]}
        server.client("s3").put_bucket_policy(Bucket="kept", Policy=json.dumps(always))
        with pytest.raises(ClientError, match="403"):
            server.client("s3").get_object(Bucket="kept", Key="k")
