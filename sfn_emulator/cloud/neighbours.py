"""The services next door, answered by moto in this process: no server of moto's own, no socket, no Flask.

A request is matched against the paths moto declares for a service and handed to its handler. Nothing of moto is
imported before the first request for it, so an idle server stays small and starts fast. Requests take turns in moto
(``cloud.turns``). One that waits inside it (an SQS long poll) gives its turn away meanwhile.
"""

import errno
import gc
import importlib
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Final

from sfn_emulator.cloud.corrections.environ import moto_request
from sfn_emulator.cloud.corrections.faults.misshapen import misshapen
from sfn_emulator.cloud.corrections.faults.replies import error_reply, meant, poison, reply_of, uninstalled, unwritable
from sfn_emulator.cloud.corrections.patience import MOST, Patience, TooLongError
from sfn_emulator.cloud.corrections.permissions import Judge
from sfn_emulator.cloud.corrections.table import correct
from sfn_emulator.cloud.events.rules import deliver_events
from sfn_emulator.cloud.hooks import (
    deliver_to_functions,
    do_without_validator,
    forget_instances,
    let_others_in_while_polling,
    post_only_once,
)
from sfn_emulator.cloud.keeping.errands import is_errand
from sfn_emulator.cloud.keeping.forgetting import RESET, forget
from sfn_emulator.cloud.keeping.journal import JournalError
from sfn_emulator.cloud.keeping.keeper import Entry, Keeper, new_seed
from sfn_emulator.cloud.keeping.moment import is_new, moment, now, watch_moto
from sfn_emulator.cloud.keeping.witness import Touched, Witness
from sfn_emulator.cloud.requests.message import Reply, Request, in_plain_words
from sfn_emulator.cloud.requests.operation import changes_something, operation
from sfn_emulator.cloud.rooms import backends_of, handler_of, module_of
from sfn_emulator.cloud.sources.takeover import take_over_mappings, take_over_pipes
from sfn_emulator.cloud.turns import Turns

_log: Final = logging.getLogger(__name__)

_GLANCE: Final = 0.5
"""Seconds between two looks whether the server is closed, of a request that waits for the kept state."""
_MOTO: Final = Turns()
"""moto's backends are globals of the process, so the turns among their users are, too."""
_PREPARING: Final = threading.RLock()

_COUNTED: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "functions": ("awslambda", lambda backend: backend.list_functions()),
    "tables": ("dynamodb", lambda backend: backend.tables),
}
_COUNTED_IN: Final = frozenset(module for module, _ in _COUNTED.values())
_PATIENCE: Final = 2.0
"""Seconds that a stop waits for a request in moto."""
_TABLES: Final = frozenset(("dynamodb",))
_STANDING_SETTINGS: Final = {
    "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",  # the gateway has already rewritten bucket hosts to paths
    "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1 << 40),  # in memory: a file's position is shared with a forked child
    "MOTO_ALLOW_NONEXISTENT_REGION": "true",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR": "false",
}


class Neighbours:
    """moto's services. ``answer`` may be called from any thread and blocks until the reply is there."""

    def __init__(
        self, account: str, keeper: Keeper | None = None, judge: Judge | None = None, refusal: str | None = None
    ) -> None:
        """Without ``judge``, permissions are not checked."""
        self._account = account
        self._judge = judge
        self._keeper = keeper
        self._restored = threading.Event()
        self.refusal = refusal
        """Why no request is answered: the kept state could not be restored. ``None`` if it was."""
        self._unkept: str | None = None
        """Why a write could not be kept."""
        nothing = refusal is None and (keeper is None or keeper.is_empty)
        if nothing:
            self._restored.set()
        self._replaying = self._started = self._closed = False
        self.on_failure: Callable[[str], object] = lambda text: None
        self._prepared: set[str] = set()
        self._changes: Counter[str] = Counter()
        self._patience = Patience()
        self._keeping = threading.Lock()
        self._keeps = True
        self.witness = Witness(lambda region: self.backend("dynamodb", region))
        self._counts: dict[str, int | None] = dict.fromkeys(_COUNTED, 0 if nothing else None)
        self.on_delivery: Callable[[str, bytes], object] = lambda function, event: None
        """Called with a function's ARN and the event that SNS, EventBridge or another service has for it."""
        self.on_event: Callable[[str, bytes, Mapping[str, Any]], object] = lambda target, text, about: None
        """Called with a target's ARN, the text that an EventBridge rule has for it, and the delivery's settings."""
        self.on_change: Callable[[str], object] = lambda service: None
        """Called with a service that a request may have changed. It is called inside its turn, so it must return at
        once.
        """

    @contextmanager
    def held(self, *modules: str) -> Iterator[None]:
        """A turn among these modules of moto, or all: for reading several things that must fit together."""
        if not self._replaying:
            self._restored.wait()
        with _MOTO.taken(frozenset(modules) or None, stays=True):
            self._start()
            yield

    def restore(self) -> None:
        """Restores the kept state; other requests wait until it is done. A failure is passed to ``on_failure``.
        Requests from within this process then wait on, because state that was not restored must not look as if it did
        not exist.
        """
        try:
            if self.refusal is None and self._keeper is not None and not self._keeper.is_empty:
                with _MOTO.taken(None):
                    self._start()
                    self._replaying = True
                    self._keeper.restore(self._again, self._prepare)
        except Exception as error:
            told = str(error) if isinstance(error, JournalError) else f"{type(error).__name__}: {error}"
            self.refusal = f"The neighbours' state could not be restored. {told}"
            self.on_failure(self.refusal)
        self._replaying = False
        if self.refusal is None:
            self._restored.set()

    def answer(self, service: str, region: str, request: Request) -> Reply:
        """The reply of ``service`` (its signing name); errors come as the service's own error replies."""
        while not self._restored.wait(_GLANCE):
            if self._closed:  # nobody takes it for an answer any more
                return error_reply(
                    service, request, 503, "ServiceUnavailable", self.refusal or "The server is stopping."
                )
        self._start()
        if (refused := unwritable(service, request)) is not None:
            return refused
        module = module_of(service, region, request)
        with _MOTO.taken(None if module is None else frozenset((module,))):
            if module is None:
                return error_reply(service, request, 404, "UnknownService", f"No service '{service}' is answered here.")
            try:
                self._prepare(module)
            except ImportError as error:
                return error_reply(service, request, 501, "NotImplemented", uninstalled(service, error))
            return self._done(service, region, module, request)

    def answer_at_once(self, region: str, request: Request) -> Reply | None:
        """The reply to an errand, without waiting for anybody: for the loop. ``None`` for anything that may take long,
        and where somebody else is in moto; then nothing was done."""
        if not is_errand(request) or not self._restored.is_set():
            return None
        with _MOTO.taken_at_once(_TABLES) as is_free:
            is_ready = is_free and "dynamodb" in self._prepared
            if not is_ready or not (self._keeper is None or self._keeper.is_quick()):
                return None
            touched = self.witness.before_errand(region, request)
            return None if touched is None else self._done("dynamodb", region, "dynamodb", request, touched)

    def _done(
        self, service: str, region: str, module: str, request: Request, touched: list[Touched] | None = None
    ) -> Reply:
        if not changes_something(request):
            return self._attempt(service, region, module, request)[0]
        self._changes[service] += 1
        return self._changed(service, region, module, request, touched)

    def reset(self, service: str | None = None) -> bool:
        """Forgets what ``service`` (its signing name) holds, or all of them; false if there is no such service."""
        self._restored.wait()
        request = Request("POST", RESET, "", {}, b"")
        module = None if service is None else module_of(service, "us-east-1", request)
        if service is not None and module is None:
            return False
        with _MOTO.taken(None):
            self._start()
            self._forget(module)
            if self._keeper is not None and service is None:
                self._keeper.forget()
            elif self._keeper is not None:
                self._keeper.keep(Entry(service or "", "us-east-1", request, now(), 0), Reply(200, [], b""), 0.0)
        return True

    def _forget(self, module: str | None) -> None:
        forget(self._prepared if module is None else self._prepared & {module})
        for changed in self._changes:
            self._changes[changed] += 1

    def close(self) -> None:
        """Waits a little for requests in moto. What a longer one changes is not kept, and the request is refused."""
        self._closed = True
        if self._keeper is not None:
            with _MOTO.taken_at_once(None, within=_PATIENCE), self._keeping:
                self._keeps = False
                self._keeper.close()

    def _changed(
        self, service: str, region: str, module: str, request: Request, touched: list[Touched] | None
    ) -> Reply:
        """Handles a request that may change something, and keeps it before it is answered."""
        seed, began = new_seed(), time.thread_time()
        waits = module == "sqs" and operation(request) == "ReceiveMessage"
        try:
            watch_moto()
            touched = self.witness.before(service, region, request) if touched is None else touched
            with moment(None if waits else now(), seed) as at:
                reply, broke_off = self._attempt(service, region, module, request)
            self.witness.after(service, region, request, reply, touched)
            if self._keeper is not None:
                entry = Entry(service, region, request, at or now(), seed, broke_off)
                self._keep(self._keeper, entry, reply, time.thread_time() - began)
        except OSError as error:
            text = f"The write could not be kept in the state directory: {error.strerror}. Mend that; reads go on."
            self._unkept = text
            return error_reply(service, request, 503, "ServiceUnavailable", text)
        finally:
            self._changes[service] += 1
            self.on_change(service)
        return reply

    def _keep(self, keeper: Keeper, entry: Entry, reply: Reply, seconds: float) -> None:
        with self._keeping:
            if not self._keeps:
                raise OSError(errno.ESHUTDOWN, "the server stops")
            keeper.keep(entry, reply, seconds)
            if keeper.is_due():
                with _MOTO.alone() as is_alone:  # else a snapshot would show another request halfway
                    if is_alone:
                        keeper.compact()

    def _again(self, entry: Entry) -> None:
        module = module_of(entry.service, entry.region, entry.request)
        if entry.request.path == RESET:
            self._forget(module)
            return
        if module is None:
            raise JournalError(
                f"The journal holds a request for '{entry.service}', which is not answered here any more."
            )
        self._prepare(module)
        with moment(entry.at, entry.seed, again=True):
            reply, _ = self._attempt(entry.service, entry.region, module, entry.request)
        if reply.status >= 400 and not entry.broke_off:
            what = f"{operation(entry.request) or entry.request.method} {entry.request.path}"
            said = reply.body[:300].decode("utf-8", "replace")
            raise JournalError(
                f"The journal's '{what}' for {entry.service} is refused now: {reply.status} {said} "
                "Start the version of sfn-emulator that wrote it, or begin anew with another --state-dir."
            )

    @property
    def failure(self) -> str | None:
        return self.refusal or self._unkept

    def look_again(self) -> None:
        """If a write could not be kept, tries whether one can be now. While moto is busy it does nothing."""
        if self._unkept is None or self._keeper is None:
            return
        with _MOTO.taken_at_once(None) as is_free, suppress(OSError):
            if is_free:
                self._keeper.try_to_write()
                self._unkept = None

    def changes(self, *services: str) -> int:
        """A number that grows with each request that may have changed one of ``services``."""
        return sum(self._changes[service] for service in services)

    def held_services(self) -> list[str]:
        """The services used so far, for /health."""
        return sorted(self._prepared)

    @property
    def is_restored(self) -> bool:
        return self._restored.is_set()

    def counts(self) -> Mapping[str, int | None]:
        """The numbers of functions and tables, for /health; ``None`` until kept ones were read. While moto is busy
        they are the last known ones, so that /health never waits.
        """
        if self._restored.is_set():
            with _MOTO.taken_at_once(_COUNTED_IN) as is_free:
                if is_free:
                    self._counts = {what: self._count(module, held) for what, (module, held) in _COUNTED.items()}
        return self._counts

    def _count(self, module: str, held: Callable[[Any], Any]) -> int:
        used = self.backends(module) if module in self._prepared else []
        return sum(len(list(held(backend))) for _, backend in used)

    def backend(self, module: str, region: str) -> Any:
        """moto's backend of ``module`` in ``region``. Call this, and use its result, inside ``held()`` only."""
        self._prepare(module)
        return backends_of(module)[self._account][region]

    def backends(self, module: str) -> list[tuple[str, Any]]:
        """moto's backends of ``module`` that are in use, by region. Inside ``held()`` only."""
        self._prepare(module)
        return list(backends_of(module)[self._account].items())

    def _start(self) -> None:
        if self._started:
            return
        os.environ.update(_STANDING_SETTINGS, MOTO_ACCOUNT_ID=self._account)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.setdefault(name, "test")
        forget_instances()
        self._started = True

    def _prepare(self, module: str) -> None:
        if module not in self._prepared:
            with _PREPARING:
                self._import(module)

    def _import(self, module: str) -> None:
        do_without_validator()
        importlib.import_module(f"moto.{module}.urls")
        watch_moto()
        if module == "sqs":
            let_others_in_while_polling(_MOTO.given_away)
        if module in ("awslambda", "cloudformation"):
            deliver_to_functions(self._deliver)
            take_over_mappings()
        if module == "pipes":
            take_over_pipes()
        if module == "events":
            deliver_events(self._event)
        if module == "sns":
            post_only_once(lambda: self._replaying)
        correct(module, self._judge)
        gc.freeze()  # modules stay for ever, so the garbage collector need not look at them
        self._prepared.add(module)

    def _deliver(self, function: str, event: bytes) -> None:
        if not self._replaying:  # a function that was invoked is not invoked again
            self.on_delivery(function, event)

    def _event(self, target: str, text: bytes, about: Mapping[str, Any]) -> None:
        if not self._replaying:
            self.on_event(target, text, about)

    def _attempt(self, service: str, region: str, module: str, request: Request) -> tuple[Reply, bool]:
        """The reply, and whether the handler raised: then it may have done half of what it was to do."""
        handler = handler_of(module, request.path)
        if handler is None:
            text = f"No operation at {request.path}."
            return error_reply(service, request, 404, "UnknownOperationException", text), False
        try:
            with self._patience.bounded() if is_new() else nullcontext():
                normal = moto_request(request, region)
                answered = handler(normal, normal.raw_url, normal.headers)
            return in_plain_words(reply_of(answered), request), False
        except TooLongError:
            text = (
                f"The local {service} worked {MOST:.0f} seconds on this request and gave it up: ask for less at once."
            )
            return error_reply(service, request, 400, "LimitExceededException", text), False
        except ImportError as error:
            return error_reply(service, request, 501, "NotImplemented", uninstalled(service, error)), False
        except NotImplementedError as error:
            text = str(error) or f"{service}: not answered here."
            return error_reply(service, request, 501, "NotImplemented", text), False
        except Exception as error:
            return self._failed(service, module, request, error), True

    def _failed(self, service: str, module: str, request: Request, error: Exception) -> Reply:
        told = meant(error) or poison(service, request, error) or misshapen(service, request, error)
        if told is not None:
            return in_plain_words(told, request)
        if not self._replaying:
            _log.error("%s %s failed inside %s", request.method, request.path, module, exc_info=error)
        text = f"The local {service} met a fault of its own; the emulator's log says more."
        return error_reply(service, request, 500, "InternalFailure", text)
