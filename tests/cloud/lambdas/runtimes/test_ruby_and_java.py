"""Ruby functions by our bootstrap, and Java's interpreter with a runtime client of the test's own: AWS's is not in the
registries that tests may ask."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.functions import LONG, ROLE, archive, invoke, make_role
from tests.processes import Process, running

needs_ruby = pytest.mark.skipif(shutil.which("ruby") is None, reason="there is no ruby on this machine")
needs_java = pytest.mark.skipif(shutil.which("javac") is None, reason="there is no JDK on this machine")

CLIENT = """
package com.amazonaws.services.lambda.runtime.api.client;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** As much of AWS's client as one handler needs: a class with `String handle(String event)`. */
public class AWSLambda {
    public static void main(String[] arguments) throws Exception {
        String[] handler = arguments[0].split("::");
        Class<?> type = Class.forName(handler[0]);
        Object target = type.getDeclaredConstructor().newInstance();
        String api = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
        HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        while (true) {
            HttpResponse<String> call = http.send(
                HttpRequest.newBuilder(URI.create(api + "next")).build(), HttpResponse.BodyHandlers.ofString());
            String id = call.headers().firstValue("Lambda-Runtime-Aws-Request-Id").get();
            Object answer = type.getMethod(handler[1], String.class).invoke(target, call.body());
            http.send(HttpRequest.newBuilder(URI.create(api + id + "/response"))
                .POST(HttpRequest.BodyPublishers.ofString((String) answer)).build(),
                HttpResponse.BodyHandlers.discarding());
        }
    }
}
"""
SHOP = 'public class Shop { public String handle(String event) { return "{\\"java\\": " + event + "}"; } }'


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        yield process


def deploy(server: Process, name: str, files: dict[str, str], handler: str = "app.handler", **settings: Any) -> None:
    settings = {"Runtime": "ruby3.3", "Timeout": LONG, **settings}
    server.client("lambda").create_function(
        FunctionName=name, Role=ROLE, Handler=handler, Code={"ZipFile": archive(files)}, **settings
    )


@needs_ruby
def test_a_ruby_function_answers_and_keeps_its_state(server: Process) -> None:
    source = "def handler(event:, context:)\n  $n = ($n || 0) + 1\n  [event['a'], $n, context.function_name]\nend"
    deploy(server, "ruby", {"app.rb": source})
    assert [invoke(server, "ruby", {"a": 1})[0] for _ in range(2)] == [[1, 1, "ruby"], [1, 2, "ruby"]]


@needs_ruby
def test_a_class_method_of_a_module_beside_it_is_found(server: Process) -> None:
    files = {
        "src/app.rb": "require 'shared'\nmodule Shop\n  class Orders\n"
        "    def self.place(event:, context:) = { total: PRICE * event }\n  end\nend",
        "shared.rb": "PRICE = 3",
    }
    deploy(server, "class", files, "src/app.Shop::Orders.place")
    assert invoke(server, "class", 2) == ({"total": 6}, None)


@needs_ruby
@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("def handler(event:, context:) = raise(ArgumentError, 'no card')", "Function<ArgumentError>", "no card"),
        ("def handler(event:, context:) = { a: Float::NAN }", "Function<JSON::GeneratorError>", "NaN"),
        ("require 'not_there'", "Init<LoadError>", "not_there"),
        ("def handler(", "Init<SyntaxError>", "syntax error"),
        ("def other = 1", "Init<NameError>", "undefined method `handler'"),
    ],
    ids=["raised", "no JSON", "missing library", "syntax", "missing handler"],
)
def test_a_ruby_failure_has_awss_shape(server: Process, source: str, kind: str, message: str) -> None:
    name = f"fails-{len(source)}"
    deploy(server, name, {"app.rb": source})
    payload, error = invoke(server, name)
    assert (payload["errorType"], error) == (kind, "Unhandled")
    assert message in payload["errorMessage"] and isinstance(payload["stackTrace"], list)


@needs_ruby
def test_a_layers_ruby_library_is_found(server: Process) -> None:
    layer = server.client("lambda").publish_layer_version(
        LayerName="ruby", Content={"ZipFile": archive({"ruby/lib/greeting.rb": "GREETING = 'Hello'"})}
    )["LayerVersionArn"]
    source = "require 'greeting'\ndef handler(event:, context:) = GREETING"
    deploy(server, "layered", {"app.rb": source}, Layers=[layer])
    assert invoke(server, "layered") == ("Hello", None)


@needs_java
def test_java_runs_with_the_runtime_client_that_the_function_brings(server: Process, tmp_path: Path) -> None:
    names = {"AWSLambda": "com/amazonaws/services/lambda/runtime/api/client/AWSLambda", "Shop": "Shop"}
    for name, text in (("AWSLambda", CLIENT), ("Shop", SHOP)):
        (tmp_path / f"{name}.java").write_text(text)
    sources = [str(tmp_path / f"{name}.java") for name in names]
    subprocess.run(["javac", "-d", str(tmp_path), *sources], check=True, capture_output=True)
    jar, code = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(jar, "w") as client:
        client.write(tmp_path / f"{names['AWSLambda']}.class", f"{names['AWSLambda']}.class")
    with zipfile.ZipFile(code, "w") as function:
        function.write(tmp_path / "Shop.class", "Shop.class")
        function.writestr("lib/aws-lambda-java-runtime-interface-client-test.jar", jar.getvalue())
    server.client("lambda").create_function(
        FunctionName="java", Role=ROLE, Handler="Shop::handle", Runtime="java17", Timeout=LONG,
        Code={"ZipFile": code.getvalue()}, MemorySize=512,
    )  # fmt: skip
    assert [invoke(server, "java", n)[0] for n in (1, 2)] == [{"java": 1}, {"java": 2}]
