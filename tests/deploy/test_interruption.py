"""A run killed at any call: the next one finishes the work."""

from contextlib import contextmanager, suppress

from moto import mock_aws

from deploy.apply import apply
from deploy.existing.remote import Aws
from deploy.saga import Saga
from deploy.wanted import bundle
from deploy.wanted.resources import wanted
from tests.deploy.test_plan import names

READING = ("Get", "List", "Describe")


class Killed(BaseException):
    pass


@contextmanager
def killed(target, moment):
    """Dies when AWS made the change numbered ``moment`` (from 0), before its answer is read."""
    changes = iter(range(10_000))

    def die(model, **_):
        if not model.name.startswith(READING) and next(changes) == moment:
            raise Killed

    clients = [target.client(name) for name in ("iam", "dynamodb", "lambda", "logs", "sns", "stepfunctions")]
    clients.append(target.client("apigateway"))
    for client in clients:
        client.meta.events.register("after-call", die, unique_id="die")
    try:
        with suppress(Killed):
            yield
    finally:
        for client in clients:
            client.meta.events.unregister("after-call", unique_id="die")


def on(target, config):
    template = '{"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "${PlaceOrderLambdaArn}", "End": true}}}'
    return Saga(target, wanted(config, target, bundle.build(), template), Aws(target))


def test_a_deploy_or_destroy_killed_at_every_call_is_completed_by_the_next(aws_target, small):
    """A kill after a call is the same as one before the next call: the answer is lost."""
    ours = on(aws_target, small)
    with mock_aws():
        nothing = names(aws_target)
        planned = ours.plan()
        apply(planned, aws_target)
        whole = names(aws_target)
        removal = ours.teardown().plan
        apply(removal, aws_target)
        total = len(planned.instructions)
        assert total > 25
        assert total >= len(removal.instructions)
        for moment in range(total - 1):
            with killed(aws_target, moment):
                apply(planned, aws_target)
            apply(ours.plan(), aws_target)
            assert not ours.plan(), f"killed after call {moment}"
            assert names(aws_target) == whole
            with killed(aws_target, moment):
                apply(ours.teardown().plan, aws_target)
            apply(ours.teardown().plan, aws_target)
            assert names(aws_target) == nothing, f"killed after call {moment}"


def test_a_half_finished_deploy_is_destroyed_to_the_last_resource(aws_target, small):
    ours = on(aws_target, small)
    with mock_aws():
        nothing = names(aws_target)
        planned = ours.plan()
    for moment in range(0, len(planned.instructions), 3):
        with mock_aws():
            with killed(aws_target, moment):
                apply(planned, aws_target)
            apply(ours.teardown().plan, aws_target)
            assert names(aws_target) == nothing, f"killed after call {moment}"
