"""The settings of a server, and the parsers of their texts (a ``ValueError`` says what is wrong)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

DEFAULT_PORT: Final = 8083
ACCOUNT: Final = "123456789012"


@dataclass(frozen=True, slots=True)
class Settings:
    """``state_dir`` is ``None`` when nothing is to be kept; ``time`` is ``real``, ``skip`` or a factor as text.

    ``retention`` is for how many days finished executions are kept (``None``: for ever), ``body_limit`` the bytes a
    request may have, ``grace`` the seconds requests under way get to end when the server is told to stop.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    state_dir: Path | None = Path(".sfn")
    adopt_state_dir: bool = False
    """Whether a state directory that was not made here is accepted: its functions and executions are run."""
    without_neighbours: bool = False
    """Whether to start although the neighbours' state can't be restored. They then answer no request, and Tasks that
    call them wait.
    """
    time: str = "real"
    fsync: bool = False
    lambda_mode: str = "process"
    iam: str = "off"
    sdk_integrations: str = "any"
    """``any``: every AWS SDK service and action that boto3 knows; ``listed``: those that AWS lists for Step
    Functions.
    """
    mocks: Path | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Service (its botocore name) → where Tasks call it instead of here: a URL, or ``aws``."""
    retention: float | None = None
    account: str = ACCOUNT
    region: str = "us-east-1"
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    """Other origins whose pages may send requests (``http://localhost:3000``)."""
    verbose: bool = False
    """Whether executions and functions' lines are shown on standard error."""
    coverage: Path | None = None
    """The directory in which taken states, rules and Catchers of every definition are noted."""
    body_limit: int = 128 * 1024 * 1024
    grace: float = 2.0
    execution_memory: int = 512
    """Megabytes that one execution may hold."""
    express_history: int = 200
    """The number of ended EXPRESS executions kept in memory for the page."""

    @property
    def is_loopback(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def as_port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise ValueError(f"'{text}' is not a port; give a number from 0 to 65535")
    return int(text)


def as_time(text: str) -> str:
    """``real``, ``skip``, or a factor greater than 0."""
    if text not in ("real", "skip") and not _is_positive(text):
        raise ValueError(f"'{text}' is neither 'real' nor 'skip' nor a factor greater than 0")
    return text


_ORIGIN: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[\w.-]+|\[[0-9a-f:.]+\])(:(?P<port>\d{1,5}))?/?")
_USUAL_PORTS: Final = {"http": "80", "https": "443"}


def as_origin(text: str) -> str:
    """The origin as browsers write it: in lower case, without the scheme's default port."""
    if text == "null":
        raise ValueError(
            "'null' is the origin of every page in a sandboxed frame, whoever made it; serve yours by HTTP"
        )
    found = _ORIGIN.fullmatch(text.lower())
    if found is None or int(found["port"] or 0) > 65_535:
        raise ValueError(f"'{text}' is not an origin; give scheme, host and port, as in http://localhost:3000")
    told = f"{found['scheme']}://{found['host']}"
    return told if found["port"] in (None, _USUAL_PORTS.get(found["scheme"])) else f"{told}:{int(found['port'])}"


def as_endpoint(text: str) -> tuple[str, str]:
    """``SERVICE=URL`` or ``SERVICE=aws`` → the service and its address."""
    service, _, url = text.partition("=")
    if not service or not (url == "aws" or url.startswith(("http://", "https://"))):
        raise ValueError(f"'{text}' is not SERVICE=URL or SERVICE=aws")
    return service, url


def as_days(text: str) -> float:
    if not _is_positive(text):
        raise ValueError(f"'{text}' is not a number of days greater than 0")
    return float(text)


def as_account(text: str) -> str:
    if not (text.isdigit() and len(text) == 12):
        raise ValueError(f"'{text}' is not an account id; give 12 digits")
    return text


def as_megabytes(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"'{text}' is not a number of megabytes; give a whole number from 1")
    return int(text)


def as_count(text: str) -> int:
    if not text.isdigit() or int(text) > 100_000:
        raise ValueError(f"'{text}' is not a number from 0 to 100000")
    return int(text)


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False
