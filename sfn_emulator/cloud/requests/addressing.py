"""Which service, in which region, is a request meant for?

One port serves everything. So the address is read from the request, by the surest sign first: the operation it names
(X-Amz-Target), the host it was sent to, the scope it was signed for, the parameters of the query protocol, and last its
path. A request without any of these is for S3: an unsigned GET of a public object looks like that.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote

from sfn_emulator.cloud.requests.message import Headers, Request


class Address(NamedTuple):
    """``service`` is the name requests to it are signed with (``states``, ``dynamodb``, ``lambda``)."""

    service: str
    region: str


class DataPlane(NamedTuple):
    """A call of a deployed REST API: ``path`` starts with a slash and is still percent-encoded."""

    api: str
    stage: str
    path: str


class FunctionUrl(NamedTuple):
    """A call of a Lambda function's own URL: ``path`` starts with a slash and is still percent-encoded."""

    id: str
    path: str


DEFAULT_REGION: Final = "us-east-1"

_TARGETS: Final = {
    "AWSStepFunctions": "states",
    "DynamoDB_20120810": "dynamodb",
    "DynamoDB_20111205": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "AWSEvents": "events",
    "Logs_20140328": "logs",
    "secretsmanager": "secretsmanager",
    "AmazonSSM": "ssm",
    "TrentService": "kms",
    "CloudApiService": "cloudcontrolapi",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AWSGlue": "glue",
    "Kinesis_20131202": "kinesis",
    "AmazonAthena": "athena",
    "CodeBuild_20161006": "codebuild",
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
}
_QUERY_VERSIONS: Final = {
    "2011-06-15": "sts",
    "2010-05-08": "iam",
    "2010-03-31": "sns",
    "2012-11-05": "sqs",
    "2010-08-01": "monitoring",
    "2016-11-15": "ec2",
    "2010-05-15": "cloudformation",
    "2009-04-15": "sdb",
}
_PATHS: Final = (
    (re.compile(r"/20\d\d-\d\d-\d\d/(functions|event-source-mappings|layers|tags|account-settings)(/|$)"), "lambda"),
    (re.compile(r"/(restapis|apikeys|usageplans|domainnames|vpclinks)(/|$)"), "apigateway"),
    (re.compile(r"/\d{12}/[\w.-]+$"), "sqs"),
)
_HOST_SERVICE: Final = re.compile(
    r"^(?:[\w-]+\.)??(?P<service>[a-z][\w-]*?)(?:\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?"
    r"\.(?:amazonaws\.com(?:\.cn)?|localhost\.localstack\.cloud|localhost)$"
)
_BUCKET_HOST: Final = re.compile(
    r"^(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?"
    r"\.(?:amazonaws\.com(?:\.cn)?|localhost\.localstack\.cloud|localhost)$"
)
_API_HOST: Final = re.compile(r"^(?P<api>[a-z0-9]+)\.execute-api\.")
_API_PATHS: Final = (
    re.compile(r"^/restapis/(?P<api>[^/]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)?$"),
    re.compile(r"^/_aws/execute-api/(?P<api>[^/]+)/(?P<stage>[^/]+)(?P<path>/.*)?$"),
)
_FUNCTION_HOST: Final = re.compile(r"^(?P<id>[a-z0-9]+)\.lambda-url\.")
_FUNCTION_PATH: Final = re.compile(r"^/_aws/lambda-url/(?P<id>[a-z0-9]+)(?P<path>/.*)?$")
_SCOPE: Final = re.compile(r"Credential=([^/,\s]+)/\d{8}/([\w-]+)/([\w-]+)/aws4_request")
_STATES_HOST: Final = re.compile(r"^(?:sync-)?states\.")
_PLAIN_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "localhost.localstack.cloud"})


def host_of(headers: Headers) -> str:
    """The Host header's name in lower case without its port; empty when there is none."""
    return _without_port(headers.get("host", ""))


@lru_cache(maxsize=512)
def _without_port(host: str) -> str:
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")


def data_plane(request: Request) -> DataPlane | FunctionUrl | None:
    """The request as a call of a deployed API or of a function's URL; ``None`` when it is neither."""
    host = host_of(request.headers)
    function = _FUNCTION_HOST.match(host) if ".lambda-url." in host else None
    if function:
        return FunctionUrl(function["id"], request.path)
    named = _API_HOST.match(host) if ".execute-api." in host else None
    if named:
        stage, _, path = request.path.lstrip("/").partition("/")
        return DataPlane(named["api"], unquote(stage), "/" + path)
    if not request.path.startswith(("/restapis/", "/_aws/")):
        return None
    own = _FUNCTION_PATH.match(request.path)
    if own:
        return FunctionUrl(own["id"], own["path"] or "/")
    for pattern in _API_PATHS:
        found = pattern.match(request.path)
        if found:
            return DataPlane(unquote(found["api"]), unquote(found["stage"]), found["path"] or "/")
    return None


def bucket_path(request: Request) -> str | None:
    """The path-style path of a request to a bucket's own host (``bucket.s3.…``); ``None`` for any other host."""
    named = _BUCKET_HOST.match(host_of(request.headers))
    return f"/{named['bucket']}{request.path}" if named else None


def address(request: Request) -> Address:
    """The service and region that ``request`` is meant for; S3 if nothing in it says so."""
    scope = _scope(request)
    region = scope.region if scope else DEFAULT_REGION
    service = _by_target(request.headers.get("x-amz-target"))
    if service:
        return Address(service, region)
    host = host_of(request.headers)
    if _STATES_HOST.match(host):
        named = _by_host(host)
        return Address("states", scope.region if scope else named.region if named else region)
    if scope and scope.service != "execute-api":
        return scope
    by_host = _by_host(host)
    if by_host:
        return by_host
    return Address(_by_parameters(request) or _by_path(request.path) or "s3", region)


def _by_target(target: str | None) -> str | None:
    return _TARGETS.get(target.partition(".")[0]) if target else None


def _scope(request: Request) -> Address | None:
    signed = request.headers.get("authorization")
    text = signed or (unquote(request.query) if "X-Amz-Credential" in request.query else "")
    return _parse_scope(text.replace("X-Amz-Credential=", "Credential=")[:1024]) if text else None


@lru_cache(maxsize=256)
def _credential(text: str) -> Address | None:
    found = _SCOPE.search(text)
    return Address(found[3].lower(), found[2]) if found else None


def _parse_scope(text: str) -> Address | None:
    start = text.find("Credential=")
    return _credential(text[start : start + 160].partition(",")[0]) if start >= 0 else None


@lru_cache(maxsize=256)
def _by_host(host: str) -> Address | None:
    if host in _PLAIN_HOSTS:
        return None
    bucket = _BUCKET_HOST.match(host)
    if bucket:
        return Address("s3", bucket["region"] or DEFAULT_REGION)
    found = _HOST_SERVICE.match(host)
    return Address(found["service"], found["region"] or DEFAULT_REGION) if found else None


def _by_parameters(request: Request) -> str | None:
    parameters = request.query
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        parameters += "&" + request.body[:4096].decode("latin-1")
    if "Action=" not in parameters:
        return None
    versions = parse_qs(parameters).get("Version", [""])
    return _QUERY_VERSIONS.get(versions[0])


def _by_path(path: str) -> str | None:
    return next((service for pattern, service in _PATHS if pattern.match(path)), None)
