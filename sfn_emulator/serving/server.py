"""The composition root: settings in, one port out.

All wiring is done here and nowhere else. A server owns its state directory, its threads and its child processes, and
releases them when it stops.
"""

import asyncio
import logging
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from sfn_emulator import __version__
from sfn_emulator.api.dispatch import StepFunctionsApi
from sfn_emulator.cloud.delivery.checkpoints import Checkpoints
from sfn_emulator.cloud.delivery.outbox import Outbox
from sfn_emulator.cloud.delivery.sending import send
from sfn_emulator.cloud.events.courier import KIND as EVENT
from sfn_emulator.cloud.events.courier import Courier, hops
from sfn_emulator.cloud.keeping.chance import new_id
from sfn_emulator.cloud.keeping.witness import TableNow
from sfn_emulator.cloud.lambdas.api import LambdaApi
from sfn_emulator.cloud.lambdas.asynchronous import KIND as INVOCATION
from sfn_emulator.cloud.lambdas.asynchronous import Asynchronous
from sfn_emulator.cloud.lambdas.runtime import Lambdas
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.outlet import LogDestinations, NeighbourOutlet
from sfn_emulator.cloud.requests.door import Door
from sfn_emulator.cloud.requests.transport import connect
from sfn_emulator.cloud.schedules.agenda import Agenda
from sfn_emulator.cloud.sources.feeds import Feeds
from sfn_emulator.cloud.stacks.api import StacksApi
from sfn_emulator.cloud.stacks.service import StackService
from sfn_emulator.console.answers import RefusedError
from sfn_emulator.console.console import Console
from sfn_emulator.console.past import Past
from sfn_emulator.coverage.recording import Recording, watching
from sfn_emulator.engine.clock import ScaledClock
from sfn_emulator.engine.ports import Clock, Tasks
from sfn_emulator.query.timestamps import format_timestamp
from sfn_emulator.replay.case import UnreadableCaseError, case_of
from sfn_emulator.replay.replaying import UnreplayableError
from sfn_emulator.replay.written import written
from sfn_emulator.service.arns import Place
from sfn_emulator.service.running.passing import let_pass
from sfn_emulator.service.running.turns import Sliced
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.service.store.database import Database
from sfn_emulator.serving.connection import App
from sfn_emulator.serving.control import UnavailableError, routes
from sfn_emulator.serving.gateway import STATES_TARGET, Gateway
from sfn_emulator.serving.health import Health
from sfn_emulator.serving.kept import keeper_of, stacks_of, state_of
from sfn_emulator.serving.settings import Settings
from sfn_emulator.serving.verbose import execution_passed, function_said
from sfn_emulator.tasks.clients import Clients, Destinations
from sfn_emulator.tasks.iam.admission import Admission
from sfn_emulator.tasks.iam.guard import Guard, RolePolicies
from sfn_emulator.tasks.iam.policies import conditions_hold
from sfn_emulator.tasks.integrations.connections import Connection
from sfn_emulator.tasks.integrations.exchanges import Exchanges
from sfn_emulator.tasks.integrations.lambda_ import ClientLambdas
from sfn_emulator.tasks.items.map_data import S3MapData
from sfn_emulator.tasks.mocks import MockedTasks
from sfn_emulator.tasks.mocks import read as read_mocks
from sfn_emulator.tasks.ports import Lambdas as Functions
from sfn_emulator.tasks.router import Router, World
from sfn_emulator.tasks.static_parameters import refusals
from sfn_emulator.tasks.trials import TrialIntegrations
from sfn_emulator.tasks.workers import Workers

_log: Final = logging.getLogger(__name__)
_OURS: Final = ("stepfunctions", "states")
"""Step Functions' names in boto3 and in signatures."""


class Server:
    """One emulator. ``open`` and ``close`` are called on the loop it serves from."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._began = time.monotonic()
        self.endpoint = ""
        self._mocks = None if settings.mocks is None else read_mocks(settings.mocks)
        self.service: StepFunctions | None = None
        self._state = state_of(settings)
        self.stacks, refusal = stacks_of(self._state, settings, self._stacks)
        keeper, refusal = keeper_of(self._state, settings, refusal)
        judge = conditions_hold if settings.iam == "enforce" else None
        self.neighbours = Neighbours(settings.account, keeper, judge, refusal)
        self._health = Health(
            settings.state_dir, lambda: [self.neighbours, *([] if self.service is None else [self.service])]
        )
        self._scratch = tempfile.TemporaryDirectory(prefix="sfn-emulator-") if self._state is None else None
        self.outbox = Outbox(self._file("outbox.sqlite"), fsync=settings.fsync)
        self.lambdas = Lambdas(
            self.neighbours,
            account=settings.account,
            region=settings.region,
            directory=self._directory() / "code",
            endpoint=lambda: self.endpoint,
            post=self.outbox.post,
            mode=settings.lambda_mode,
        )
        self.outbox.serve(INVOCATION, Asynchronous(self.lambdas, self._destination, self.outbox.is_closing).carry)
        if settings.verbose:
            self.lambdas.heard = function_said
        self.outlet = NeighbourOutlet(self.neighbours)
        self._made: Checkpoints | None = None
        self._making = threading.Lock()
        self.feeds = Feeds(self.neighbours, self._client, self._invoke, self._checkpoints)
        if self._state is not None and (self._state.path / "sources.sqlite").exists():
            self._checkpoints()  # damage is reported now, not when the first stream moves
        self.agenda = Agenda(self.neighbours, self._client, self.outbox.post, self._checkpoints)
        self.neighbours.on_change = self._changed
        self.neighbours.on_delivery = self.lambdas.invoke_later
        self.neighbours.on_event = self._post_event
        self.outbox.serve(EVENT, Courier(self._client, Connection, self.outbox.is_closing).carry)
        self.gateway = Gateway(
            self.neighbours,
            LambdaApi(self.lambdas, self.neighbours),
            settings.account,
            own=routes(self),
            door=Door((*settings.allowed_hosts, settings.host), settings.allowed_origins),
        )
        self.gateway.stacks = StacksApi(self.stacks)

    async def open(self, endpoint: str) -> None:
        """Called before the first request, with the URL that is about to answer."""
        self.endpoint = endpoint
        self._here = Clients(
            Destinations(endpoint, connect=lambda client: connect(client, self.gateway.answer_from_thread))
        )
        if self._state is not None:
            self._state.tell(endpoint)
        self.gateway.open()
        self._database = Database.open(self.settings.state_dir, fsync=self.settings.fsync)
        self._clock = self._ticking()
        self.agenda.open(self._clock, asyncio.get_running_loop().call_soon_threadsafe)
        threading.Thread(target=self._restore, name="restore", daemon=True).start()
        self._serve_step_functions()
        if self.neighbours.refusal is None:
            self.stacks.resume()

    def _serve_step_functions(self) -> None:
        self.service = self._service()
        api = self.gateway.step_functions = StepFunctionsApi(self.service)
        self.gateway.console = Console(
            self.service,
            self.neighbours.witness.deeds,
            lambda operation, body: api.handle(STATES_TARGET + operation, body, {}),
            self._tables,
            _write_test,
        )
        if self._state is not None:
            self._state.opened()

    def _tables(self) -> list[TableNow]:
        if self.neighbours.refusal is not None:
            raise RefusedError(self.neighbours.refusal, 503)
        with self.neighbours.held("dynamodb"):
            return self.neighbours.witness.tables(self.neighbours.backends("dynamodb"))

    def _stacks(self, directory: Path | None) -> StackService:
        """CloudFormation, which makes resources by calls on this process. Raises ``StateDirError``."""
        return StackService(
            directory=directory,
            fsync=self.settings.fsync,
            account=self.settings.account,
            client=lambda service, region: self._here.client(service, region),
            endpoint=lambda: self.endpoint,
            now=time.time,  # noqa: TID251 - when a stack was made is told in the machine's time
            new_id=new_id,
            pace=float({"skip": "0", "real": "1"}.get(self.settings.time, self.settings.time)),
        )

    def _ticking(self) -> ScaledClock:
        factor = 1.0 if self.settings.time in ("real", "skip") else float(self.settings.time)
        loop = asyncio.get_running_loop()
        return ScaledClock(time.time, loop.call_later, factor)  # noqa: TID251 - the one source of real time

    def _service(self) -> StepFunctions:
        """Step Functions itself, which goes on with executions of the last process."""
        loop = asyncio.get_running_loop()
        service = StepFunctions(
            self._database,
            self._clock,
            loop,
            new_id=new_id,
            place=Place(self.settings.region, self.settings.account),
            skip_time=self.settings.time == "skip",
            outlet=self.outlet,
            retention_days=self.settings.retention,
        )
        if threading.current_thread() is threading.main_thread():
            service.host.turns = Sliced(loop, self.settings.execution_memory)
        service.host.express.most = self.settings.express_history
        if self.settings.verbose:
            service.host.heard = execution_passed
        if self.settings.coverage is not None:
            service.definitions.watch = watching(Recording(self.settings.coverage))
        service.open(*self._hands(service, self._clock, loop))
        return service

    def _hands(self, service: StepFunctions, clock: Clock, loop: asyncio.AbstractEventLoop) -> tuple[Tasks, S3MapData]:
        """The runners of Tasks and the readers of items, over the neighbours in this process, or as the settings
        say.
        """
        clients = self._clients()
        elsewhere = "lambda" in self.settings.endpoints
        policies, enforce = RolePolicies(clients, self.settings.region), self.settings.iam == "enforce"
        guard = Guard(policies, clock, enforce=enforce)
        if enforce:
            service.admissions = [Admission(policies, service.definitions, clock)]
        if "logs" not in self.settings.endpoints:
            service.admissions = [*service.admissions, LogDestinations(self.neighbours)]
        service.definitions.parameters = refusals
        exchanges = Exchanges()
        service.trials.integrations = TrialIntegrations(exchanges)
        workers = Workers(loop.call_soon_threadsafe, is_closing=self.outbox.is_closing)
        router = Router(
            World(
                workers,
                clients,
                clock,
                ClientLambdas(clients, self.settings.region) if elsewhere else self.lambdas,
                service.tokens,
                service.activities,
                service.nested,
                guard,
                None if "execute-api" in self.settings.endpoints else self.endpoint,
                exchanges,
                listed_only=self.settings.sdk_integrations == "listed",
            )
        )
        tasks = router if self._mocks is None else MockedTasks(router, self._mocks)
        return tasks, S3MapData(clients, workers, guard)

    @cache  # noqa: B019 - one for each server, which lives as long as the process
    def _clients(self) -> Clients:
        return Clients(
            Destinations(
                self.endpoint,
                self.settings.endpoints,
                connect=lambda client: connect(client, self.gateway.answer_from_thread),
            )
        )

    def _client(self, service: str, region: str) -> Any:
        return self._here.client(service, region)

    def _invoke(self, function: str, event: bytes) -> tuple[bytes, str | None]:
        """Runs a function for a feed. Returns its answer, and why it failed if it did."""
        try:
            lambdas: Functions = self.lambdas
            if "lambda" in self.settings.endpoints:
                lambdas = ClientLambdas(self._clients(), self.settings.region)
            result = lambdas.invoke(function, event)
        except Exception as error:  # refused or unreachable: it is tried again
            return b"", str(error)
        return result.payload, result.function_error and result.payload.decode("utf-8", "replace")

    def _destination(self, arn: str, text: str, attributes: Mapping[str, str]) -> None:
        send(self._client, arn, text, attributes)

    def _changed(self, service: str) -> None:
        self.feeds.changed(service)
        self.agenda.changed(service)

    def _file(self, name: str) -> Path | None:
        return None if self._state is None else self._state.path / name

    def _checkpoints(self) -> Checkpoints:
        with self._making:
            if self._made is None:
                self._made = Checkpoints(self._file("sources.sqlite"), fsync=self.settings.fsync)
            return self._made

    def _restore(self) -> None:
        self.neighbours.restore()
        self.feeds.open()
        self.agenda.resume()
        self.outbox.open()

    def stop(self) -> None:
        """Called when the server is told to stop, before anything is refused. What fails from now on did not fail by
        itself: nobody takes it for a result, and the next server does it again.
        """
        self.outbox.close()
        self.feeds.close()
        self.stacks.stop()

    async def close(self) -> None:
        self.stop()
        self.agenda.close()
        if self.service is not None:
            self.service.close()
        await asyncio.gather(*map(asyncio.to_thread, (self.stacks.close, self.outlet.close, self.lambdas.close)))
        self.gateway.close()
        self.neighbours.close()
        self.outbox.release()
        if self._made is not None:
            self._made.close()
        if self._scratch is not None:
            self._scratch.cleanup()
        if self._state is not None:
            self._state.closed()
            self._state.release()

    def _post_event(self, target: str, text: bytes, about: Mapping[str, Any]) -> None:
        self.outbox.post(EVENT, target, text, {**about, "hops": hops()})

    def app(self) -> App:
        """The application for connections: the gateway."""
        gateway, limit = self.gateway, self.settings.body_limit
        return App(gateway.respond, gateway.respond_at_once, gateway.refuse, gateway.while_connected, limit)

    def pace(self, execution: str, time: str) -> None:
        """Sets whether executions of a name take their time or skip it, whatever the server's own setting."""
        if self.service is not None:
            self.service.host.pace(execution, skip=time == "skip")

    def clock(self) -> Mapping[str, object]:
        """The present time in epoch seconds and ISO 8601, and the setting by which it passes."""
        now = self._clock.now()
        return {"now": round(now, 3), "iso": format_timestamp(now), "time": self.settings.time}

    async def advance(self, seconds: float) -> None:
        """Lets time pass, with everything that becomes due on the way."""
        if self.service is not None:
            await let_pass(self._clock, self.service.journal, self.service.host, seconds)
            self.outbox.hasten(seconds)
            self.stacks.hasten(seconds)

    async def reset(self, service: str | None) -> bool:
        """Forgets the state of a service, or everything, as if the server had just been started in a new directory.
        Raises ``UnavailableError`` if the neighbours are not available; then nothing is forgotten.
        """
        if service not in _OURS and self.neighbours.refusal is not None:
            raise UnavailableError(self.neighbours.refusal)
        if service in (None, *_OURS) and self.service is not None:
            self.service.abandon()
            self._serve_step_functions()
        return service in _OURS or await asyncio.to_thread(self._reset_neighbours, service)

    def _reset_neighbours(self, service: str | None) -> bool:
        known = self.neighbours.reset(service)
        if service in (None, "cloudformation"):
            self.stacks.abandon()
            self.stacks, _ = stacks_of(self._state, self.settings, self._stacks)
            self.gateway.stacks = StacksApi(self.stacks)
        self.feeds.changed("lambda")
        self.agenda.changed("events")
        if service in (None, "lambda", "logs"):
            self.lambdas.forget()
            self.outlet.forget()
            self.outbox.forget()
        return known

    def health(self) -> Mapping[str, object]:
        """Version, uptime in seconds, the numbers of held things, and the fault if the status is not ``ok``. A
        number is ``None`` until it was read from the state directory.
        """
        kept = str(self.settings.state_dir) if self.settings.state_dir else None
        wrong = self._health.reason()
        return {
            "status": "ok" if wrong is None else "failing",
            **({} if wrong is None else {"reason": wrong}),
            "version": __version__,
            "uptime": round(time.monotonic() - self._began, 3),
            "account": self.settings.account,
            "region": self.settings.region,
            "time": self.settings.time,
            "stateDirectory": kept,
            "held": self._held(),
        }

    def _held(self) -> Mapping[str, object]:
        counts = {} if self.service is None else self.service.counts()
        used = self.neighbours.held_services() if self.neighbours.is_restored else None
        return {"neighbours": used, **counts, **self.neighbours.counts()}

    def _directory(self) -> Path:
        return self._state.path if self._state is not None else Path(self._scratch.name if self._scratch else "")


def _write_test(past: Past) -> tuple[str, str]:
    """The execution as a pytest file. Raises ``RefusedError``."""
    origin = past.execution.get("origin") or {}
    try:
        case = case_of(str(past.execution["name"]), past.text, past.events, past.execution)
        return written(case, origin.get("state"))
    except (UnreadableCaseError, UnreplayableError) as error:
        raise RefusedError(str(error), 409) from None
