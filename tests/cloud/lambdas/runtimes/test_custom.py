"""Custom runtimes: any program that speaks the Runtime API, and what is refused when a function is created."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import LONG, ROLE, invoke, make_role
from tests.processes import Process, running
from tests.waiting import until

SHELL = """#!/bin/sh
echo "loaded $_HANDLER" >&2
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while true; do
  event=$(curl -sS -D /tmp/headers.$$ "$api/next")
  id=$(tr -d '\\r' < /tmp/headers.$$ | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  case $event in
    *fail*) curl -s -o /dev/null "$api/$id/error" -d '{"errorType":"Shell.Refused","errorMessage":"no"}' ;;
    *) curl -s -o /dev/null "$api/$id/response" -d "{\\"shell\\": $event}" ;;
  esac
done
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        yield process


def zipped(files: dict[str, str], mode: int = 0o755) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
    return content.getvalue()


def create(server: Process, name: str, runtime: str, code: bytes, **settings: Any) -> None:
    server.client("lambda").create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": code},
        **{"Timeout": LONG, **settings},
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="the shell's bootstrap needs curl")
def test_a_shell_script_is_a_runtime(server: Process) -> None:
    create(server, "shell", "provided.al2023", zipped({"bootstrap": SHELL}))
    assert invoke(server, "shell", {"n": 1}) == ({"shell": {"n": 1}}, None)
    payload, error = invoke(server, "shell", "fail")
    assert (payload["errorType"], error) == ("Shell.Refused", "Unhandled")
    assert invoke(server, "shell", {"n": 2}) == ({"shell": {"n": 2}}, None)


@pytest.mark.skipif(find_spec("awslambdaric") is None, reason="AWS's Python client of the Runtime API is not installed")
def test_awss_own_python_client_speaks_to_it(server: Process) -> None:
    client = f"#!/bin/sh\nexec {sys.executable} -m awslambdaric app.handler\n"
    source = "def handler(event, context):\n    return [event, context.aws_request_id != '', context.function_name]\n"
    create(server, "ric", "provided.al2", zipped({"bootstrap": client, "app.py": source}))
    for n in range(3):
        assert invoke(server, "ric", n) == ([n, True, "ric"], None)


@pytest.mark.parametrize(
    ("files", "mode", "message"),
    [
        ({"other": "x"}, 0o755, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ({"bootstrap": SHELL}, 0o644, "fork/exec /var/task/bootstrap: permission denied"),
        ({"bootstrap": "no program"}, 0o755, "exec format error"),
    ],
    ids=["missing", "not executable", "no program"],
)
def test_a_bootstrap_that_cannot_be_run_is_an_invalid_entry_point(
    server: Process, files: dict[str, str], mode: int, message: str
) -> None:
    name = f"entry-{len(message)}"
    create(server, name, "provided.al2023", zipped(files, mode))
    payload, error = invoke(server, name)
    assert (payload["errorType"], error) == ("Runtime.InvalidEntrypoint", "Unhandled")
    assert message in payload["errorMessage"]


@pytest.mark.parametrize("runtime", ["nodejs99.x", "cobol"])
def test_a_runtime_that_aws_does_not_have_is_refused_in_awss_words(server: Process, runtime: str) -> None:
    client = server.client("lambda")
    with pytest.raises(
        ClientError, match="failed to satisfy constraint: Member must satisfy enum value set"
    ) as refused:
        # botocore knows the names of runtimes too, and lets others pass
        client.create_function(
            FunctionName="no", Runtime=runtime, Role=ROLE, Handler="a.b", Code={"ZipFile": zipped({"a": ""})}
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"Runtime": "dotnet8", "Handler": "a"}, "provided.al2023"),
        ({"Runtime": "java21", "Handler": "a"}, "aws-lambda-java-runtime-interface-client|Install a JDK"),
    ],
    ids=["dotnet", "java without its client"],
)
def test_a_runtime_that_is_not_run_here_is_refused_at_create(
    server: Process, settings: dict[str, str], advice: str
) -> None:
    with pytest.raises(ClientError, match=advice):
        server.client("lambda").create_function(
            FunctionName="no", Role=ROLE, Code={"ZipFile": zipped({"a": ""})}, **settings
        )
    assert "no" not in [f["FunctionName"] for f in server.client("lambda").list_functions()["Functions"]]


def test_a_worker_of_another_language_ends_with_the_server() -> None:
    mark = f"sleep-{os.getpid()}"
    script = f"#!/bin/sh\nexec -a {mark} sleep 1000\n".replace("#!/bin/sh", "#!/bin/bash")
    with running("--in-memory") as process:
        make_role(process)
        create(process, "sleeper", "provided.al2023", zipped({"bootstrap": script}), Timeout=1)
        payload, _ = invoke(process, "sleeper")
        assert payload["errorType"] == "Sandbox.Timedout"
    until(lambda: subprocess.run(["pgrep", "-f", mark], capture_output=True, check=False).stdout == b"")


SOCKETS = """#!PYTHON
import os, socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
api = socket.create_connection((host, int(port)))
answers = api.makefile("rb")
root = "/2018-06-01/runtime"
ask = f"GET {root}/invocation/next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"

def heard():
    status, headers = answers.readline().split()[1].decode(), {}
    while (line := answers.readline().decode().strip()):
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    answers.read(int(headers.get("content-length", 0)))
    return status, headers

def post(path, body, more=""):
    return f"POST {root}{path} HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: {len(body)}\\r\\n{more}\\r\\n{body}"

def say(*requests):
    api.sendall("".join(requests).encode())

say(ask)
n = 0
while True:
    n += 1
    here = f"/invocation/{heard()[1]['lambda-runtime-aws-request-id']}"
BODY
"""
BODIES = {
    "answers and asks in one breath": ("say(post(f'{here}/response', str(n)), ask); heard()", [1, 2, 3]),
    "says that it could not begin long after it did": (
        "say(post('/init/error', '{}')); told = heard()[0]; say(post(f'{here}/response', told)); heard(); say(ask)",
        [403, 403, 403],
    ),
    "says so between two invocations": (
        "say(post(f'{here}/response', str(n))); heard(); say(post('/init/error', '{}')); heard(); say(ask)",
        [1, 2, 3],
    ),
}


def with_sockets(body: str) -> bytes:
    return zipped({"bootstrap": SOCKETS.replace("PYTHON", sys.executable).replace("BODY", f"    {body}")})


@pytest.mark.parametrize("how", BODIES)
def test_a_runtime_that_keeps_to_no_order_is_answered(server: Process, how: str) -> None:
    body, answers = BODIES[how]
    name = f"sockets-{list(BODIES).index(how)}"
    create(server, name, "provided.al2023", with_sockets(body))
    assert [invoke(server, name) for _ in answers] == [(answer, None) for answer in answers]


def test_a_streamed_answer_that_is_broken_off_is_an_error(server: Process) -> None:
    trailers = "".join(
        f"Lambda-Runtime-Function-Error-{name}: {value}\\r\\n"
        for name, value in (("Type", "Shop.Closed"), ("Body", "eyJlcnJvclR5cGUiOiAiU2hvcC5DbG9zZWQifQ=="))
    )
    request = (
        "POST {root}{here}/response HTTP/1.1\\r\\nHost: x\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
        f"3\\r\\nabc\\r\\n0\\r\\n{trailers}\\r\\n"
    )
    create(server, "broken-off", "provided.al2023", with_sockets(f'say(f"{request}"); heard(); say(ask)'))
    assert invoke(server, "broken-off") == ({"errorType": "Shop.Closed"}, "Unhandled")


LONG_NAME = "n" * 300
BAD_ZIPS = {
    "a file where a folder is needed": ({"a": "", "a/b": ""}, "'a' is a file and a folder"),
    "the folder itself": ({".": "x", "app.py": ""}, "is a file and a folder"),
    "a name that is too long": ({LONG_NAME: ""}, "has a name that is too long"),
    "nothing": ({}, "Uploaded file must be a non-empty zip"),
}


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_a_zip_that_cannot_be_unpacked_is_refused_when_it_comes(server: Process, case: str) -> None:
    files, words = BAD_ZIPS[case]
    with pytest.raises(ClientError, match=words):
        create(server, "bad-zip", "python3.12", zipped(files))


@pytest.mark.parametrize(("mark", "place", "value"), [(b"handler", 0, b"H"), (b"PK\x01\x02", 10, b"\x61")])
def test_a_zip_whose_contents_are_damaged_is_refused(server: Process, mark: bytes, place: int, value: bytes) -> None:
    """A wrong checksum, and a compression that nobody knows."""
    good = zipped({"app.py": "def handler(event, context): return 1"})
    at = good.index(mark) + place
    bad = good[:at] + value + good[at + 1 :]
    with pytest.raises(ClientError, match="Could not unzip uploaded file"):
        create(server, "damaged", "python3.12", bad)


def test_an_empty_zip_file_is_refused(server: Process) -> None:
    with pytest.raises(ClientError, match="Uploaded file must be a non-empty zip"):
        create(server, "empty", "python3.12", b"")
