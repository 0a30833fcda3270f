"""Node.js functions as people write them: what they answer, how they fail, and what their log says."""

import base64
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.functions import LONG, ROLE, invoke, make_role
from tests.processes import ROOT, Process, running

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")

_PAUSE = "const pause = (ms) => new Promise((done) => setTimeout(done, ms));\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        yield process


def zipped(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def deploy(server: Process, name: str, handler: str = "index.handler", **settings: Any) -> None:
    """A function of the files in ``settings['files']``, their names with ``__`` for a dot."""
    files = settings.pop("files")
    settings = {"Runtime": "nodejs20.x", "Timeout": LONG, **settings}
    server.client("lambda").create_function(
        FunctionName=name, Role=ROLE, Handler=handler, Code={"ZipFile": zipped(files)}, **settings
    )


ANSWERS = {
    "an ES module": ({"index.mjs": "export const handler = async (event) => ({ got: event });"}, {"got": {"a": 1}}),
    "CommonJS": ({"index.js": "exports.handler = async (event) => event.a + 1;"}, 2),
    "CommonJS with its own ending": ({"index.cjs": "exports.handler = async () => 'cjs';"}, "cjs"),
    "type module": (
        {
            "package.json": '{"type": "module"}',
            "index.js": "export const handler = async () => import.meta.url !== 1;",
        },
        True,
    ),
    "a callback": ({"index.js": "exports.handler = (event, context, callback) => callback(null, [event.a]);"}, [1]),
    "a callback that waits for what is under way": (
        {"index.js": "let n = []; exports.handler = (e, c, end) => { setTimeout(() => n.push(1), 9); end(null, n); };"},
        [1],
    ),
    "nothing": ({"index.js": "exports.handler = async () => {};"}, None),
    "a value that is not promised": ({"index.js": "exports.handler = () => 'ignored, as on Lambda';"}, None),
    "top-level await": (
        {"index.mjs": f"{_PAUSE}await pause(5); export const handler = () => pause(1).then(() => 7);"},
        7,
    ),
    "a default export": ({"index.mjs": "export default { handler: async () => 'default' };"}, "default"),
    "a streamed answer": (
        {"index.mjs": "export const handler = awslambda.streamifyResponse(async (e, out) => out.end('[1]'));"},
        [1],
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_handler_answers(server: Process, case: str) -> None:
    files, answer = ANSWERS[case]
    name = f"answers-{list(ANSWERS).index(case)}"
    deploy(server, name, files=files)
    assert invoke(server, name, {"a": 1}) == (answer, None)


def test_a_handler_in_a_folder_and_an_object_is_found(server: Process) -> None:
    deploy(
        server,
        "nested",
        "src/app.orders.place",
        files={"src/app.js": "exports.orders = { place: async () => 'ok' };"},
    )
    assert invoke(server, "nested") == ("ok", None)


FAILURES = {
    "a thrown error": ("exports.handler = async () => { throw new TypeError('bad'); };", "TypeError", "bad"),
    "a thrown text": ("exports.handler = async () => { throw 'text'; };", "string", "text"),
    "an error of its own": (
        "exports.handler = async () => { throw Object.assign(new Error('no money'), { name: 'CardRefused' }); };",
        "CardRefused",
        "no money",
    ),
    "a callback with an error": ("exports.handler = (e, c, done) => done(new RangeError('far'));", "RangeError", "far"),
    "an unhandled rejection": (
        "exports.handler = () => new Promise(() => { Promise.reject(new Error('lost')); });",
        "Runtime.UnhandledPromiseRejection",
        "Error: lost",
    ),
    "a missing module": (
        "require('not-there'); exports.handler = 1;",
        "Runtime.ImportModuleError",
        "Cannot find module 'not-there'",
    ),
    "a syntax error": ("exports.handler = async ( => 1;", "Runtime.UserCodeSyntaxError", "SyntaxError"),
    "a missing handler": (
        "exports.other = 1;",
        "Runtime.HandlerNotFound",
        "index.handler is undefined or not exported",
    ),
    "a handler that is no function": (
        "exports.handler = 1;",
        "Runtime.HandlerNotFound",
        "index.handler is not a function",
    ),
    "an answer that has no JSON": (
        "exports.handler = async () => { const a = {}; a.a = a; return a; };",
        "Runtime.JSONStringifyError",
        "Unable to stringify response body",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_has_awss_shape(server: Process, case: str) -> None:
    source, kind, message = FAILURES[case]
    name = f"failures-{list(FAILURES).index(case)}"
    deploy(server, name, files={"index.js": source})
    payload, error = invoke(server, name)
    assert (error, payload["errorType"]) == ("Unhandled", kind)
    assert message in payload["errorMessage"]
    assert isinstance(payload["trace"], list)


def test_a_function_that_leaves_the_process_is_told_so_and_started_again(server: Process) -> None:
    deploy(
        server,
        "leaves",
        files={"index.js": "exports.handler = async (e) => { if (e.leave) process.exit(3); return 'here'; };"},
    )
    payload, error = invoke(server, "leaves", {"leave": True})
    assert (payload["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert invoke(server, "leaves", {}) == ("here", None)


@pytest.mark.parametrize(
    "last", ["setTimeout(() => { throw new Error('late'); }, 1);", "Promise.reject(new Error('lost'));"]
)
def test_what_ends_a_process_is_told_to_its_own_invocation_alone(server: Process, last: str) -> None:
    """The process posts its error and ends; the next invocation must not find it ending."""
    name = f"ends-{len(last)}"
    source = f"let n = 0; exports.handler = async (e) => {{ if (!e.end) return ++n; {last} await pause(900_000); }};"
    deploy(server, name, files={"index.js": _PAUSE + source})
    for _ in range(5):
        assert invoke(server, name, {}) == (1, None)
        payload, error = invoke(server, name, {"end": True})
        assert (payload["trace"] != [], error) == (True, "Unhandled")


def test_a_promise_that_nothing_will_settle_ends_as_null(server: Process) -> None:
    deploy(server, "never", files={"index.js": "exports.handler = () => new Promise(() => {});"})
    assert [invoke(server, "never") for _ in range(2)] == [(None, None)] * 2


@pytest.mark.parametrize("kind", ["buffered", "streamed"])
def test_an_async_handler_that_nothing_will_settle_failed(server: Process, kind: str) -> None:
    never = "async () => { await new Promise(() => {}); }"
    text = f"awslambda.streamifyResponse({never})" if kind == "streamed" else never
    deploy(server, f"never-{kind}", files={"index.js": f"exports.handler = {text};"})
    for _ in range(2):
        told, error = invoke(server, f"never-{kind}")
        assert (told["errorType"], error) == ("Runtime.NodeJsExit", "Unhandled")


@pytest.mark.parametrize(
    "waiting", ["await new Promise((done) => setTimeout(done, 600000));", "for (;;);"], ids=["idle", "busy"]
)
def test_a_time_out_ends_a_function_idle_or_busy(server: Process, waiting: str) -> None:
    name = f"late-{len(waiting)}"
    deploy(server, name, Timeout=1, files={"index.mjs": f"export const handler = async () => {{ {waiting} }};"})
    payload, error = invoke(server, name)
    assert (payload["errorType"], error) == ("Sandbox.Timedout", "Unhandled")


def test_the_context_tells_of_the_invocation(server: Process) -> None:
    source = (
        "export const handler = async (event, context) => [context.functionName, context.memoryLimitInMB,"
        " context.awsRequestId, context.getRemainingTimeInMillis(), context.invokedFunctionArn, context.clientContext,"
        " process.env.COLOUR];"
    )
    deploy(
        server,
        "told",
        files={"index.mjs": source},
        Timeout=900,
        MemorySize=256,
        Environment={"Variables": {"COLOUR": "red"}},
    )
    told = base64.b64encode(json.dumps({"custom": {"k": "ü"}}).encode()).decode()
    answer = server.client("lambda").invoke(FunctionName="told", ClientContext=told)
    name, memory, request, remaining, arn, client, colour = json.load(answer["Payload"])
    assert (name, memory, colour) == ("told", "256", "red")
    assert request == answer["ResponseMetadata"]["RequestId"] and 0 < remaining <= 900_000
    assert arn.endswith(":function:told") and client == {"custom": {"k": "ü"}}


def test_a_function_that_holds_more_than_its_memory_is_ended(server: Process) -> None:
    source = (
        "exports.handler = async (event) => { const held = [];"
        " while (held.length < event) held.push(Array.from({length: 65536}, Math.random)); return held.length; };"
    )
    deploy(server, "hoards", files={"index.js": source}, MemorySize=128)
    assert invoke(server, "hoards", 50) == (50, None)
    told, error = invoke(server, "hoards", 10_000)
    assert (told["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert told["errorMessage"].endswith("Error: Runtime exited with error: signal: aborted")
    assert invoke(server, "hoards", 1) == (1, None)


def test_the_log_has_awss_lines(server: Process) -> None:
    source = "exports.handler = async () => { console.log('placed %d', 3); console.error(new Error('odd')); };"
    deploy(server, "chatty", files={"index.js": source})
    tail = server.client("lambda").invoke(FunctionName="chatty", LogType="Tail")
    lines = base64.b64decode(tail["LogResult"]).decode().split("\n")
    request = tail["ResponseMetadata"]["RequestId"]
    assert lines[0].startswith(f"START RequestId: {request}")
    assert any(line.endswith(f"Z\t{request}\tINFO\tplaced 3") for line in lines)
    assert any(f"\t{request}\tERROR\tError: odd" in line for line in lines)
    assert "Max Memory Used: " in lines[-1]
    figures = dict(re.findall(r"(Duration|Billed Duration|Init Duration): ([\d.]+) ms", lines[-1]))
    whole = float(figures["Duration"]) + float(figures["Init Duration"])
    assert 0 <= float(figures["Billed Duration"]) - whole <= 1.01, lines[-1]


def test_a_warm_process_keeps_its_state_and_answers_within_milliseconds(server: Process) -> None:
    deploy(server, "warm", files={"index.mjs": "let seen = 0; export const handler = async () => ++seen;"})
    assert [invoke(server, "warm")[0] for _ in range(3)] == [1, 2, 3]


def test_six_megabytes_come_back_and_one_byte_more_is_refused(server: Process) -> None:
    deploy(server, "large", files={"index.mjs": "export const handler = async (n) => 'x'.repeat(n);"})
    answer, error = invoke(server, "large", 6_000_000)
    assert (len(answer), error) == (6_000_000, None)
    payload, error = invoke(server, "large", 6_291_556)
    assert (payload["errorType"], error) == ("Function.ResponseSizeTooLarge", "Unhandled")


def test_layers_are_found_by_import_and_by_require(server: Process) -> None:
    layer = server.client("lambda").publish_layer_version(
        LayerName="greetings",
        Content={
            "ZipFile": zipped({"nodejs/node_modules/@shop/greet/index.js": "exports.greet = (n) => `Hello ${n}`;"})
        },
    )
    arn = layer["LayerVersionArn"]
    esm = "import { greet } from '@shop/greet'; export const handler = async (n) => greet(n);"
    cjs = "const { greet } = require('@shop/greet'); exports.handler = async (n) => greet(n);"
    deploy(server, "imports", files={"index.mjs": esm}, Layers=[arn])
    deploy(server, "requires", files={"index.js": cjs}, Layers=[arn])
    assert invoke(server, "imports", "you") == ("Hello you", None)
    assert invoke(server, "requires", "you") == ("Hello you", None)


def test_the_sdk_of_the_folder_the_server_was_started_in_is_lambdas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("@aws-sdk/client-s3", "express"):
        package = tmp_path / "shop" / "node_modules" / name / "index.js"
        package.parent.mkdir(parents=True)
        package.write_text(f"exports.name = '{name}';")
    (tmp_path / "shop" / "functions").mkdir()
    monkeypatch.chdir(tmp_path / "shop" / "functions")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with running("--in-memory", cwd=Path.cwd()) as started:
        make_role(started)
        source = "export const handler = async (name) => import(name).then((it) => it.name, (error) => error.code);"
        deploy(started, "finds", files={"index.mjs": source})
        assert invoke(started, "finds", "@aws-sdk/client-s3")[0] == "@aws-sdk/client-s3"
        assert invoke(started, "finds", "express")[0] == "ERR_MODULE_NOT_FOUND"


def test_an_sdk_that_is_not_here_is_asked_for_by_name(server: Process) -> None:
    deploy(
        server, "sdk", files={"index.mjs": "import '@aws-sdk/client-not-there'; export const handler = async () => 1;"}
    )
    payload, _ = invoke(server, "sdk")
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert "add it to the function or to a layer" in payload["errorMessage"]
