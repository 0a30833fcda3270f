"""The world in which the saga is proved: everything that ``deploy`` makes, over the proof's clients."""

from collections.abc import Callable
from typing import Any

from deploy import config, saga
from deploy.apply import apply
from deploy.targets import Target


def world(client: Callable[[str], Any]) -> str:
    """Deploys the saga. Returns its state machine's ARN."""
    account = client("sts").get_caller_identity()["Account"]
    told = config.load()
    region = told.targets["embedded"]["region"]
    target = Target("embedded", account, region, "aws", client("sts").meta.endpoint_url, client)
    ours = saga.on(target, told)
    apply(ours.plan(), target)
    return ours.machine.arn
