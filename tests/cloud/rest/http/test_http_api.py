"""A stage of an HTTP API (API Gateway v2) answers on the local port as API Gateway does."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import ROLE, deploy, make_role
from tests.cloud.rest.http.calling import Answer, called
from tests.processes import Process, running

HANDLER = """
import time
def handler(event, context):
    body = event.get("body")
    if body == "raise": raise ValueError(body)
    if body == "slow": time.sleep(5)
    if body == "text": return "just text"
    if body == "malformed": return {"statusCode": 200, "body": {"no": "text"}}
    if body == "cookies":
        cors = {"X-Made": "yes", "Access-Control-Allow-Origin": "http://elsewhere.test"}
        return {"statusCode": 201, "cookies": ["a=1", "b=2"], "headers": cors, "body": "made"}
    return event
"""
OLD_HANDLER = """
import json
def handler(event, context):
    return {"statusCode": 200, "multiValueHeaders": {"x-two": ["1", "2"]}, "body": json.dumps(event)}
"""
CORS = {"AllowOrigins": ["http://shop.test"], "AllowMethods": ["POST"], "AllowHeaders": ["x-key"], "MaxAge": 60}
ROUTES = {
    "new": ("POST /orders/{id}", "GET /files/{proxy+}", "ANY /any", "GET /any", "POST /answers"),
    "old": ("GET /old/{id}",),
    "start": ("POST /start",),
    "sync": ("POST /sync",),
    "stop": ("POST /stop",),
    "quick": ("POST /quick",),
    "elsewhere": ("GET /elsewhere",),
    "queue": ("GET /queue",),
}


class Http(NamedTuple):
    server: Process
    id: str
    machine: str

    def call(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        return called(f"{self.server.url}/_aws/execute-api/{self.id}{path}", method, body, **headers)


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    with running("--in-memory") as server:
        make_role(server)
        yield _made(server)


def _made(server: Process) -> Http:
    functions = {"new": deploy(server, "new", HANDLER), "old": deploy(server, "old", OLD_HANDLER)}
    machine = _machine(server, "express", "EXPRESS", {"Type": "Pass", "End": True})
    waiting = _machine(server, "standard", "STANDARD", {"Type": "Wait", "Seconds": 60, "End": True})
    gateway = server.client("apigatewayv2")
    api = gateway.create_api(Name="shop", ProtocolType="HTTP", CorsConfiguration=CORS)["ApiId"]
    for name, settings in _integrations(functions, machine, waiting).items():
        made = gateway.create_integration(ApiId=api, **settings)["IntegrationId"]
        for key in ROUTES[name]:
            gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{made}")
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway.create_stage(ApiId=api, StageName="beta", AutoDeploy=True, StageVariables={"colour": "red"})
    return Http(server, api, waiting)


def _integrations(functions: dict[str, str], machine: str, waiting: str) -> dict[str, dict[str, Any]]:
    def stepped(operation: str, **parameters: str) -> dict[str, Any]:
        subtype = f"StepFunctions-{operation}"
        return {
            "IntegrationType": "AWS_PROXY",
            "IntegrationSubtype": subtype,
            "CredentialsArn": ROLE,
            "PayloadFormatVersion": "1.0",
            "RequestParameters": parameters,
        }

    def function(name: str, version: str, **more: Any) -> dict[str, Any]:
        uri = {"IntegrationType": "AWS_PROXY", "IntegrationUri": functions[name]}
        return {**uri, "PayloadFormatVersion": version, **more}

    name = {"Name": "$request.querystring.name", "Input": '{"who": "${request.header.x-who}"}'}
    return {
        "new": function("new", "2.0"),
        "old": function("old", "1.0"),
        "start": stepped("StartExecution", StateMachineArn=waiting, **name),
        "sync": stepped("StartSyncExecution", StateMachineArn=machine, Input="$request.body.order"),
        "stop": stepped("StopExecution", ExecutionArn="$request.body.execution", Cause="asked"),
        "quick": function("new", "2.0", TimeoutInMillis=50),
        "elsewhere": {"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://x.test", "IntegrationMethod": "GET"},
        "queue": {"IntegrationType": "AWS_PROXY", "IntegrationSubtype": "SQS-SendMessage", "CredentialsArn": ROLE},
    }


def _machine(server: Process, name: str, kind: Any, state: dict[str, Any]) -> str:
    definition = json.dumps({"StartAt": "Only", "States": {"Only": state}})
    made = server.client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn=ROLE, type=kind
    )
    return str(made["stateMachineArn"])


def test_a_function_gets_payload_format_2(http: Http) -> None:
    told = http.call("POST", "/orders/a%20b?x=1&x=2&y=", '{"n": 1}', Cookie="c=1; d=2", X_Key="k").json
    assert told["version"] == "2.0"
    assert told["routeKey"] == told["requestContext"]["routeKey"] == "POST /orders/{id}"
    assert told["rawPath"] == told["requestContext"]["http"]["path"] == "/orders/a b"
    assert told["rawQueryString"] == "x=1&x=2&y="
    assert told["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert told["pathParameters"] == {"id": "a b"}
    assert told["cookies"] == ["c=1", "d=2"]
    assert told["headers"]["x-key"] == "k"
    assert (told["body"], told["isBase64Encoded"]) == ('{"n": 1}', False)
    assert told["requestContext"]["stage"] == "$default"
    assert "stageVariables" not in told


def test_a_body_that_is_no_text_is_base64(http: Http) -> None:
    told = http.call("POST", "/orders/1", "a=1", Content_Type="application/x-www-form-urlencoded").json
    assert (told["body"], told["isBase64Encoded"]) == ("YT0x", True)


def test_a_named_stage_is_part_of_the_path_and_has_its_variables(http: Http) -> None:
    told = http.call("GET", "/beta/files/a/b.txt").json
    assert told["rawPath"] == "/beta/files/a/b.txt"
    assert (told["pathParameters"], told["stageVariables"]) == ({"proxy": "a/b.txt"}, {"colour": "red"})


def test_all_addresses_of_a_stage_answer(http: Http) -> None:
    def by_host(host: str) -> Any:
        return called(f"{http.server.url}/files/a", "GET", None, Host=f"{http.id}.{host}").json["rawPath"]

    assert by_host("execute-api.us-east-1.amazonaws.com") == by_host("execute-api.localhost") == "/files/a"
    old = called(f"{http.server.url}/restapis/{http.id}/$default/_user_request_/files/a", "GET", None)
    assert old.json["rawPath"] == "/files/a"


def test_the_exact_method_goes_before_any(http: Http) -> None:
    keys = [http.call(method, "/any").json["routeKey"] for method in ("GET", "DELETE")]
    assert keys == ["GET /any", "ANY /any"]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/orders/1", None, (404, {"message": "Not Found"})),
        ("POST", "/answers", "raise", (500, {"message": "Internal Server Error"})),
        ("POST", "/answers", "malformed", (500, {"message": "Internal Server Error"})),
        ("POST", "/quick", "slow", (503, {"message": "Service Unavailable"})),
    ],
)
def test_errors_are_api_gateways_own(http: Http, method: str, path: str, body: str | None, expected: Any) -> None:
    answer = http.call(method, path, body, Content_Type="text/plain")
    assert (answer.status, answer.json) == expected


def test_an_answer_without_a_status_code_is_the_body(http: Http) -> None:
    answer = http.call("POST", "/answers", "text", Content_Type="text/plain")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, "just text", "application/json")


def test_an_answer_with_a_status_code_sets_headers_and_cookies(http: Http) -> None:
    answer = http.call("POST", "/answers", "cookies", Content_Type="text/plain")
    assert (answer.status, answer.body, answer.headers["x-made"]) == (201, "made", "yes")
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]


def test_a_function_gets_payload_format_1_when_the_integration_says_so(http: Http) -> None:
    answer = http.call("GET", "/old/7?x=1&x=2")
    told = answer.json
    assert (told["version"], told["resource"], told["path"]) == ("1.0", "/old/{id}", "/old/7")
    assert told["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert answer.headers.get_all("x-two") == ["1", "2"]


def test_an_execution_is_started_and_stopped_with_mapped_parameters(http: Http) -> None:
    started = http.call("POST", "/start?name=first", "{}", X_Who="Ann").json["executionArn"]
    client = http.server.client("stepfunctions")
    assert started.endswith(":standard:first")
    assert client.describe_execution(executionArn=started)["input"] == '{"who": "Ann"}'
    assert http.call("POST", "/stop", json.dumps({"execution": started})).status == 200
    ended = client.describe_execution(executionArn=started)
    assert (ended["status"], ended["cause"]) == ("ABORTED", "asked")


def test_an_express_machines_outcome_is_the_answer(http: Http) -> None:
    answer = http.call("POST", "/sync", '{"order": {"n": 1}}')
    assert (answer.status, answer.json["status"], json.loads(answer.json["output"])) == (200, "SUCCEEDED", {"n": 1})


def test_a_refusal_of_step_functions_reaches_the_caller(http: Http) -> None:
    answer = http.call("POST", "/stop", '{"execution": "nonsense"}')
    assert (answer.status, "InvalidArn" in answer.body) == (400, True)


def test_a_page_of_an_allowed_origin_may_call(http: Http) -> None:
    asking = {"Origin": "http://shop.test", "Access_Control_Request_Method": "POST"}
    answer = http.call("OPTIONS", "/orders/1", None, **asking)
    allowed = {k: v for k, v in answer.headers.items() if k.startswith("access-control")}
    assert answer.status == 204
    assert allowed == {
        "access-control-allow-origin": "http://shop.test",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "x-key",
        "access-control-max-age": "60",
    }


def test_the_configuration_replaces_what_a_function_says_of_cors(http: Http) -> None:
    told = [http.call("POST", "/answers", "cookies", Content_Type="text/plain", Origin=origin) for origin in ORIGINS]
    assert [answer.headers["access-control-allow-origin"] for answer in told] == ["http://shop.test", None]


ORIGINS = ("http://shop.test", "http://other.test")


@pytest.mark.parametrize(("path", "named"), [("/elsewhere", "type HTTP_PROXY"), ("/queue", "subtype SQS-SendMessage")])
def test_an_integration_that_is_not_called_here_says_so(http: Http, path: str, named: str) -> None:
    answer = http.call("GET", path)
    assert (answer.status, f"Integrations of {named} are not called here" in answer.body) == (501, True)


AUTHORIZER = """
def handler(event, context):
    token = event["identitySource"][0] if event["version"] == "2.0" else event["authorizationToken"]
    if token == "raise": raise ValueError("no")
    who = {"who": token, "route": event.get("routeArn") or event["methodArn"]}
    if event["version"] == "2.0":
        return {"isAuthorized": token == "yes", "context": who}
    effect = {"yes": "Allow", "no": "Deny"}.get(token, "Allow")
    resource = who["route"] if token in ("yes", "no") else "arn:aws:execute-api:*:*:other/*"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": token, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": who}
"""


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_functions_answer_lets_calls_pass(http: Http, version: str) -> None:
    gateway, name = http.server.client("apigatewayv2"), f"guard-{version[0]}"
    arn = deploy(http.server, name, AUTHORIZER)
    guard = gateway.create_authorizer(
        ApiId=http.id,
        Name=name,
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        IdentitySource=["$request.header.Authorization"],
        AuthorizerPayloadFormatVersion=version,
        EnableSimpleResponses=version == "2.0",
    )["AuthorizerId"]
    target = next(r["Target"] for r in gateway.get_routes(ApiId=http.id)["Items"] if r["RouteKey"] == "ANY /any")
    gateway.create_route(
        ApiId=http.id, RouteKey=f"GET /{name}", Target=target, AuthorizationType="CUSTOM", AuthorizerId=guard
    )
    passed = http.call("GET", f"/{name}", Authorization="yes")
    caller = passed.json["requestContext"]["authorizer"]["lambda"]
    assert (caller["who"], caller["route"].rpartition("/")[2]) == ("yes", name)
    told = [
        http.call("GET", f"/{name}", **given) for given in ({"Authorization": "no"}, {}, {"Authorization": "raise"})
    ]
    assert [(answer.status, answer.json["message"].split()[0]) for answer in told] == [
        (403, "Forbidden" if version == "2.0" else "User"),
        (401, "Unauthorized"),
        (500, "Internal"),
    ]
    if version == "1.0":
        assert http.call("GET", f"/{name}", Authorization="other").status == 403


def test_a_quick_create_answers_every_path(http: Http) -> None:
    function = http.server.client("lambda").get_function_configuration(FunctionName="new")["FunctionArn"]
    made = http.server.client("apigatewayv2").create_api(Name="q", ProtocolType="HTTP", Target=function)["ApiId"]
    told = http._replace(id=made).call("PUT", "/what/ever").json
    assert (told["routeKey"], told["rawPath"]) == ("$default", "/what/ever")


def test_an_imported_definition_keeps_its_subtype_and_default_route(http: Http) -> None:
    gateway = http.server.client("apigatewayv2")
    function = http.server.client("lambda").get_function_configuration(FunctionName="new")["FunctionArn"]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    proxy = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, "payloadFormatVersion": "2.0"}
    stepped = {
        "type": "AWS_PROXY",
        "integrationSubtype": "StepFunctions-StartExecution",
        "payloadFormatVersion": "1.0",
        "requestParameters": {"StateMachineArn": http.machine, "Input": "$request.body"},
    }
    paths = {
        "/start": {"post": {"x-amazon-apigateway-integration": stepped}},
        "/$default": {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": proxy}},
    }
    made = gateway.import_api(Body=json.dumps({"openapi": "3.0.1", "info": {"title": "i"}, "paths": paths}))["ApiId"]
    gateway.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    imported = http._replace(id=made)
    assert "executionArn" in imported.call("POST", "/start", "{}").json
    assert imported.call("GET", "/else").json["routeKey"] == "$default"


def test_an_imported_definition_keeps_its_authorizer(http: Http) -> None:
    gateway = http.server.client("apigatewayv2")
    arn, guard = (deploy(http.server, name, source) for name, source in (("open", HANDLER), ("shut", AUTHORIZER)))
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
    asked = {
        "type": "request",
        "authorizerUri": uri.format(guard),
        "identitySource": ["$request.header.X-Token"],
        "authorizerPayloadFormatVersion": "2.0",
        "enableSimpleResponses": True,
    }
    scheme = {"type": "apiKey", "name": "Unused", "in": "header", "x-amazon-apigateway-authorizer": asked}
    proxy = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri.format(arn), "payloadFormatVersion": "2.0"}
    body = {
        "openapi": "3.0.1",
        "info": {"title": "guarded"},
        "paths": {
            "/a": {"get": {"security": [{"G": []}], "x-amazon-apigateway-integration": proxy}},
            "/open": {"get": {"security": [{"NONE": []}], "x-amazon-apigateway-integration": proxy}},
            "/else": {"get": {"x-amazon-apigateway-integration": proxy}},
        },
        "security": [{"G": []}],
        "components": {"securitySchemes": {"G": scheme}},
    }
    made = gateway.import_api(Body=json.dumps(body))["ApiId"]
    gateway.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    guarded = http._replace(id=made)
    told = [guarded.call("GET", "/a", **given).status for given in ({"X_Token": "yes"}, {"X_Token": "no"}, {})]
    assert told == [200, 403, 401]
    assert [guarded.call("GET", path).status for path in ("/open", "/else")] == [200, 401]


BAD_KEYS = [
    "GET /" + "".join(f"{{p{n}}}" for n in range(9)),
    "GET /{a}{b}",
    "GET nopath",
    "GARBAGE",
    "FOO /x",
    "get /x",
]


@pytest.mark.parametrize(
    "key", [*BAD_KEYS, "GET /{a+}/b", "GET /{}", "GET /x{a", "$default x", "GET /" + "a" * 5000 + "{"]
)
def test_a_route_that_is_none_is_refused(http: Http, key: str) -> None:
    with pytest.raises(ClientError, match="The provided route key is not formatted properly"):
        http.server.client("apigatewayv2").create_route(ApiId=http.id, RouteKey=key)
