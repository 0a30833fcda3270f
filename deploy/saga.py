"""The stages in one place: configuration and target in, plan out, calls made."""

from dataclasses import dataclass

from deploy import bundle, definition, plan, teardown
from deploy.config import Config
from deploy.remote import Aws, Remote
from deploy.resources import Resource, RestApi, StateMachine, wanted
from deploy.targets import Target


@dataclass(frozen=True)
class Saga:
    """What is wanted on a target, and the reads to compare it with."""

    target: Target
    resources: tuple[Resource, ...]
    remote: Remote

    @property
    def machine(self) -> StateMachine:
        return next(resource for resource in self.resources if isinstance(resource, StateMachine))

    @property
    def api(self) -> RestApi:
        return next(resource for resource in self.resources if isinstance(resource, RestApi))

    def plan(self) -> plan.Plan:
        return plan.deploy(self.resources, self.remote)

    def teardown(self) -> teardown.Teardown:
        return teardown.destroy(self.resources, self.remote)

    def api_url(self) -> str | None:
        """Where the REST API answers; ``None`` when it is not deployed."""
        seen = self.remote.rest_api(self.api.name, self.api.stage, self.api.tags)
        return self.target.stage_url(seen.id, self.api.stage) if seen and plan.ours(seen.tags, self.api.tags) else None


def on(target: Target, config: Config) -> Saga:
    """The saga of this checkout on a target. Raises ``DeployError`` for a definition that cannot be rendered."""
    template = definition.read()
    return Saga(target, wanted(config, target, bundle.build(), template), Aws(target))
