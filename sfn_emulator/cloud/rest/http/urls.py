"""Lambda function URLs: a call of one, from its id to the function's answer (Lambda, ``urls-invocation``)."""

import binascii
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.addressing import FunctionUrl
from sfn_emulator.cloud.requests.message import Reply, Request, json_reply
from sfn_emulator.cloud.rest.http.cors import Cors, configured, preflight, shared
from sfn_emulator.cloud.rest.http.integrations import invoke
from sfn_emulator.cloud.rest.http.payload import DEFAULT, Call, event_2, reply_2, reply_of_stream
from sfn_emulator.cloud.rest.integrations import Ask

_BODY_LIMIT: Final = 6_291_456
"""Bytes of a call's body (Lambda quotas, 6 MB)."""


@dataclass(frozen=True, slots=True)
class _Configured:
    function: str
    region: str
    signed: bool
    streamed: bool
    cors: Cors | None


class FunctionUrls:
    """Blocking, from any thread. ``ask`` answers requests for other services in this process."""

    def __init__(self, neighbours: Neighbours, ask: Ask) -> None:
        self._neighbours, self._ask = neighbours, ask
        self._known: dict[str, _Configured] = {}
        self._seen = -1

    def answer(self, where: FunctionUrl, request: Request) -> Reply:
        url = self._configured(where.id)
        if url is None or (url.signed and "authorization" not in request.headers):
            return json_reply(403, {"Message": "Forbidden"}, {"x-amzn-errortype": "AccessDeniedException"})
        asked = preflight(url.cors, request)
        if asked is not None:
            return asked
        call = Call(request, "anonymous", where.id, DEFAULT, DEFAULT, where.path)
        reply = self._invoked(url, call)
        reply.headers.append(("x-amzn-requestid", call.request_id))
        return shared(url.cors, request, reply)

    def _invoked(self, url: _Configured, call: Call) -> Reply:
        if len(call.request.body) > _BODY_LIMIT:
            return json_reply(413, {"Message": "Request Entity Too Large"})
        told = invoke(url.function, url.region, event_2(call), self._ask)
        if told is None:
            return _failed()
        read = reply_of_stream if url.streamed else partial(reply_2, content_type="application/json")
        try:
            return read(told)
        except (ValueError, TypeError, AttributeError, KeyError, binascii.Error):
            return _failed()

    def _configured(self, url: str) -> _Configured | None:
        changes = self._neighbours.changes("lambda", "cloudformation")
        if changes != self._seen:
            self._known, self._seen = self._read(), changes
        return self._known.get(url)

    def _read(self) -> dict[str, _Configured]:
        with self._neighbours.held("awslambda"):
            return {
                function.url_config.url.partition("//")[2].partition(".")[0]: _told(function, region)
                for region, backend in self._neighbours.backends("awslambda")
                for function in backend.list_functions()
                if function.url_config is not None
            }


def _told(function: Any, region: str) -> _Configured:
    config = function.url_config.config
    alias = config.get("Qualifier")
    return _Configured(
        function=f"{function.function_arn}:{alias}" if alias else function.function_arn,
        region=region,
        signed=config.get("AuthType") == "AWS_IAM",
        streamed=config.get("InvokeMode") == "RESPONSE_STREAM",
        cors=configured(config.get("Cors")),
    )


def _failed() -> Reply:
    return Reply(502, [("content-type", "application/json")], b"Internal Server Error")
