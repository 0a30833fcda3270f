"""``--iam enforce``: before each call, the state machine's role (or the Task's own) must be allowed to make it.

A refusal reads as on AWS, where the called service makes it, with its own error: "User: arn:aws:sts::…:assumed-role/…
is not authorized to perform: … on resource: … because no identity-based policy allows the … action".
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from sfn_emulator.asl.resource import Family
from sfn_emulator.engine.ports import Clock, StartTask, TaskRequest, Tell, Work
from sfn_emulator.errors import PERMISSIONS, TASK_FAILED, StateError
from sfn_emulator.tasks.clients import Clients, service_model
from sfn_emulator.tasks.iam.needs import Need, needs
from sfn_emulator.tasks.iam.policies import Decision, Document, Policies, RolePolicy, trusts
from sfn_emulator.tasks.integrations.lambda_ import LAMBDA
from sfn_emulator.tasks.integrations.nested import STEP_FUNCTIONS
from sfn_emulator.tasks.integrations.optimised import ROWS
from sfn_emulator.tasks.patterns import Starter, failure
from sfn_emulator.tasks.sdk import wire
from sfn_emulator.tasks.sdk.failures import ServiceV1, error_v2
from sfn_emulator.tasks.workers import Running, Workers
from sfn_emulator.values import loads


def guarded(guard: "Guard", workers: Workers, start: Starter) -> Starter:
    """A starter that asks the guard before it starts."""

    def ask(effect: StartTask, tell: Tell) -> Work:
        running = Running()

        def checked(outcome: Exception | None) -> None:
            if running.cancelled:
                return
            if isinstance(outcome, Exception):
                tell(failure(effect, outcome))
                return
            running.on_cancel = None
            running.also(start(effect, tell).cancel)

        running.on_cancel = workers.run(lambda: guard.check(effect.request), checked).cancel
        return running

    return ask


class Guard:
    """The checks by IAM before a Task. Without ``enforce``, only that Credentials name an existing role."""

    def __init__(self, policies: Policies, clock: Clock, *, enforce: bool) -> None:
        self._policies = policies
        self._clock = clock
        self._enforce = enforce

    def asks(self, request: TaskRequest) -> bool:
        """Whether there is anything to check; activities need no permission."""
        return request.resource.family is not Family.ACTIVITY and (self._enforce or request.role is not None)

    def check(self, request: TaskRequest) -> None:
        """Checks a request; blocking. Raises ``StateError`` if it is not allowed."""
        role = request.identity.role_arn
        if request.role is not None:
            self._assume(role, request.role, request)
            role = request.role
        if self._enforce:
            self._allow(role, request)

    def _assume(self, own: str, other: str, request: TaskRequest) -> None:
        try:
            trust = self._policies.of(other).trust
            allowed = not self._enforce or (
                self._decide(own, "sts:AssumeRole", other, request) is Decision.ALLOWED
                and trusts(trust, {"AWS": _names_of(own)}, self._context(own, request))
            )
        except LookupError:
            allowed = False
        if not allowed:
            text = f"The role {own} is not authorized to assume the task state's role, {other}."
            raise StateError(TASK_FAILED, text)

    def _allow(self, role: str, request: TaskRequest) -> None:
        for need in needs(request):
            try:
                decision = self._decide(role, need.action, need.resource, request)
            except LookupError:
                decision = Decision.IMPLICITLY_DENIED
            if decision is not Decision.ALLOWED:
                raise _denied(role, need, decision, request)

    def _decide(self, role: str, action: str, resource: str, request: TaskRequest) -> Decision:
        return self._policies.of(role).decide(action, resource, self._context(role, request))

    def _context(self, role: str, request: TaskRequest) -> Mapping[str, str]:
        now = self._clock.now()
        return {
            "aws:currenttime": wire.iso_date(now),
            "aws:epochtime": str(int(now)),
            "aws:principalaccount": role.split(":")[4] if role.count(":") >= 5 else "",
            "aws:principalarn": role,
            "aws:requestedregion": request.identity.region,
            "aws:securetransport": "true",
            "aws:sourcearn": request.identity.machine_arn,
            "aws:viaawsservice": "true",
            **_http_context(request),
        }


def _names_of(role: str) -> tuple[str, ...]:
    """The names by which a trust policy may mean the role: itself, its account, its account's root."""
    parts = role.split(":")
    account = parts[4] if len(parts) > 5 else ""
    return role, account, f"{':'.join(parts[:4])}:{account}:root"


def _http_context(request: TaskRequest) -> dict[str, str]:
    if (request.resource.resource_type, request.resource.action) != ("http", "invoke"):
        return {}
    given: dict[str, Any] = request.input if isinstance(request.input, dict) else {}
    return {"states:httpmethod": str(given.get("Method")), "states:httpendpoint": str(given.get("ApiEndpoint"))}


# -- refusals


_BY_SERVICE: Final[dict[str, ServiceV1]] = {
    **{row.botocore: row.errors for row in ROWS.values()},
    "lambda": LAMBDA,
    "stepfunctions": STEP_FUNCTIONS,
}
_CODES: Final = {"sns": "AuthorizationError", "sqs": "AccessDenied", "s3": "AccessDenied"}
_STATUSES: Final = {"lambda": 403, "sns": 403, "sqs": 403, "s3": 403, "batch": 403, "apigateway": 403}
_AS_SDK: Final = ("aws-sdk:", "bedrockagentcore")
"""Integrations whose errors are those of the Java SDK 2."""
_SHAPES: Final = {"sns": "AuthorizationErrorException"}


def _denied(role: str, need: Need, decision: Decision, request: TaskRequest) -> StateError:
    resource = "" if need.resource == "*" else f" on resource: {need.resource}"
    action = need.action.replace("sns:", "SNS:")  # SNS writes it like this
    reason = decision.value.format(action=action)
    text = f"User: {_session(role, request)} is not authorized to perform: {action}{resource} {reason}"
    code = _CODES.get(need.service, "AccessDeniedException")
    status = _STATUSES.get(need.service, 400)
    request_id = wire.request_id(f"{request.token}{request.attempt}", need.service)
    if request.resource.resource_type.startswith(_AS_SDK):
        model = service_model(need.service)
        shape = model.shape_for_error_code(code)
        host = request_id if need.service == "s3" else ""
        return error_v2(str(model.service_id), text, status, request_id, shape and shape.name, host)
    if need.service in _BY_SERVICE and request.resource.resource_type != "http":
        return _BY_SERVICE[need.service].error(code, text, status, request_id, _SHAPES.get(need.service))
    return StateError(PERMISSIONS, text)


def _session(role: str, request: TaskRequest) -> str:
    """``arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION``; AWS draws the session's name, 32 letters, per execution."""
    parts = role.split(":")
    account = parts[4] if len(parts) > 5 else ""
    digest = hashlib.sha256(request.identity.execution_arn.encode()).digest()
    session = "".join(chr(ord("A") + byte % 26) for byte in digest)
    return f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{session}"


class RolePolicies:
    """A role's policies, read from IAM each time, so that a changed policy counts from the next attempt on."""

    def __init__(self, clients: Clients, region: str) -> None:
        self._clients = clients
        self._region = region

    def of(self, role_arn: str) -> RolePolicy:
        """The policies of a role. Raises ``LookupError`` if there is no such role."""
        iam = self._clients.client("iam", self._region)
        name = role_arn.rpartition("/")[2]
        try:
            role = iam.get_role(RoleName=name)["Role"]
        except iam.exceptions.NoSuchEntityException:
            raise LookupError(role_arn) from None
        if role["Arn"] != role_arn:
            raise LookupError(role_arn)
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return RolePolicy(
            [*self._inline(iam, name), *self._attached(iam, name)],
            None if boundary is None else _managed(iam, boundary),
            _document(role["AssumeRolePolicyDocument"]),
        )

    def _inline(self, iam: Any, role: str) -> Iterable[Document]:
        for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
            for name in page["PolicyNames"]:
                yield _document(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])

    def _attached(self, iam: Any, role: str) -> Iterable[Document]:
        for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
            for attached in page["AttachedPolicies"]:
                yield _managed(iam, attached["PolicyArn"])


def _managed(iam: Any, arn: str) -> Document:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return _document(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _document(told: Any) -> Document:
    """IAM answers with URL-encoded JSON; botocore decodes it, other clients may not have."""
    found: Document = loads(unquote(told)) if isinstance(told, str) else told
    return found
