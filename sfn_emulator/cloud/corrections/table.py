"""moto's module → its corrections."""

from collections.abc import Callable
from typing import Final

from sfn_emulator.cloud.corrections import (
    awslambda,
    codedeploy,
    cognitoidp,
    core,
    events,
    kinesis,
    permissions,
    s3,
    schedules,
    secretsmanager,
    sns,
)
from sfn_emulator.cloud.corrections.apis import apigateway
from sfn_emulator.cloud.corrections.permissions import Judge
from sfn_emulator.cloud.corrections.tables import dynamodb

_CORRECTIONS: Final[dict[str, Callable[[], None]]] = {
    "apigateway": apigateway.correct,
    "awslambda": awslambda.correct,
    "codedeploy": codedeploy.correct,
    "cognitoidp": cognitoidp.correct,
    "dynamodb": dynamodb.correct,
    "events": events.correct,
    "kinesis": kinesis.correct,
    "scheduler": schedules.correct_scheduler,
    "s3": s3.correct,
    "secretsmanager": secretsmanager.correct,
    "sns": sns.correct,
}


def correct(module: str, judge: Judge | None) -> None:
    """Mends a moto module, once; called before its first request. Without ``judge`` permissions are not judged."""
    core.correct()
    mend = _CORRECTIONS.get(module)
    if mend is not None:
        mend()
    permissions.correct(module, judge)
