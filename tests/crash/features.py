"""What came after the first trials, while servers are killed: destinations, events, versions and aliases, executions
started again at a state, Distributed Maps that are redriven, HTTP Tasks with OAuth, stacks and traffic mid-update.

As in ``neighbours``: what was acknowledged must be found in the end. A stack is whole as it was or as it was to be.
"""

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from botocore.exceptions import ClientError, ConnectionClosedError

from tests.crash.machines import ROLE, block, machine
from tests.crash.neighbours import (
    TABLE,
    Speak,
    Subject,
    arn_of,
    furnish,
    queue_of,
    received,
    rows_of,
    succeeded,
)

QUEUES: Final = ("destined", "events", "topics")
_AGAIN: Final = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 50, "BackoffRate": 1}
_STEPS: Final = machine(
    "First",
    First={"Type": "Pass", "Next": "Second"},
    Second={"Type": "Wait", "Seconds": 1, "Next": "Third"},
    Third={
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Arguments": {"TableName": "Seen", "Item": {"name": {"S": "{% $states.input.name %}"}}},
        "End": True,
    },
)
_ITEM: Final = {
    "Type": "Task",
    "Resource": "arn:aws:states:::dynamodb:putItem",
    "Arguments": {"TableName": "Items", "Item": {"name": {"S": "{% $states.input %}"}}},
    "Next": "Broken",
}
_BROKEN: Final = {
    "Type": "Choice",
    "Choices": [{"Condition": "{% $states.context.Execution.RedriveCount = 0 and $contains($states.input, '#3') %}",
                 "Next": "No"}],
    "Default": "Yes",
}  # fmt: skip
_MAPPED: Final = machine(
    "Each",
    Each={
        "Type": "Map",
        "Items": "{% [0..5].($states.context.Execution.Name & '#' & $string($)) %}",
        "MaxConcurrency": 3,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **block("Call", Call=_ITEM, Broken=_BROKEN, No={"Type": "Fail", "Error": "Broken"},
                    Yes={"Type": "Pass", "Output": 1, "End": True}),
        },
        "Output": "{% $sum($states.result) %}",
        "End": True,
    },
)  # fmt: skip
_ECHO: Final = "def handler(event, context): return event"


def look_around(to: Speak) -> None:
    """Trials of a state and downloads of histories, which keep nothing and must say what is so."""
    states = to("stepfunctions")
    told = states.test_state(definition='{"Type":"Pass","Result":7,"End":true}', roleArn=ROLE)
    assert (told["status"], told["output"]) == ("SUCCEEDED", "7"), told
    for one in states.list_executions(stateMachineArn=_machine("mapped"), maxResults=20)["executions"]:
        url = f"{states.meta.endpoint_url}/_sfn/api/download?arn={one['executionArn']}"
        with suppress(OSError, HTTPException), urllib.request.urlopen(url, timeout=30) as answer:
            assert "events" in json.loads(answer.read()), one


class Partner:
    """A server of somebody else: it gives out tokens, and answers those who bring one."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"] or 0))
                self._say({"access_token": "good", "token_type": "Bearer", "expires_in": 3600})

            def do_GET(self) -> None:
                known = self.headers["authorization"] == "Bearer good"
                self._say({"ok": known}, 200 if known else 401)

            def _say(self, told: Any, status: int = 200) -> None:
                data = json.dumps(told).encode()
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def prepare(to: Speak, partner: str) -> None:
    furnish(to, ("Seen", "Items"), QUEUES, "echo", _ECHO)
    to("lambda").publish_version(FunctionName="echo")
    to("lambda").put_function_event_invoke_config(
        FunctionName="echo", DestinationConfig={"OnSuccess": {"Destination": arn_of("sqs", "destined")}}
    )
    to("events").put_rule(Name="all", EventPattern=json.dumps({"source": ["trial"]}))
    to("events").put_targets(Rule="all", Targets=[{"Id": "q", "Arn": arn_of("sqs", "events")}])
    topic = to("sns").create_topic(Name="topic")["TopicArn"]
    to("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of("sqs", "topics"),
                        Attributes={"RawMessageDelivery": "true"})  # fmt: skip
    to("logs").create_log_group(logGroupName="log")
    to("logs").create_log_stream(logGroupName="log", logStreamName="one")
    connection = to("events").create_connection(
        Name="partner", AuthorizationType="OAUTH_CLIENT_CREDENTIALS",
        AuthParameters={"OAuthParameters": {
            "AuthorizationEndpoint": f"{partner}/token", "HttpMethod": "POST",
            "ClientParameters": {"ClientID": "me", "ClientSecret": "secret"}}},
    )["ConnectionArn"]  # fmt: skip
    call = {"ApiEndpoint": partner, "Method": "GET", "Authentication": {"ConnectionArn": connection}}
    called = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Arguments": call, "Retry": [_AGAIN],
              "End": True}  # fmt: skip
    for name, definition in (("steps", _STEPS), ("mapped", _MAPPED), ("partner", machine("Call", Call=called))):
        told = to("stepfunctions").create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        to("stepfunctions").publish_state_machine_version(stateMachineArn=told["stateMachineArn"])
    to("stepfunctions").start_execution(stateMachineArn=_machine("steps"), name="origin", input='{"name":"origin"}')
    to("cloudformation")


def _machine(name: str) -> str:
    return arn_of("states", f"stateMachine:{name}")


def _start(name_of_machine: str) -> Callable[[Speak, str], object]:
    return lambda to, name: to("stepfunctions").start_execution(stateMachineArn=_machine(name_of_machine), name=name)


def _again(to: Speak, name: str) -> None:
    """As the page does it: with its token."""
    url = to("stepfunctions").meta.endpoint_url
    told = {"arn": arn_of("states", "execution:steps:origin"), "state": "Third", "name": name,
            "data": json.dumps({"name": name}), "event": 6}  # fmt: skip
    try:
        with urllib.request.urlopen(f"{url}/_sfn/", timeout=30) as page:
            token = re.search(rb'name="token" content="([^"]+)"', page.read())
        assert token is not None
        request = urllib.request.Request(
            f"{url}/_sfn/api/again", json.dumps(told).encode(), {"x-sfn-token": token[1].decode()}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["executionArn"].endswith(name)
    except urllib.error.HTTPError as error:
        if error.code != 403:  # the token of a server that has died since
            raise AssertionError(f"{error.code} {error.read()!r}") from None
        raise ConnectionClosedError(endpoint_url=url) from None
    except (OSError, HTTPException):
        raise ConnectionClosedError(endpoint_url=url) from None


def _template(name: str, word: str) -> str:
    """A queue that stays, a table that is new, a topic that goes; and an alias whose traffic goes over."""
    table = {"KeySchema": TABLE["KeySchema"], "AttributeDefinitions": TABLE["AttributeDefinitions"],
             "BillingMode": "PAY_PER_REQUEST"}  # fmt: skip
    definition = json.dumps({"Comment": word, **machine("End", End={"Type": "Succeed"})})
    resources: dict[str, Any] = {
        "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, "VisibilityTimeout": 20 + len(word)}},
        "M": {"Type": "AWS::StepFunctions::StateMachine", "DependsOn": "Q", "Properties": {
            "StateMachineName": name, "RoleArn": ROLE, "DefinitionString": definition}},
        "V": {"Type": "AWS::StepFunctions::StateMachineVersion", "UpdateReplacePolicy": "Retain", "Properties": {
            "StateMachineArn": {"Ref": "M"},
            "StateMachineRevisionId": {"Fn::GetAtt": ["M", "StateMachineRevisionId"]}}},
        "Live": {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": {"Name": "live",
            "DeploymentPreference": {"Type": "LINEAR", "Percentage": 50, "Interval": 1,
                                     "StateMachineVersionArn": {"Ref": "V"}}}},
    }  # fmt: skip
    if word == "old":
        resources["T"] = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
    else:
        resources["D"] = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name, **table}}
    return json.dumps({"Resources": resources})


def _updated(to: Speak, name: str) -> None:
    stacks = to("cloudformation")
    stacks.create_stack(StackName=name, TemplateBody=_template(name, "old"))
    while (status := stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]) == "CREATE_IN_PROGRESS":
        threading.Event().wait(0.1)
    if status == "CREATE_COMPLETE":
        with suppress(ClientError):  # a kill came between, and it is being undone
            stacks.update_stack(StackName=name, TemplateBody=_template(name, "newer"))


def _stacks(to: Speak) -> Iterable[str]:
    tables = {name for page in to("dynamodb").get_paginator("list_tables").paginate() for name in page["TableNames"]}
    topics = {one["TopicArn"].rpartition(":")[2] for page in to("sns").get_paginator("list_topics").paginate()
              for one in page["Topics"]}  # fmt: skip
    for page in to("cloudformation").get_paginator("describe_stacks").paginate():
        for one in page["Stacks"]:
            name, status = one["StackName"], one["StackStatus"]
            there = (_word(to, name), name in topics, name in tables)
            if there == _WANTED.get(status):
                yield name
            elif status in _WANTED:
                print(f"{name} {status}: {there}")


_WANTED: Final[Mapping[str, Any]] = {
    "CREATE_COMPLETE": (("old", 23, ["old"]), True, False),
    "UPDATE_COMPLETE": (("newer", 25, ["newer"]), False, True),
    "UPDATE_ROLLBACK_COMPLETE": (("old", 23, ["old"]), True, False),
    "ROLLBACK_COMPLETE": (None, False, False),
}


def _word(to: Speak, name: str) -> Any:
    """What the machine says, how long the queue hides, and what all traffic of the alias goes to."""
    states = to("stepfunctions")
    try:
        told = json.loads(states.describe_state_machine(stateMachineArn=_machine(name))["definition"])["Comment"]
        hidden = to("sqs").get_queue_attributes(QueueUrl=queue_of(name), AttributeNames=["VisibilityTimeout"])
        routes = states.describe_state_machine_alias(stateMachineAliasArn=_machine(f"{name}:live"))
        words = [json.loads(states.describe_state_machine(stateMachineArn=row["stateMachineVersionArn"])
                            ["definition"])["Comment"] for row in routes["routingConfiguration"]]  # fmt: skip
        return told, int(hidden["Attributes"]["VisibilityTimeout"]), words
    except ClientError:
        return None


def _redriven(to: Speak) -> Iterable[str]:
    """Those that are failed are redriven, those that succeeded must have all of it."""
    states = to("stepfunctions")
    for page in states.get_paginator("list_executions").paginate(
        stateMachineArn=_machine("mapped"), statusFilter="FAILED"
    ):
        for one in page["executions"]:
            with suppress(ClientError):
                states.redrive_execution(executionArn=one["executionArn"])
    for one in succeeded("mapped")(to):
        told = states.describe_execution(executionArn=one["executionArn"])
        run = states.list_map_runs(executionArn=one["executionArn"])["mapRuns"][0]["mapRunArn"]
        counts = states.describe_map_run(mapRunArn=run)["itemCounts"]
        if told["output"] == "6" and (counts["succeeded"], counts["total"]) == (6, 6):
            yield one["name"]
        else:
            print(one["name"], told["output"], counts)


def _put_event(to: Speak, name: str) -> None:
    told = to("events").put_events(Entries=[{"Source": "trial", "DetailType": name, "Detail": "{}"}])
    assert not told["FailedEntryCount"], told


def _logged(to: Speak, name: str) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 - by the servers' clock
    to("logs").put_log_events(logGroupName="log", logStreamName="one", logEvents=[{"timestamp": now, "message": name}])


def _all(to: Speak, service: str, operation: str, key: str, name: str, **asked: Any) -> list[str]:
    pages = to(service).get_paginator(operation).paginate(**asked)
    return [one[name] for page in pages for one in page[key]]


ASKS: Final[Mapping[str, Callable[[Speak, str], object]]] = {
    "destined": lambda to, name: to("lambda").invoke(
        FunctionName="echo", InvocationType="Event", Payload=json.dumps(name)
    ),
    "event": _put_event,
    "topic": lambda to, name: to("sns").publish(TopicArn=arn_of("sns", "topic"), Message=name),
    "log": _logged,
    "secret": lambda to, name: to("secretsmanager").create_secret(Name=name, SecretString=name),
    "parameter": lambda to, name: to("ssm").put_parameter(Name=name, Value=name, Type="String"),
    "alias": lambda to, name: to("lambda").create_alias(FunctionName="echo", Name=name, FunctionVersion="1"),
    "route": lambda to, name: to("stepfunctions").create_state_machine_alias(
        name=name, routingConfiguration=[{"stateMachineVersionArn": _machine("steps:1"), "weight": 100}]
    ),
    "again": _again,
    "mapped": _start("mapped"),
    "oauth": _start("partner"),
    "stack": _updated,
    "pile": _updated,
    "heap": _updated,
}
FOUND: Final[Mapping[str, Callable[[Speak], Iterable[str]]]] = {
    "destined": lambda to: [json.loads(text)["responsePayload"] for text in received("destined")(to)],
    "event": lambda to: [json.loads(text)["detail-type"] for text in received("events")(to)],
    "topic": received("topics"),
    "log": lambda to: _all(to, "logs", "filter_log_events", "events", "message", logGroupName="log"),
    "secret": lambda to: _all(to, "secretsmanager", "list_secrets", "SecretList", "Name"),
    "parameter": lambda to: _all(to, "ssm", "describe_parameters", "Parameters", "Name"),
    "alias": lambda to: _all(to, "lambda", "list_aliases", "Aliases", "Name", FunctionName="echo"),
    "route": lambda to: [
        one["stateMachineAliasArn"].rpartition(":")[2]
        for one in to("stepfunctions").list_state_machine_aliases(stateMachineArn=_machine("steps"), maxResults=1000)[
            "stateMachineAliases"
        ]
    ],
    "again": rows_of("Seen"),
    "mapped": _redriven,
    "oauth": lambda to: [one["name"] for one in succeeded("partner")(to)],
    "stack": _stacks,
    "pile": _stacks,
    "heap": _stacks,
}


def subject(partner: Partner) -> Subject:
    return Subject(ASKS, FOUND, lambda to: prepare(to, partner.url), look_around)
