"""Requests to a running server: its address and its answers. Each error is one line."""

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import click

from sfn_emulator.command.help_page import Failure
from sfn_emulator.serving.settings import DEFAULT_PORT

DEFAULT: Final = f"http://127.0.0.1:{DEFAULT_PORT}"
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def endpoint_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--endpoint``: which server is meant."""
    return click.option(
        "--endpoint",
        metavar="URL",
        envvar=("SFN_EMULATOR_ENDPOINT", "AWS_ENDPOINT_URL"),
        default=DEFAULT,
        show_default=True,
        callback=_address,
        help="The server's address; also SFN_EMULATOR_ENDPOINT or AWS_ENDPOINT_URL.",
    )(function)


def _address(_: click.Context, parameter: click.Parameter, value: str) -> str:
    """The address. Raises ``click.BadParameter`` for a text that is none."""
    try:
        told = urlsplit(value)
        good = told.scheme in ("http", "https") and bool(told.hostname) and told.port != 0
    except ValueError:
        good = False
    if not good:
        raise click.BadParameter(f"'{value}' is not an address like {DEFAULT}", param=parameter)
    return value


def asked(endpoint: str, path: str, body: Any = None) -> Any:
    """The JSON answer to a GET, or to a POST of ``body``. Raises ``Failure``."""
    text = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(endpoint.rstrip("/") + path, text, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise _refusal(error, endpoint) from None
    except ValueError:
        raise stranger(endpoint) from None
    except OSError:
        raise nobody(endpoint) from None


def nobody(endpoint: str) -> Failure:
    return Failure(f"no server answers at {endpoint}; start one with 'sfn-emulator serve', or name it with --endpoint")


def stranger(endpoint: str) -> Failure:
    return Failure(f"another program answers at {endpoint}; name the emulator's address with --endpoint")


@contextmanager
def asking(endpoint: str | None, about: str, mend: str = "") -> Iterator[None]:
    """Errors of boto3's calls in its block become one line about ``about``. No endpoint means AWS itself.

    Raises ``Failure``.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if endpoint is not None and code.isdigit():  # an answer without an error code: it is no AWS service
            raise stranger(endpoint) from None
        told = (error.response["Error"]["Message"] or code).rstrip(".")
        raise Failure(f"{about}: {told}{mend and f'; {mend}'}".lstrip(": ")) from None
    except (BotoCoreError, ResponseParserError) as error:
        if endpoint is None:
            raise Failure(f"AWS could not be asked: {error}") from None
        raise (stranger if isinstance(error, ResponseParserError) else nobody)(endpoint) from None


def client(endpoint: str, service: str) -> Any:
    """A boto3 client for the server, with credentials made up where there are none."""
    import boto3
    from botocore.config import Config

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    make: Callable[..., Any] = boto3.Session("test", "test", region_name=region).client
    return make(service, endpoint_url=endpoint, config=Config(retries={"max_attempts": 0}))


def seconds(text: str) -> float:
    """``90``, ``90s``, ``15m``, ``2h``, ``3d`` in seconds. Raises ``click.BadParameter``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not found or not float(found[1]):
        raise click.BadParameter(f"'{text}' is not a time greater than 0; give seconds, or 15m, 2h, 3d")
    return float(found[1]) * _UNITS[found[2]]


def _refusal(error: urllib.error.HTTPError, endpoint: str) -> Failure:
    try:
        return Failure(str(json.load(error)["message"]))
    except (ValueError, KeyError, TypeError):
        return stranger(endpoint)
