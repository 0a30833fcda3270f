"""The permissions that moto checks.

IAM takes a policy without Version (``IAM JSON policy elements: Version``). Without ``--iam enforce``, bucket policies
are not judged, and a function's role need not exist. With it, a statement of a bucket policy counts only if its
conditions hold.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.moment import is_new
from sfn_emulator.values import dumps, loads

Judge: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, str]], bool]
"""Whether a statement's Condition holds for a request's condition keys (names in lower case)."""

_SECURE: Final = {"aws:securetransport": "true"}
"""A connection to a port of this machine counts as secure: nobody can overhear it."""


def correct(module: str, judge: Judge | None) -> None:
    """Without ``judge`` permissions are not judged."""
    mend = _CORRECTIONS.get(module)
    if mend is not None:
        mend(judge)


def _bucket_policies(judge: Judge | None) -> None:
    control = importlib.import_module("moto.iam.access_control")

    def made(inner: Callable[..., Any]) -> Callable[..., Any]:
        def get_permission(self: Any, action: str, resource: str) -> Any:
            if judge is None or self.policy is None or not is_new():
                return control.PermissionResult.NEUTRAL
            statements = loads(self.policy)["Statement"]
            told = statements if isinstance(statements, list) else [statements]
            holding = [row for row in told if judge(row.get("Condition") or {}, _SECURE)]
            return control.IAMPolicy(dumps({"Statement": holding})).is_action_permitted(action, resource)

        return get_permission

    replace(importlib.import_module("moto.s3.models").FakeBucket, "get_permission", made)


def _versions(judge: Judge | None) -> None:
    def made(inner: Callable[..., Any]) -> Callable[..., Any]:
        def _validate_version(self: Any) -> None:
            """Both versions of the language are accepted; no Version means the older one."""

        return _validate_version

    replace(importlib.import_module("moto.iam.policy_validation").BaseIAMPolicyValidator, "_validate_version", made)


def _any_role(judge: Judge | None) -> None:
    models: Any = importlib.import_module("moto.awslambda.models")
    known = models.iam_backends

    class AnyRole:
        """Stands in for IAM's backends when CreateFunction looks a role up: every role exists, unless judged."""

        def __getitem__(self, key: str) -> Any:
            return self if judge is None or not is_new() else known[key]

        def get_role_by_arn(self, arn: str) -> None: ...

    models.iam_backends = AnyRole()


_CORRECTIONS: Final[dict[str, Callable[[Judge | None], None]]] = {
    "awslambda": _any_role,
    "iam": _versions,
    "s3": _bucket_policies,
}
