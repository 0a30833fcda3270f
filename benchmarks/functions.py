"""Functions cold and warm, in Node.js and Python, and a stack of 20 resources: as a client on the wire sees them.

Cold is the first call of a function whose process is yet to be made, on a server that has run another of its language;
warm is what two clients get in parallel, as milliseconds of the clock for each call: 300 calls a second are 3.33 ms.
"""

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from benchmarks.resources import TRUST, packed
from benchmarks.table import Figure
from benchmarks.wire import client_of, server

SOURCES: Final = {
    "Node.js": ("nodejs22.x", "index.mjs", "export const handler = async (event) => event;", 200.0, 1000 / 300),
    "Python": ("python3.12", "index.py", "def handler(event, context): return event", 200.0, 1000 / 300),
}
"""Language: runtime, file, source; the bars of a cold and of a warm call, in milliseconds."""
_COLD: Final = 7
_CALLS: Final = 1_500


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch)) as (_, client):
        url = client.meta.endpoint_url
        role = client_of("iam", url).create_role(RoleName="bench", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        for language, (runtime, file, source, cold, warm) in SOURCES.items():
            if language != "Node.js" or shutil.which("node"):
                names = [_made(url, role, f"{runtime[:4]}{n}", runtime, file, source) for n in range(_COLD + 1)]
                _call(url, names[0])
                yield Figure(f"{language}: a first call, median of {_COLD}", _cold(url, names[1:]), "ms", cold)
                yield Figure(f"{language}: a warm call, two clients", _warm(url, names[0]), "ms", warm)
        yield Figure("a stack of 20 resources is made", min(_stack(url, n) for n in range(3)), "s", 3.0)
        yield Figure("one of its resources is changed", min(_change(url) for _ in range(3)), "s", 1.0)


def _made(url: str, role: str, name: str, runtime: str, file: str, source: str) -> str:
    client_of("lambda", url).create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=role,
        Handler="index.handler",
        Code=packed(file, source),
        Description=name,
    )
    return name


def _call(url: str, name: str, client: Any = None) -> float:
    """Milliseconds."""
    client = client or client_of("lambda", url)
    began = time.perf_counter()
    assert json.load(client.invoke(FunctionName=name, Payload=b"[1]")["Payload"]) == [1]
    return (time.perf_counter() - began) * 1e3


def _cold(url: str, names: list[str]) -> float:
    client = client_of("lambda", url)
    return statistics.median(_call(url, name, client) for name in names)


def _warm(url: str, name: str) -> float:
    def caller(_: int) -> None:
        client = client_of("lambda", url)
        for _ in range(_CALLS // 2):
            _call(url, name, client)

    with ThreadPoolExecutor(2) as clients:
        list(clients.map(caller, range(2)))  # the processes are made, the clients have their connections
        began = time.perf_counter()
        list(clients.map(caller, range(2)))
        return (time.perf_counter() - began) * 1e3 / _CALLS


def _template(comment: str) -> str:
    """Four functions with role and log group, four state machines, two tables, a topic and a queue: 20 resources."""
    role = {"AssumeRolePolicyDocument": json.loads(TRUST)}
    definition = {"Comment": comment, "StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    key = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    table = {**key, "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}
    made: dict[str, Any] = {f"Table{n}": {"Type": "AWS::DynamoDB::Table", "Properties": table} for n in range(2)}
    made |= {"Topic": {"Type": "AWS::SNS::Topic"}, "Queue": {"Type": "AWS::SQS::Queue"}}
    for n in range(4):
        arn = {"Fn::GetAtt": [f"Role{n}", "Arn"]}
        code = {"Runtime": "python3.12", "Handler": "index.h", "Role": arn, "Code": {"ZipFile": "def h(e, c): pass"}}
        machine = {"RoleArn": arn, "Definition": definition if n == 0 else {**definition, "Comment": str(n)}}
        made[f"Role{n}"] = {"Type": "AWS::IAM::Role", "Properties": role}
        made[f"Log{n}"] = {"Type": "AWS::Logs::LogGroup"}
        made[f"Function{n}"] = {"Type": "AWS::Lambda::Function", "Properties": code}
        made[f"Machine{n}"] = {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}
    assert len(made) == 20
    return json.dumps({"Resources": made})


def _stack(url: str, number: int) -> float:
    """Seconds."""
    began = time.perf_counter()
    api = client_of("cloudformation", url)
    api.create_stack(StackName=f"bench{number}", TemplateBody=_template("made"), Capabilities=["CAPABILITY_IAM"])
    return _standing(api, f"bench{number}", "CREATE_COMPLETE", began)


def _change(url: str) -> float:
    began = time.perf_counter()
    api = client_of("cloudformation", url)
    body = _template(f"changed at {began}")
    api.update_stack(StackName="bench0", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    return _standing(api, "bench0", "UPDATE_COMPLETE", began)


def _standing(api: Any, name: str, status: str, began: float) -> float:
    while (told := api.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("IN_PROGRESS"):
        time.sleep(0.01)  # noqa: TID251 - as any client waits
    return time.perf_counter() - began if told == status else float("inf")
