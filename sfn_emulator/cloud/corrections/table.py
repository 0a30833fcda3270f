"""moto's module → what is corrected in it."""

from collections.abc import Callable
from typing import Final

from sfn_emulator.cloud.corrections import dynamodb, events, s3, secretsmanager, sns

_CORRECTIONS: Final[dict[str, Callable[[], None]]] = {
    "dynamodb": dynamodb.correct,
    "events": events.correct,
    "s3": s3.correct,
    "secretsmanager": secretsmanager.correct,
    "sns": sns.correct,
}


def correct(module: str) -> None:
    """Mends a moto module, once; called before its first request."""
    mend = _CORRECTIONS.get(module)
    if mend is not None:
        mend()
