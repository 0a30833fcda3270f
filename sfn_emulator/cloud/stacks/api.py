"""CloudFormation's requests. A stack that holds a type which would not be made is refused by name."""

from typing import Final
from urllib.parse import parse_qs, urlsplit

from sfn_emulator.cloud.message import Reply, Request, xml_error
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.template.text import parsed

_MAKING: Final = frozenset({"CreateStack", "UpdateStack", "CreateChangeSet"})
_MADE: Final = frozenset(
    f"AWS::{name}"
    for name in [
        "Lambda::Function",
        "Lambda::Version",
        "Lambda::Permission",
        "Lambda::EventSourceMapping",
        "IAM::Role",
        "IAM::Policy",
        "IAM::ManagedPolicy",
        "Logs::LogGroup",
        "DynamoDB::Table",
        "SQS::Queue",
        "SNS::Topic",
        "S3::Bucket",
        "SSM::Parameter",
        "KMS::Key",
        "Events::Rule",
        "Events::EventBus",
        "ApiGateway::RestApi",
        "ApiGateway::Resource",
        "ApiGateway::Method",
        "ApiGateway::Deployment",
        "ApiGateway::Stage",
    ]
)


class StacksApi:
    """Blocking, from any thread."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    def answer(self, region: str, request: Request) -> Reply:
        """The reply to any request for CloudFormation."""
        told = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        try:
            if told.get("Action") in _MAKING:
                self._check(region, told)
        except StackError as error:
            return xml_error(error.status, error.code, error.message)
        return self._neighbours.answer("cloudformation", region, request)

    def _check(self, region: str, told: dict[str, str]) -> None:
        text = told.get("TemplateBody") or self._fetched(region, told.get("TemplateURL", ""))
        if not text:
            return
        resources = parsed(text).get("Resources") or {}
        types = {str(resource.get("Type")) for resource in resources.values() if isinstance(resource, dict)}
        if missing := sorted(types - _MADE):
            raise StackError(f"Template format error: Unrecognized resource types: [{', '.join(missing)}]")

    def _fetched(self, region: str, url: str) -> str:
        reply = self._neighbours.answer("s3", region, Request("GET", urlsplit(url).path)) if url else None
        return reply.body.decode() if reply is not None and reply.status == 200 else ""
