"""Work that moto does for every request and that is not needed.

For each request it lists and sorts every member of the service's class (0.1 ms of a processor), and throws dice 52
times for the id of its reply (0.04 ms). Before the first one it builds IAM, with the 1,582 policies that AWS manages
(60 ms), to note which access key was used. It draws their ids with that request's dice. For upstream:
``method_names_from_class`` wants a ``functools.cache``, an id can be one draw, and an IAM that nobody has asked yet
knows no key.
"""

import importlib
from base64 import b32hexencode
from collections.abc import Callable
from functools import cache
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.chance import drawn

Method = Callable[..., Any]


def correct() -> None:
    models = importlib.import_module("moto.iam.models")
    responses = importlib.import_module("moto.core.responses")
    replace(responses, "method_names_from_class", cache)
    replace(responses, "gen_amzn_requestid_long", _drawn_at_once)
    replace(models, "mark_account_as_visited", _where_keys_are)
    replace(models.IAMBackend, "__init__", _with_dice_of_its_own)


def _drawn_at_once(_: Method) -> Method:
    """The reply's id is the last that is drawn for a request, and is kept nowhere: it needs none of its dice."""

    def gen_amzn_requestid_long(headers: dict[str, Any] | None = None) -> str:
        drawn_id = b32hexencode(drawn() + drawn()).decode().rstrip("=")
        if headers is not None:
            headers["x-amzn-requestid"] = drawn_id
        return drawn_id

    return gen_amzn_requestid_long


def _where_keys_are(inner: Method) -> Method:
    models = importlib.import_module("moto.iam.models")

    def mark_account_as_visited(account_id: str, access_key: str, service: str, region: str) -> None:
        made = dict.keys(models.iam_backends[account_id])
        if models.get_partition(region) in made:
            inner(account_id, access_key, service, region)

    return mark_account_as_visited


def _with_dice_of_its_own(inner: Method) -> Method:
    """Builds IAM with dice of its own. The request that comes first then draws the same ids as when it is handled
    again later.
    """
    dice = importlib.import_module("moto.moto_api._internal").mock_random

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        state = dice.getstate()
        dice.seed(0)
        try:
            inner(self, *arguments, **named)
        finally:
            dice.setstate(state)

    return init
