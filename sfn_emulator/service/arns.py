"""The ARNs of Step Functions, taken apart and put together.

``stateMachine:NAME``  ``stateMachine:NAME:3`` (version)  ``stateMachine:NAME:PROD`` (alias)
``execution:NAME:EXEC``  ``execution:NAME/LABEL:ID`` (child of a Map Run)  ``express:NAME:EXEC:ID``
``stateMachine:NAME/LABEL`` (Distributed Map state)  ``mapRun:NAME/LABEL:ID``  ``activity:NAME``

A state machine ARN may end in ``#TEST_CASE`` (Step Functions Local's mock test cases) when an execution is started.
"""

from dataclasses import dataclass
from functools import lru_cache

from sfn_emulator.service.errors import Reason, invalid, refuse


@dataclass(frozen=True, slots=True)
class Arn:
    """``kind`` is the resource type, ``name`` what follows it, ``rest`` the further parts; ``text`` is the whole."""

    text: str
    partition: str
    region: str
    account: str
    kind: str
    name: str
    rest: tuple[str, ...] = ()

    @property
    def qualifier(self) -> str | None:
        """The version number or alias name of a state machine ARN."""
        return self.rest[0] if self.rest else None

    @property
    def label(self) -> str | None:
        """The label of the Distributed Map state that a state machine's ARN refers to."""
        return self.name.partition("/")[2] or None

    @property
    def base(self) -> str:
        """The ARN without its qualifier: for a version or alias, the state machine's."""
        return f"arn:{self.partition}:states:{self.region}:{self.account}:{self.kind}:{self.name}"


_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-isob-": "aws-iso-b", "us-iso-": "aws-iso"}
"""The prefixes of the names of a partition's regions."""

_PARTS = {
    "stateMachine": (1, 2),
    "execution": (2, 2),
    "express": (2, 3),
    "mapRun": (2, 2),
    "activity": (1, 1),
}


@lru_cache(maxsize=1_024)
def parse(text: str, *kinds: str) -> Arn:
    """The parts of a Step Functions ARN of one of ``kinds``; raises ``InvalidArn`` in AWS's words."""
    head = text.split(":", 5)
    if len(head) < 2 or head[0] != "arn":
        raise refuse("InvalidArn", f"Invalid ARN prefix: {text}")
    if len(head) < 6 or head[2] != "states" or not head[5]:
        raise refuse("InvalidArn", f"Invalid ARN: {text}")
    kind, *parts = head[5].split(":")
    if kind not in kinds:
        raise refuse("InvalidArn", f"Resource type not valid in this context: {kind}")
    least, most = _PARTS[kind]
    if not least <= len(parts) <= most or not all(parts):
        raise refuse("InvalidArn", f"Invalid ARN: {text}")
    return Arn(text, head[1], head[3], head[4], kind, parts[0], tuple(parts[1:]))


def parse_unlabelled(text: str) -> Arn:
    """The parts of a state machine's ARN. One of a Distributed Map state (``NAME/LABEL``) is refused with
    ``ValidationException`` (API_StartExecution, API_UpdateStateMachine, API_DeleteStateMachine).
    """
    arn = parse(text, "stateMachine")
    if arn.label:
        raise invalid(Reason.LABELED_ARN, f"The ARN of a Distributed Map state cannot be used here: '{text}'")
    return arn


@dataclass(frozen=True, slots=True)
class Place:
    """The partition, region and account of this service, with which new ARNs begin."""

    region: str = "us-east-1"
    account: str = "000000000000"

    @property
    def partition(self) -> str:
        return next((name for start, name in _PARTITIONS.items() if self.region.startswith(start)), "aws")

    def arn(self, kind: str, *parts: str) -> str:
        return ":".join((f"arn:{self.partition}:states:{self.region}:{self.account}", kind, *parts))

    def execution_of(self, machine_arn: str, name: str, express_id: str | None = None) -> str:
        """The ARN of an execution of this machine, in the machine's own region and account."""
        machine = parse(machine_arn, "stateMachine")
        head = f"arn:{machine.partition}:states:{machine.region}:{machine.account}"
        if express_id is None:
            return f"{head}:execution:{machine.name}:{name}"
        return f"{head}:express:{machine.name}:{name}:{express_id}"


def split_test_case(text: str) -> tuple[str, str | None]:
    """``ARN#CASE`` → (ARN, CASE)."""
    arn, _, case = text.partition("#")
    return arn, case or None
