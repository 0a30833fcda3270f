"""Finds the runner of a Task: Resource → runner, by table, once per Resource.

A Resource that is in no table is refused when the definition is created, in AWS's words.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from sfn_emulator.asl.parsing.task import unrecognized
from sfn_emulator.asl.resource import Family, Pattern, Resource
from sfn_emulator.engine.ports import Clock, StartTask, Tell, Work
from sfn_emulator.tasks.clients import Clients
from sfn_emulator.tasks.iam.guard import Guard, guarded
from sfn_emulator.tasks.integrations import jobs, nested, optimised
from sfn_emulator.tasks.integrations.activities import activity
from sfn_emulator.tasks.integrations.apigateway import ApiGatewayInvoke
from sfn_emulator.tasks.integrations.aws_sdk import SdkAction, not_run
from sfn_emulator.tasks.integrations.exchanges import Exchanges
from sfn_emulator.tasks.integrations.harness import InvokeHarness
from sfn_emulator.tasks.integrations.http import HttpInvoke
from sfn_emulator.tasks.integrations.lambda_ import InvokeAction, by_arn, invoked
from sfn_emulator.tasks.patterns import (
    Ask,
    Finished,
    Starter,
    answerable,
    failure,
    inline,
    on_thread,
    refused,
    request_response,
    sync,
    wait_for_task_token,
)
from sfn_emulator.tasks.ports import ActivityQueues, Lambdas, NestedExecutions, Tokens
from sfn_emulator.tasks.sdk.integrated import doubt
from sfn_emulator.tasks.workers import Workers
from sfn_emulator.values import Unset, Value, dumps


@dataclass(frozen=True, slots=True)
class World:
    """Everything that tasks call. ``api_base`` is the URL at which API Gateway's host names are really served.

    ``listed_only``: refuses AWS SDK integrations that AWS does not list, although they could be run here.
    """

    workers: Workers
    clients: Clients
    clock: Clock
    lambdas: Lambdas
    tokens: Tokens
    activities: ActivityQueues
    executions: NestedExecutions
    guard: Guard | None = None
    api_base: str | None = None
    exchanges: Exchanges = field(default_factory=Exchanges)
    listed_only: bool = False


class Runner(NamedTuple):
    """``problems`` says, in AWS's words, why an input can't be used; ``start`` begins one attempt."""

    problems: Callable[[Value], list[str]]
    start: Starter


class _UnknownResourceError(Exception):
    """No runner for this Resource."""


class Router:
    """The engine's ``Tasks``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._runners: dict[str, Runner] = {}

    def supports(self, resource: Resource) -> str | None:
        """``None``, or AWS's refusal."""
        try:
            self._runner(resource)
        except _UnknownResourceError:
            return not_run(resource)
        return unrecognized(resource.arn) if self._world.listed_only and doubt(resource) else None

    def start(self, effect: StartTask, tell: Tell) -> Work:
        try:
            return self._start(effect, tell)
        except Exception as error:  # a fault of ours ends the Task, so that no execution waits for it for ever
            tell(failure(effect, error))
            return Finished()

    def _start(self, effect: StartTask, tell: Tell) -> Work:
        resource = effect.request.resource
        try:
            runner = self._runner(resource)
        except _UnknownResourceError:
            return refused(effect, tell, f"The resource provided {resource.arn} is not recognized.")
        if not isinstance(effect.submitted, Unset):
            return runner.start(effect, tell)  # it was valid and allowed when it was submitted
        problems = runner.problems(effect.request.input)
        if problems:
            return refused(effect, tell, unusable(effect.request.input, problems))
        guard = self._world.guard
        if guard is None or not guard.asks(effect.request):
            return runner.start(effect, tell)
        return guarded(guard, self._world.workers, runner.start)(effect, tell)

    def _runner(self, resource: Resource) -> Runner:
        found = self._runners.get(resource.arn)
        if found is None:
            found = self._runners[resource.arn] = _FAMILIES[resource.family](self._world, resource)
        return found


def unusable(parameters: Value, problems: list[str]) -> str:
    return f"The Parameters '{dumps(parameters)}' could not be used to start the Task: [{', '.join(problems)}]"


def _anything(value: Value) -> list[str]:
    return []


def _function(world: World, resource: Resource) -> Runner:
    return Runner(_anything, request_response(invoked(world.lambdas, world.workers, by_arn)))


def _activity(world: World, resource: Resource) -> Runner:
    return Runner(_anything, activity(world.activities, world.tokens))


def _service(world: World, resource: Resource) -> Runner:
    kind, action = resource.resource_type, resource.action
    if kind.startswith("aws-sdk:"):
        return _sdk(world, resource)
    special = _SPECIAL.get((kind, action))
    if special is not None:
        return special(world, resource)
    found = optimised.action(world.clients, world.clock, kind, action)
    if found is None or resource.pattern not in found.row.patterns:
        raise _UnknownResourceError
    if resource.pattern is Pattern.SYNC:
        job = jobs.job(world.clients, jobs.ROWS[kind, action])
        return Runner(found.problems, answerable(sync(world.workers, world.clock, found, job), world.tokens))
    return Runner(found.problems, _plain_or_token(world, resource, on_thread(world.workers, found)))


def _plain_or_token(world: World, resource: Resource, ask: Ask) -> Starter:
    if resource.pattern is Pattern.REQUEST_RESPONSE:
        return request_response(ask)
    if resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN:
        return wait_for_task_token(ask, world.tokens)
    raise _UnknownResourceError


def _sdk(world: World, resource: Resource) -> Runner:
    try:
        action = SdkAction(world.clients, resource.resource_type.removeprefix("aws-sdk:"), resource.action)
    except LookupError:
        raise _UnknownResourceError from None
    return Runner(action.problems, _plain_or_token(world, resource, on_thread(world.workers, action)))


def _lambda_invoke(world: World, resource: Resource) -> Runner:
    action = InvokeAction(world.clients, world.clock)
    ask = invoked(world.lambdas, world.workers, action.invocation, action.elsewhere)
    return Runner(action.problems, _plain_or_token(world, resource, ask))


def _start_execution(world: World, resource: Resource) -> Runner:
    action = nested.StartExecutionAction(world.executions, world.clock)
    if resource.pattern is Pattern.REQUEST_RESPONSE:
        start = request_response(inline(action))
    elif resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN:
        start = wait_for_task_token(inline(action), world.tokens)
    else:
        start = answerable(nested.start_and_wait(action), world.tokens)
    return Runner(action.problems, start)


def _http(world: World, resource: Resource) -> Runner:
    if resource.pattern is not Pattern.REQUEST_RESPONSE:
        raise _UnknownResourceError
    action = HttpInvoke(world.clients, world.exchanges)
    return Runner(action.problems, request_response(on_thread(world.workers, action)))


def _harness(world: World, resource: Resource) -> Runner:
    if resource.pattern is not Pattern.REQUEST_RESPONSE:
        raise _UnknownResourceError
    action = InvokeHarness(world.clients)
    return Runner(action.problems, request_response(on_thread(world.workers, action)))


def _api_gateway(world: World, resource: Resource) -> Runner:
    action = ApiGatewayInvoke(world.api_base)
    return Runner(action.problems, _plain_or_token(world, resource, on_thread(world.workers, action)))


_FAMILIES: dict[Family, Callable[[World, Resource], Runner]] = {
    Family.LAMBDA: _function,
    Family.ACTIVITY: _activity,
    Family.SERVICE: _service,
}

_SPECIAL: dict[tuple[str, str], Callable[[World, Resource], Runner]] = {
    ("lambda", "invoke"): _lambda_invoke,
    ("states", "startExecution"): _start_execution,
    ("http", "invoke"): _http,
    ("apigateway", "invoke"): _api_gateway,
    ("bedrockagentcore", "invokeHarness"): _harness,
}
