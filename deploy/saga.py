"""The stages in one place: configuration and target in, plan out, calls made."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.config import Config
from deploy.existing.remote import Aws, Remote
from deploy.existing.tagged import tagged
from deploy.planning import plan, teardown
from deploy.targets import Target
from deploy.wanted import bundle, definition
from deploy.wanted.resources import Resource, RestApi, StateMachine, wanted


@dataclass(frozen=True)
class Saga:
    """The wanted resources on a target, and the reads to compare them with."""

    target: Target
    resources: tuple[Resource, ...]
    remote: Remote

    @property
    def machine(self) -> StateMachine:
        return next(resource for resource in self.resources if isinstance(resource, StateMachine))

    @property
    def api(self) -> RestApi:
        return next(resource for resource in self.resources if isinstance(resource, RestApi))

    def plan(self, prune: Sequence[Resource] = ()) -> plan.Plan:
        """The calls that make the target as wanted, followed by those that remove the resources of ``prune``."""
        wanted = plan.deploy(self.resources, self.remote)
        unwanted = teardown.destroy(prune, self.remote).plan
        return plan.Plan((*wanted.instructions, *unwanted.instructions), wanted.diff)

    def unwanted(self) -> tuple[Resource, ...]:
        """The resources that bear our tag and that the configuration does not name (any more)."""
        names = {(type(resource), resource.name) for resource in self.resources}
        found = tagged(self.target, self.api.tags)
        return tuple(resource for resource in found if (type(resource), resource.name) not in names)

    def teardown(self) -> teardown.Teardown:
        """The calls that remove everything with our tag, whether the configuration names it or not."""
        return teardown.destroy((*self.unwanted(), *self.resources), self.remote)

    def api_url(self) -> str | None:
        """Where the REST API answers; ``None`` when it is not deployed."""
        seen = self.remote.rest_api(self.api.name, self.api.stage, self.api.tags)
        return self.target.stage_url(seen.id, self.api.stage) if seen and plan.ours(seen.tags, self.api.tags) else None


def on(target: Target, config: Config) -> Saga:
    """The saga of this checkout on a target. Raises ``DeployError`` for a definition that cannot be rendered."""
    template = definition.read()
    return Saga(target, wanted(config, target, bundle.build(), template), Aws(target))
