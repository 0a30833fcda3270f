"""A deployed REST API answers on the local port as API Gateway does."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.message import Request
from tests.cloud.functions import deploy, make_role
from tests.processes import Process, running
from tests.waiting import PATIENCE

HANDLER = """
import json, time
def handler(event, context):
    body = event["body"] or ""
    if body == "raise": raise ValueError(body)
    if body == "malformed": return {"answer": 42}
    if body == "slow": time.sleep(5)
    return {"statusCode": 201, "headers": {"X-Made": "yes"}, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
            "body": json.dumps(event)}
"""
DIRECT = """
def handler(event, context):
    if "fail" in event: raise ValueError("NotFound: " + event["fail"])
    return {"seen": event}
"""
CORS = {
    "method.response.header.Access-Control-Allow-Origin": "'*'",
    "method.response.header.Access-Control-Allow-Methods": "'POST,OPTIONS'",
}


class Answer(NamedTuple):
    status: int
    headers: Any
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api(NamedTuple):
    server: Process
    id: str

    def call(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        url = f"{self.server.url}/restapis/{self.id}/prod/_user_request_{path}"
        data = body.encode() if body is not None else None
        named = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        request = urllib.request.Request(url, data, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode())


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with running("--in-memory") as server:
        make_role(server)
        functions = {name: deploy(server, name, source) for name, source in SOURCES.items()}
        yield Api(server, _deployed(server, functions))


START = (
    '{"input": "$util.escapeJavaScript($input.json(\'$\'))", "name": "$input.path(\'$.id\')", "stateMachineArn": "%s"}'
)


def _machine(server: Process) -> str:
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    made = server.client("stepfunctions").create_state_machine(
        name="started", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/worker"
    )
    return str(made["stateMachineArn"])


SOURCES = {"proxied": HANDLER, "direct": DIRECT}


class Draft(NamedTuple):
    """A REST API before its deployment; ``root`` is its root resource, ``functions`` are ARNs by name."""

    server: Process
    id: str
    root: str
    functions: dict[str, str]

    def resource(self, part: str, parent: str = "") -> str:
        gateway = self.server.client("apigateway")
        return str(gateway.create_resource(restApiId=self.id, parentId=parent or self.root, pathPart=part)["id"])

    def method(
        self, where: str, verb: str, integration: dict[str, Any], *responses: dict[str, Any], **more: Any
    ) -> None:
        gateway = self.server.client("apigateway")
        known = {"restApiId": self.id, "resourceId": where, "httpMethod": verb}
        gateway.put_method(**known, authorizationType="NONE", **more)
        gateway.put_integration(**known, **integration)
        for response in responses:
            gateway.put_method_response(**known, statusCode=response["statusCode"])
            gateway.put_integration_response(**known, **response)

    def function(self, name: str, kind: str, **more: Any) -> dict[str, Any]:
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{self.functions[name]}/invocations"
        return {"type": kind, "integrationHttpMethod": "POST", "uri": uri, **more}


def _deployed(server: Process, functions: dict[str, str]) -> str:
    gateway = server.client("apigateway")
    api = str(gateway.create_rest_api(name="shop")["id"])
    draft = Draft(server, api, gateway.get_resources(restApiId=api)["items"][0]["id"], functions)
    _add_proxies(draft)
    _add_functions(draft)
    _add_services(draft)
    gateway.create_deployment(restApiId=api, stageName="prod")
    return api


def _add_proxies(draft: Draft) -> None:
    orders = draft.resource("orders")
    draft.method(orders, "POST", draft.function("proxied", "AWS_PROXY"))
    draft.method(
        orders,
        "OPTIONS",
        {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
        {"statusCode": "200", "responseParameters": CORS},
    )
    one = draft.resource("{id}", orders)
    draft.method(one, "ANY", draft.function("proxied", "AWS_PROXY"))
    draft.method(draft.resource("{rest+}", draft.resource("files")), "GET", draft.function("proxied", "AWS_PROXY"))
    draft.method(draft.resource("impatient"), "POST", draft.function("proxied", "AWS_PROXY", timeoutInMillis=300))


def _add_functions(draft: Draft) -> None:
    draft.method(
        draft.resource("direct"),
        "POST",
        draft.function("direct", "AWS", requestTemplates={"application/json": "{\"got\": $input.json('$.a')}"}),
        {"statusCode": "200", "responseTemplates": {"application/json": "$input.json('$.seen.got')"}},
    )
    draft.method(
        draft.resource("whole"),
        "POST",
        draft.function("direct", "AWS", requestTemplates={"application/json": '{"got": $input.body}'}),
        {"statusCode": "200", "responseTemplates": {"application/json": "$input.json('$.seen.got')"}},
    )
    draft.method(
        draft.resource("failing"),
        "POST",
        draft.function("direct", "AWS"),
        {"statusCode": "200"},
        {
            "statusCode": "404",
            "selectionPattern": "NotFound.*",
            "responseTemplates": {"application/json": "{\"why\": $input.json('$.errorMessage')}"},
        },
    )


def _add_services(draft: Draft) -> None:
    draft.server.client("dynamodb").create_table(
        TableName="Rows",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    template = '{"TableName": "Rows", "Item": {"k": {"S": "$util.escapeJavaScript($input.path(\'$.k\'))"}}}'
    draft.method(
        draft.resource("rows"),
        "POST",
        {
            "type": "AWS",
            "integrationHttpMethod": "POST",
            "uri": "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem",
            "requestTemplates": {"application/json": template},
            "passthroughBehavior": "NEVER",
        },
        {"statusCode": "204"},
        {"statusCode": "400", "selectionPattern": "4.."},
    )
    draft.method(
        draft.resource("start"),
        "POST",
        {
            "type": "AWS",
            "integrationHttpMethod": "POST",
            "uri": "arn:aws:apigateway:us-east-1:states:action/StartExecution",
            "requestTemplates": {"application/json": START % _machine(draft.server)},
        },
        {"statusCode": "200"},
        {"statusCode": "400", "selectionPattern": "4.."},
    )
    draft.method(
        draft.resource("elsewhere"), "POST", {"type": "HTTP", "integrationHttpMethod": "POST", "uri": "http://x.test"}
    )


def test_a_proxied_function_gets_the_whole_request_and_gives_the_whole_response(api: Api) -> None:
    answer = api.call("POST", "/orders?a=1&a=2&b=", '{"x": 1}', X_Custom="c")
    assert answer.status == 201
    assert answer.headers["X-Made"] == "yes"
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    event = answer.json
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/orders", "/orders", "POST")
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert event["headers"]["X-Custom"] == "c"
    assert (event["body"], event["isBase64Encoded"], event["pathParameters"]) == ('{"x": 1}', False, None)
    context = event["requestContext"]
    assert (context["apiId"], context["stage"], context["path"]) == (api.id, "prod", "/prod/orders")
    assert context["requestId"] == answer.headers["x-amzn-requestid"]


def test_path_parameters_are_taken_from_the_path(api: Api) -> None:
    assert api.call("DELETE", "/orders/a%20b").json["pathParameters"] == {"id": "a b"}
    assert api.call("GET", "/files/a/b/c.txt").json["pathParameters"] == {"rest": "a/b/c.txt"}


def test_all_three_addresses_of_a_stage_answer(api: Api) -> None:
    for url, host in (
        (f"{api.server.url}/_aws/execute-api/{api.id}/prod/orders", None),
        (f"{api.server.url}/prod/orders", f"{api.id}.execute-api.us-east-1.amazonaws.com"),
        (f"{api.server.url}/prod/orders", f"{api.id}.execute-api.localhost"),
    ):
        request = urllib.request.Request(url, b"{}", {"Host": host} if host else {}, method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status == 201


def test_options_is_answered_with_cors_headers(api: Api) -> None:
    answer = api.call("OPTIONS", "/orders")
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "POST,OPTIONS"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/nothing", "{}", 403, "Missing Authentication Token"),
        ("GET", "/orders", None, 403, "Missing Authentication Token"),
        ("POST", "/orders", "raise", 502, "Internal server error"),
        ("POST", "/orders", "malformed", 502, "Internal server error"),
        ("POST", "/impatient", "slow", 504, "Endpoint request timed out"),
        ("POST", "/orders", "x" * 10_485_761, 413, "HTTP content length exceeded 10485760 bytes."),
    ],
)
def test_errors_are_api_gateways_own(
    api: Api, method: str, path: str, body: str | None, status: int, message: str
) -> None:
    answer = api.call(method, path, body)
    assert (answer.status, answer.json) == (status, {"message": message})


def test_an_unknown_api_or_stage_is_forbidden(api: Api) -> None:
    answer = Api(api.server, "nothere").call("POST", "/orders", "{}")
    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})


def test_templates_map_into_and_out_of_a_function(api: Api) -> None:
    answer = api.call("POST", "/direct", '{"a": {"b": 1}}')
    assert (answer.status, answer.json) == (200, {"b": 1})


def test_a_template_sees_an_empty_request_as_an_empty_object(api: Api) -> None:
    assert [api.call("POST", "/whole", body).json for body in ("", '{"a": 1}')] == [{}, {"a": 1}]


def test_a_functions_error_chooses_the_response_by_its_message(api: Api) -> None:
    answer = api.call("POST", "/failing", '{"fail": "ITEM009"}')
    assert (answer.status, answer.json) == (404, {"why": "NotFound: ITEM009"})
    assert api.call("POST", "/failing", '{"fine": 1}').status == 200


def test_a_service_is_called_directly(api: Api) -> None:
    assert api.call("POST", "/rows", '{"k": "one"}').status == 204
    row = api.server.client("dynamodb").get_item(TableName="Rows", Key={"k": {"S": "one"}})
    assert row["Item"] == {"k": {"S": "one"}}
    assert api.call("POST", "/rows", "<k/>", Content_Type="text/xml").status == 415


def test_an_api_starts_an_execution_without_a_function_between(api: Api) -> None:
    answer = api.call("POST", "/start", '{"id": "order-1", "text": "a \\"quoted\\" ü"}')
    assert answer.status == 200
    arn = answer.json["executionArn"]
    assert arn.endswith(":execution:started:order-1")
    told = api.server.client("stepfunctions").describe_execution(executionArn=arn)
    assert json.loads(told["input"]) == {"id": "order-1", "text": 'a "quoted" ü'}
    again = api.call("POST", "/start", '{"id": "order-1", "text": "other"}')
    assert (again.status, "ExecutionAlreadyExists" in again.body) == (400, True)


def test_an_integration_that_is_not_called_here_says_so(api: Api) -> None:
    answer = api.call("POST", "/elsewhere", "{}")
    assert answer.status == 501
    assert "Integrations of type HTTP are not called here" in answer.json["message"]


GUARD = """
def handler(event, context):
    token = event.get("authorizationToken") or event["headers"]["Authorization"]
    if token == "Bearer none": raise Exception("Unauthorized")
    effect = "Allow" if token == "Bearer yes" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {"principalId": "me", "policyDocument": {"Statement": [statement]}, "context": {"kind": event["type"]}}
"""


@pytest.mark.parametrize("kind", ["TOKEN", "REQUEST"])
def test_a_functions_answer_lets_calls_pass(api: Api, kind: str) -> None:
    gateway = api.server.client("apigateway")
    name = f"guard-{kind.lower()}"
    arn = deploy(api.server, name, GUARD)
    made = gateway.create_rest_api(name=name)["id"]
    guard = gateway.create_authorizer(
        restApiId=made,
        name=name,
        type=kind,
        authorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        identitySource="method.request.header.Authorization",
        **({"identityValidationExpression": "Bearer .*"} if kind == "TOKEN" else {}),
    )["id"]
    root = gateway.get_resources(restApiId=made)["items"][0]["id"]
    known = {"restApiId": made, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**known, authorizationType="CUSTOM", authorizerId=guard)
    template = """{"who": "$context.authorizer.principalId", "kind": "$context.authorizer.kind"}"""
    gateway.put_integration(**known, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_method_response(**known, statusCode="200")
    gateway.put_integration_response(**known, statusCode="200", responseTemplates={"application/json": template})
    gateway.create_deployment(restApiId=made, stageName="prod")
    guarded = api._replace(id=made)
    assert guarded.call("GET", "/", Authorization="Bearer yes").json == {"who": "me", "kind": kind}
    refused = [guarded.call("GET", "/", Authorization="Bearer no"), guarded.call("GET", "/")]
    refused += [guarded.call("GET", "/", Authorization="Bearer none")]
    refused += [guarded.call("GET", "/", Authorization="Basic x")] if kind == "TOKEN" else []
    assert [answer.status for answer in refused] == [403, 401, 401, *([401] if kind == "TOKEN" else [])]
    assert refused[0].json == {"message": "User is not authorized to access this resource with an explicit deny"}


def test_an_api_with_very_long_paths_is_imported_and_listed() -> None:
    paths = {"/" + "/".join(f"{n}-{part}" for part in range(600)): {"get": {}} for n in range(3)}
    document = {"openapi": "3.0.1", "info": {"title": "deep"}, "paths": paths}
    neighbours, kind = Neighbours("123456789012"), {"content-type": "application/json"}
    told = Request("POST", "/restapis", "mode=import", kind, json.dumps(document).encode())
    made = json.loads(neighbours.answer("apigateway", "us-east-1", told).body)["id"]
    listing = Request("GET", f"/restapis/{made}/resources")
    listed = json.loads(neighbours.answer("apigateway", "us-east-1", listing).body)["item"]
    assert len(listed) == 3 * 600 + 1
    assert paths.keys() <= {row["path"] for row in listed}
