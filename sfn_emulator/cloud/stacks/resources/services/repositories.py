"""ECR: repositories of container images."""

from typing import Final

from sfn_emulator.cloud.stacks.resources.fitting import text
from sfn_emulator.cloud.stacks.resources.kind import Hands, Kind, Made, Properties, Standing

_ECR: Final = "ecr"


def _create(hands: Hands, properties: Properties) -> Made:
    name = properties.get("RepositoryName") or hands.name(256, lower=True)
    made = hands.send(_ECR, "CreateRepository", properties, repositoryName=name)["repository"]
    hands.noted(name)
    _settings(hands, name, {}, properties)
    return Made(name, {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]})


def _settings(hands: Hands, name: str, before: Properties, after: Properties) -> None:
    life = (after.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
    if life and before.get("LifecyclePolicy") != after.get("LifecyclePolicy"):
        hands.call(_ECR, "PutLifecyclePolicy", repositoryName=name, lifecyclePolicyText=life)
    policy = after.get("RepositoryPolicyText")
    if policy and before.get("RepositoryPolicyText") != policy:
        hands.call(_ECR, "SetRepositoryPolicy", repositoryName=name, policyText=text(policy))


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    _settings(hands, standing.physical, standing.properties, properties)
    return Made(standing.physical, standing.attributes)


def _delete(hands: Hands, standing: Standing) -> None:
    force = bool(standing.properties.get("EmptyOnDelete"))
    hands.call(_ECR, "DeleteRepository", repositoryName=standing.physical, force=force)


KINDS: Final = (Kind("AWS::ECR::Repository", _create, _update, _delete, named="RepositoryName"),)
