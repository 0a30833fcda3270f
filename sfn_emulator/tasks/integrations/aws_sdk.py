"""``aws-sdk:service:action``: any operation of any service botocore knows, by its own model, as the Java SDK 2 names
things: parameters and results in PascalCase, errors ``Service.ErrorNameException``."""

from typing import Any, Final

from sfn_emulator.asl.integrations import SDK_PREFIX
from sfn_emulator.asl.integrations import refusal as unknown_to_aws
from sfn_emulator.asl.parsing.task import unrecognized
from sfn_emulator.asl.resource import Resource
from sfn_emulator.engine.ports import TaskRequest
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.clients import Clients, Destinations, method_name, operation_model
from sfn_emulator.tasks.sdk.failures import Refusal, bodiless, error_v2, no_answer, nulls, refusal, unreachable
from sfn_emulator.tasks.sdk.naming import botocore_service, member_v2, service_prefix
from sfn_emulator.tasks.sdk.shapes import Parameters, Rules, iso, result
from sfn_emulator.tasks.sdk.wire import request_id
from sfn_emulator.values import Value


def unknown(resource: Resource) -> str | None:
    """AWS's refusal of an ``aws-sdk`` Resource whose service or action does not exist; ``None`` for any other."""
    if resource.resource_type.startswith(SDK_PREFIX):
        try:
            SdkAction(Clients(Destinations()), resource.resource_type.removeprefix(SDK_PREFIX), resource.action)
        except LookupError:
            return not_run(resource)
    return None


def not_run(resource: Resource) -> str:
    """Why a Resource is not run: AWS's refusal; or our own message, if AWS has it (or had it) and we do not."""
    name = resource.resource_type.removeprefix(SDK_PREFIX)
    if name != resource.resource_type and name in _DISCONTINUED:
        return (
            f"The resource provided {resource.arn} calls '{name}', a service that AWS has discontinued and that SDKs "
            "no longer have."
        )
    if name == resource.resource_type and not unknown_to_aws(resource):
        return f"The resource provided {resource.arn} is an integration of Step Functions that is not run here."
    return unrecognized(resource.arn)


_DISCONTINUED: Final = frozenset(
    {
        *(
            "alexaforbusiness",
            "apptest",
            "backupstorage",
            "finspace",
            "finspacedata",
            "tnb",
            "codestar",
            "elasticinference",
            "elastictranscoder",
            "evidently",
        ),
        *("gamesparks", "honeycode", "iot1clickdevices", "iot1clickprojects", "iotanalytics", "iotevents"),
        *("ioteventsdata", "iotfleethub", "lookoutmetrics", "lookoutvision", "macie", "mobile", "nimble", "opsworks"),
        *("opsworkscm", "panorama", "privatenetworks", "qldb", "qldbsession", "robomaker", "simspaceweaver", "sms"),
        "worklink",
    }
)
"""SDK services that botocore has had and dropped (as of botocore 1.44, 2026-11)."""


class SdkAction:
    """One operation, ready to be called. Raises ``LookupError`` for an unknown service or action."""

    def __init__(self, clients: Clients, sdk_service: str, action: str) -> None:
        service = botocore_service(sdk_service)
        if service is None:
            raise LookupError(sdk_service)
        self._clients = clients
        self.service = service
        self.operation = operation_model(service, action)
        if self.operation.has_event_stream_output or self.operation.has_event_stream_input:
            raise LookupError(f"{sdk_service}:{action} is a stream")
        self._parameters = Parameters(self.operation.input_shape, Rules(member_v2))

    def problems(self, value: Value) -> list[str]:
        return self._parameters.problems(value)

    def __call__(self, request: TaskRequest) -> Value:
        answer = self._send(request)
        return result(self.operation.output_shape, answer, member_v2, iso)

    def _send(self, request: TaskRequest) -> Any:
        from botocore.exceptions import ClientError

        arguments = self._parameters(request.input)
        missing = nulls(self.operation, arguments) if self._clients.is_ours(self.service) else None
        if missing is not None:
            raise self._refused(missing._replace(request_id=request_id(f"{request.token}{request.attempt}")))
        client = self._clients.client(self.service, request.identity.region)
        try:
            answer = getattr(client, method_name(self.operation.name))(**arguments)
        except ClientError as error:
            raise self._error(error, request) from None
        except no_answer() as error:
            raise unreachable(service_prefix(client.meta.service_model.service_id), error) from None
        answer.pop("ResponseMetadata", None)
        return answer

    def _error(self, error: Any, request: TaskRequest) -> StateError:
        seed = request_id(f"{request.token}{request.attempt}")
        said = refusal(error, self.operation.service_model, seed)
        return self._refused(bodiless(said, self.operation) if self.operation.http.get("method") == "HEAD" else said)

    def _refused(self, said: Refusal) -> StateError:
        host = said.host_id or (said.request_id if self.service == "s3" else "")
        service_id = str(self.operation.service_model.service_id)
        return error_v2(service_id, said.message, said.status, said.request_id, said.shape, host)
