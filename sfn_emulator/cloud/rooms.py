"""Which part of moto answers a request: its modules, their handlers by path, and their backends."""

import importlib
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeAlias

from sfn_emulator.cloud.requests.message import Request

Handler: TypeAlias = Callable[[Any, str, Any], Any]

_SIGNING_ALIASES: Final = {
    "eventbridge": "events",
    "execute-api": "iot",
    "iotdata": "data.iot",
    "mobiletargeting": "pinpoint",
    "payment-cryptography": "controlplane.payment-cryptography",
    "timestream": "ingest.timestream",
    "sagemaker": "api.sagemaker",
    "memorydb": "memory-db",
}
_ROOMS: Final = {"dynamodb": "dynamodb", "email": "ses", "lambda": "awslambda", "monitoring": "cloudwatch", "s3": "s3"}


def module_of(service: str, region: str, request: Request) -> str | None:
    """moto's module for a signing name, or ``None``. If several modules share a name, the request decides."""
    if service == "dynamodb" and request.headers.get("x-amz-target", "").startswith("DynamoDBStreams"):
        return "dynamodbstreams"
    if service == "ses" and request.path.startswith("/v2/"):
        return "sesv2"
    if service in ("s3", "s3-control") and request.path.startswith("/v20180820/"):
        return "s3control"
    if service == "elasticloadbalancing":
        return "elbv2" if b"2015-12-01" in request.body else "elb"
    return _ROOMS.get(service) or _module_by_host(_SIGNING_ALIASES.get(service, service), region)


@cache
def _module_by_host(service: str, region: str) -> str | None:
    patterns = importlib.import_module("moto.backend_index").backend_url_patterns
    hosts = (f"https://{service}.{region}.amazonaws.com", f"https://{service}.amazonaws.com")
    for host in (*hosts, f"https://{service}.{region}.api.aws"):
        for module, pattern in patterns:
            if module not in ("stepfunctions", "instance_metadata") and pattern.match(host):
                return str(module)
    return None


@cache
def backends_of(module: str) -> Any:
    """moto's backends by account and region."""
    return importlib.import_module("moto.backends").get_backend(module)


@cache
def _routes(module: str) -> tuple[tuple[re.Pattern[str], Handler], ...]:
    urls = importlib.import_module(f"moto.{module}.urls")
    return tuple((re.compile(path.format("")), handler) for path, handler in urls.url_paths.items())


def handler_of(module: str, path: str) -> Handler | None:
    return next((handler for pattern, handler in _routes(module) if pattern.match(path)), None)
