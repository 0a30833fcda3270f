"""A run killed at any call, before or after AWS did what it asked: the next one finishes the work."""

from contextlib import contextmanager, suppress

import pytest
from moto import mock_aws

from deploy import bundle
from deploy.apply import apply
from deploy.remote import Aws
from deploy.resources import wanted
from deploy.saga import Saga
from tests.deploy.test_plan import names


class Killed(BaseException):
    pass


@contextmanager
def killed(target, moment, when):
    """Dies at the call numbered ``moment`` (from 0): ``before-call``, or ``after-call`` when the
    answer is lost."""
    calls = iter(range(10_000))

    def die(**event):
        if next(calls) == moment:
            raise Killed

    clients = [target.client(name) for name in ("iam", "dynamodb", "lambda", "logs", "sns", "stepfunctions")]
    clients.append(target.client("apigateway"))
    for client in clients:
        client.meta.events.register(f"{when}-call", die, unique_id="die")
    try:
        with suppress(Killed):
            yield
    finally:
        for client in clients:
            client.meta.events.unregister(f"{when}-call", unique_id="die")


def on(target, config):
    template = '{"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "${PlaceOrderLambdaArn}", "End": true}}}'
    return Saga(target, wanted(config, target, bundle.build(), template), Aws(target))


def moments(target, config):
    return len(on(target, config).plan().instructions)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_deploy_killed_at_every_call_is_completed_by_the_next(aws_target, small, when):
    ours = on(aws_target, small)
    with mock_aws():
        apply(ours.plan(), aws_target)
        whole = names(aws_target)
    with mock_aws():
        total = moments(aws_target, small)
    assert total > 25
    for moment in range(total):
        with mock_aws():
            planned = ours.plan()
            with killed(aws_target, moment, when):
                apply(planned, aws_target)
            apply(ours.plan(), aws_target)
            assert not ours.plan(), f"killed {when} call {moment}"
            assert names(aws_target) == whole


def test_a_half_finished_deploy_is_destroyed_to_the_last_resource(aws_target, small):
    ours = on(aws_target, small)
    with mock_aws():
        nothing = names(aws_target)
        total = moments(aws_target, small)
    for moment in range(0, total, 3):
        with mock_aws():
            planned = ours.plan()
            with killed(aws_target, moment, "after"):
                apply(planned, aws_target)
            apply(ours.teardown().plan, aws_target)
            assert names(aws_target) == nothing, f"killed after call {moment}"


def test_a_destroy_killed_at_every_call_is_completed_by_the_next(aws_target, small):
    ours = on(aws_target, small)
    with mock_aws():
        nothing = names(aws_target)
        apply(ours.plan(), aws_target)
        total = len(ours.teardown().plan.instructions)
    for moment in range(total):
        with mock_aws():
            apply(ours.plan(), aws_target)
            planned = ours.teardown().plan
            with killed(aws_target, moment, "before"):
                apply(planned, aws_target)
            apply(ours.teardown().plan, aws_target)
            assert names(aws_target) == nothing, f"killed before call {moment}"
