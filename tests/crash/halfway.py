"""What has a middle, while servers are killed: connections, functions whose traffic goes over, change sets, streams and
how far they were read, objects so large that snapshots are written all the time, pages of Distributed Maps.

As in ``neighbours``: what was acknowledged must be found in the end.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.crash.machines import ROLE, block, machine
from tests.crash.neighbours import Speak, Subject, arn_of, rows_of, succeeded, zipped

_ITEMS: Final = 400
_TABLE: Final = {
    "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
_SEES: Final = """
import base64, boto3
rows = boto3.client("dynamodb")
def handler(event, context):
    for one in event["Records"]:
        told = one.get("kinesis")
        name = base64.b64decode(told["data"]).decode() if told else one["dynamodb"]["Keys"]["name"]["S"]
        rows.put_item(TableName="Seen", Item={"name": {"S": name}})
"""
_PAGED: Final = machine(
    "Each",
    Each={
        "Type": "Map",
        "Items": f"{{% [1..{_ITEMS}] %}}",
        "MaxConcurrency": 20,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            **block("One", One={"Type": "Pass", "End": True}),
        },
        "Output": "{% $sum($states.result) %}",
        "End": True,
    },
)
_LARGE: Final = bytes(6 * 1024 * 1024)
"""Eleven of them are a journal after which a snapshot is written."""
_KEPT: Final = 12
"""Large objects there are at a time."""
_MAPPING: Final[Mapping[str, Any]] = {"FunctionName": "see", "StartingPosition": "TRIM_HORIZON", "BatchSize": 5}


def prepare(to: Speak) -> None:
    for table in ("Seen", "Streamed"):
        told = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}}
        made = to("dynamodb").create_table(TableName=table, **_TABLE, **(told if table == "Streamed" else {}))
    to("s3").create_bucket(Bucket="kept")
    to("kinesis").create_stream(StreamName="stream", ShardCount=1)
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    to("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps({"Statement": [trusted]}))
    for name, source in (("see", _SEES), ("shifted", _source("0"))):
        to("lambda").create_function(
            FunctionName=name, Runtime="python3.12", Handler="app.handler", Role=ROLE, Timeout=60,
            Code={"ZipFile": zipped(source)},
        )  # fmt: skip
    to("lambda").publish_version(FunctionName="shifted")
    to("lambda").create_alias(FunctionName="shifted", Name="live", FunctionVersion="1")
    for source in (made["TableDescription"]["LatestStreamArn"], arn_of("kinesis", "stream/stream")):
        to("lambda").create_event_source_mapping(EventSourceArn=source, **_MAPPING)
    to("stepfunctions").create_state_machine(name="paged", definition=json.dumps(_PAGED), roleArn=ROLE)
    for service in ("events", "cloudformation"):  # made by one thread, used by many
        to(service)


def _source(name: str) -> str:
    return f"def handler(event, context): return {name!r}"


# -- how each kind is asked for


def _connect(to: Speak, name: str) -> None:
    to("events").create_connection(
        Name=name, AuthorizationType="OAUTH_CLIENT_CREDENTIALS",
        AuthParameters={"OAuthParameters": {
            "AuthorizationEndpoint": "http://127.0.0.1:9/token", "HttpMethod": "POST",
            "ClientParameters": {"ClientID": name, "ClientSecret": "secret"}}},
    )  # fmt: skip


def _shift(to: Speak, name: str) -> None:
    """New code, a version of it, a part of the traffic, all of the traffic; the alias of the version has its name."""
    functions = to("lambda")
    functions.update_function_code(FunctionName="shifted", ZipFile=zipped(_source(name)))
    version = functions.publish_version(FunctionName="shifted")["Version"]
    before = functions.get_alias(FunctionName="shifted", Name="live")["FunctionVersion"]
    if before != version:
        weights = {"AdditionalVersionWeights": {version: 0.5}}
        functions.update_alias(FunctionName="shifted", Name="live", FunctionVersion=before, RoutingConfig=weights)
    functions.update_alias(FunctionName="shifted", Name="live", FunctionVersion=version, RoutingConfig={})
    functions.create_alias(FunctionName="shifted", Name=name, FunctionVersion=version)


def _change(to: Speak, name: str) -> None:
    """A stack by a change set, which is executed."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
    stacks = to("cloudformation")
    stacks.create_change_set(
        StackName=name, ChangeSetName="first", ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Q": queue}}),
    )  # fmt: skip
    stacks.get_waiter("change_set_create_complete").wait(
        StackName=name, ChangeSetName="first", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    stacks.execute_change_set(StackName=name, ChangeSetName="first")


def _large(to: Speak, name: str) -> None:
    number = int(name.rpartition("-")[2])
    to("s3").put_object(Bucket="kept", Key=str(number % _KEPT), Body=_LARGE)
    to("dynamodb").put_item(TableName="Seen", Item={"name": {"S": name}})


ASKS: Final[Mapping[str, Callable[[Speak, str], object]]] = {
    "connection": _connect,
    "shift": _shift,
    "change": _change,
    "streamed": lambda to, name: to("dynamodb").put_item(TableName="Streamed", Item={"name": {"S": name}}),
    "record": lambda to, name: to("kinesis").put_record(StreamName="stream", Data=name.encode(), PartitionKey="k"),
    "large": _large,
    "paged": lambda to, name: to("stepfunctions").start_execution(
        stateMachineArn=arn_of("states", "stateMachine:paged"), name=name
    ),
}


# -- where each kind is found in the end


def _connections(to: Speak) -> Iterable[str]:
    """Those whose secret is there, too."""
    for one in to("events").list_connections(Limit=100)["Connections"]:
        told = to("events").describe_connection(Name=one["Name"])
        to("secretsmanager").describe_secret(SecretId=told["SecretArn"])
        yield told["AuthParameters"]["OAuthParameters"]["ClientParameters"]["ClientID"]


def _shifted(to: Speak) -> Iterable[str]:
    """Those whose code answers under their alias."""
    for page in to("lambda").get_paginator("list_aliases").paginate(FunctionName="shifted"):
        for one in page["Aliases"]:
            if one["Name"] != "live":
                told = to("lambda").invoke(FunctionName="shifted", Qualifier=one["Name"])["Payload"].read()
                if json.loads(told) == one["Name"]:
                    yield one["Name"]


def _changed(to: Speak) -> Iterable[str]:
    queues = {url.rpartition("/")[2] for url in to("sqs").list_queues(QueueNamePrefix="change-").get("QueueUrls", [])}
    for page in to("cloudformation").get_paginator("describe_stacks").paginate():
        for one in page["Stacks"]:
            name, status = one["StackName"], one["StackStatus"]
            if (status, name in queues) in (("CREATE_COMPLETE", True), ("ROLLBACK_COMPLETE", False)):
                yield name


def _paged(to: Speak) -> Iterable[str]:
    for one in succeeded("paged")(to):
        with suppress(ClientError):
            told = to("stepfunctions").describe_execution(executionArn=one["executionArn"])
            if told["output"] == str(sum(range(_ITEMS + 1))):
                yield one["name"]


FOUND: Final[Mapping[str, Callable[[Speak], Iterable[str]]]] = {
    "connection": _connections,
    "shift": _shifted,
    "change": _changed,
    "streamed": rows_of("Seen"),
    "record": rows_of("Seen"),
    "large": rows_of("Seen"),
    "paged": _paged,
}
HALFWAY: Final = Subject(ASKS, FOUND, prepare)
