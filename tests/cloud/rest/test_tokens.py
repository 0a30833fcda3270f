"""Authorizers that check tokens: of an issuer of our own that says where its keys are, and of local user pools."""

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.cloud.functions import deploy, make_role
from tests.cloud.rest.http.calling import Answer, called
from tests.processes import Process, running

ECHO = """
def handler(event, context):
    return event["requestContext"]["authorizer"]
"""
KEY, STRANGERS = (rsa.generate_private_key(public_exponent=65_537, key_size=2048) for _ in range(2))


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8))


class Issuer:
    """``url`` is what its tokens name as ``iss``."""

    def __init__(self) -> None:
        public = KEY.public_key().public_numbers()
        keys = {"keys": [{"kid": "first", "kty": "RSA", "alg": "RS256", "n": number(public.n), "e": number(public.e)}]}
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                described = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
                told = json.dumps(keys if self.path == "/keys" else described).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, format: str, *args: Any) -> None: ...

        self.web = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self.web.server_port}"
        threading.Thread(target=self.web.serve_forever, daemon=True).start()

    def token(self, key: rsa.RSAPrivateKey = KEY, head: Any = None, **claims: Any) -> str:
        now = int(time.time())  # noqa: TID251 - tokens carry the time of day
        header = {"alg": "RS256", "kid": "first", **(head or {})}
        body = {"iss": self.url, "aud": "shop", "exp": now + 3_600, "iat": now, "sub": "ada", **claims}
        text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(body).encode())}"
        return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.web.shutdown()
    made.web.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        deploy(process, "echo", ECHO)
        yield process


@pytest.fixture(scope="module")
def api(server: Process, issuer: Issuer) -> str:
    """An API of two routes, imported as SAM has its definition written."""
    integration = {
        "type": "aws_proxy",
        "uri": "arn:aws:lambda:us-east-1:123456789012:function:echo",
        "payloadFormatVersion": "2.0",
    }
    guard = {
        "type": "jwt",
        "jwtConfiguration": {"issuer": issuer.url, "audience": ["shop"]},
        "identitySource": "$request.header.Authorization",
    }
    body = {
        "openapi": "3.0.1",
        "info": {"title": "shop", "version": "1"},
        "paths": {
            path: {"get": {"security": [{"who": scopes}], "x-amazon-apigateway-integration": integration}}
            for path, scopes in (("/orders", []), ("/prices", ["price.read"]))
        },
        "components": {"securitySchemes": {"who": {"type": "oauth2", "x-amazon-apigateway-authorizer": guard}}},
    }
    gateway = server.client("apigatewayv2")
    made = str(gateway.import_api(Body=json.dumps(body))["ApiId"])
    gateway.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    return made


def call(server: Process, api: str, path: str, token: str | None = None) -> Answer:
    headers = {} if token is None else {"authorization": token}
    return called(f"{server.url}/_aws/execute-api/{api}{path}", "GET", None, **headers)


def test_a_function_is_told_the_claims_of_a_good_token(server: Process, api: str, issuer: Issuer) -> None:
    token = issuer.token(roles=["a", "b"], n=1, email_verified=True)
    answer = call(server, api, "/orders", f"Bearer {token}")
    told = json.loads(answer.body)["jwt"]
    assert (answer.status, told["scopes"]) == (200, None)
    assert {name: told["claims"][name] for name in ("sub", "roles", "n", "email_verified")} == {
        "sub": "ada",
        "roles": "[a b]",
        "n": "1",
        "email_verified": "true",
    }


def test_a_client_id_stands_for_an_audience(server: Process, api: str, issuer: Issuer) -> None:
    token = issuer.token(aud=None, client_id="shop")
    assert call(server, api, "/orders", token).status == 401  # an audience that is there is the one that counts
    head, body, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    del claims["aud"]
    text = f"{head}.{encoded(json.dumps(claims).encode())}"
    signature = KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert call(server, api, "/orders", f"{text}.{encoded(signature)}").status == 200


BAD: dict[str, dict[str, Any]] = {
    "over": {"exp": 1},
    "not yet": {"nbf": 1 << 40},
    "of another issuer": {"iss": "http://elsewhere.test"},
    "for others": {"aud": ["others"]},
    "signed by a stranger": {"key": STRANGERS},
    "by a key nobody has": {"head": {"kid": "second"}},
    "without a signature": {"head": {"alg": "none"}},
    "signed with what is public": {"head": {"alg": "HS256"}},
    "with an end that is no number": {"exp": "soon"},
}


@pytest.mark.parametrize("how", BAD)
def test_a_token_that_does_not_hold_is_refused(server: Process, api: str, issuer: Issuer, how: str) -> None:
    answer = call(server, api, "/orders", issuer.token(**BAD[how]))
    assert (answer.status, json.loads(answer.body)) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", "Bearer ..", "1.2"])
def test_a_request_with_a_broken_token_is_refused(server: Process, api: str, token: str | None) -> None:
    assert call(server, api, "/orders", token).status == 401


@pytest.mark.parametrize(
    ("held", "status"), [("price.read other", 200), ("price.write", 403), (None, 403)], ids=["one", "another", "none"]
)
def test_a_route_with_scopes_wants_one_of_them(
    server: Process, api: str, issuer: Issuer, held: str | None, status: int
) -> None:
    answer = call(server, api, "/prices", issuer.token(**({} if held is None else {"scope": held})))
    assert answer.status == status
    if status == 200:
        assert json.loads(answer.body)["jwt"]["scopes"] == ["price.read"]


def test_a_route_that_asks_for_an_unknown_scheme_is_refused_at_import(server: Process) -> None:
    route = {"security": [{"nobody": []}], "x-amazon-apigateway-integration": {"type": "http_proxy", "uri": "http://x"}}
    body = {"openapi": "3.0.1", "info": {"title": "no", "version": "1"}, "paths": {"/x": {"get": route}}}
    with pytest.raises(ClientError, match="GET /x asks for the security scheme 'nobody'"):
        server.client("apigatewayv2").import_api(Body=json.dumps(body))


class Signed(NamedTuple):
    """A local user pool with a user who has signed in, and an API of each kind that asks for its tokens."""

    id_token: str
    access_token: str
    rest: str
    http: str


@pytest.fixture(scope="module")
def signed_in(server: Process) -> Signed:
    template = json.loads((Path(__file__).parent / "pools.json").read_text())
    stacks = server.client("cloudformation")
    stacks.create_stack(StackName="pools", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="pools")
    outputs = stacks.describe_stacks(StackName="pools")["Stacks"][0]["Outputs"]
    told = {row["OutputKey"]: row["OutputValue"] for row in outputs}
    pool = server.client("cognito-idp")
    pool.admin_set_user_password(UserPoolId=told["Pool"], Username="ada", Password="Secret-123", Permanent=True)
    given = {"USERNAME": "ada", "PASSWORD": "Secret-123"}
    answer = pool.initiate_auth(ClientId=told["Client"], AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
    tokens = answer["AuthenticationResult"]
    return Signed(tokens["IdToken"], tokens["AccessToken"], told["Rest"], told["Http"])


def test_a_rest_api_tells_the_claims_of_a_user_of_its_pool(server: Process, signed_in: Signed) -> None:
    answer = call(server, signed_in.rest, "/prod/orders", f"Bearer {signed_in.id_token}")
    claims = json.loads(answer.body)["claims"]
    assert (answer.status, claims["token_use"], claims["email"]) == (200, "id", "ada@shop.test")
    assert re.fullmatch(r"\w{3} \w{3} \d\d [\d:]{8} UTC \d{4}", claims["exp"])


def test_a_rest_api_refuses_what_its_pool_did_not_sign(server: Process, signed_in: Signed, issuer: Issuer) -> None:
    wrong = [None, "x", issuer.token(), signed_in.access_token, signed_in.id_token[:-9] + "AAAAAAAAA"]
    answers = [call(server, signed_in.rest, "/prod/orders", token) for token in wrong]
    assert [(answer.status, json.loads(answer.body)) for answer in answers] == [(401, {"message": "Unauthorized"})] * 5


def test_a_method_with_scopes_wants_an_access_token_that_has_one(server: Process, signed_in: Signed) -> None:
    path = "/prod/prices"
    assert call(server, signed_in.rest, path, signed_in.access_token).status == 200
    assert call(server, signed_in.rest, path, signed_in.id_token).status == 401
    assert call(server, signed_in.rest, "/prod/secrets", signed_in.access_token).status == 401


def test_an_http_api_takes_the_tokens_of_a_local_pool(server: Process, signed_in: Signed) -> None:
    answer = call(server, signed_in.http, "/orders", signed_in.id_token)
    assert (answer.status, json.loads(answer.body)["jwt"]["claims"]["token_use"]) == (200, "id")
    assert call(server, signed_in.http, "/orders", signed_in.id_token[:-9] + "AAAAAAAAA").status == 401
