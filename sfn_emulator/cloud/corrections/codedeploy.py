"""CodeDeploy can change and remove applications and groups, and reports a group's alarms; moto does none of this."""

import importlib
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.corrections.replacing import replace

_CHANGED: Final = {
    "deploymentConfigName": "deployment_config_name",
    "serviceRoleArn": "service_role_arn",
    "autoRollbackConfiguration": "auto_rollback_configuration",
    "deploymentStyle": "deployment_style",
    "alarmConfiguration": "alarm_configuration",
}


def correct() -> None:
    responses: Any = importlib.import_module("moto.codedeploy.responses")
    replace(responses, "_deployment_group_info", _told)
    for operation in (delete_application, delete_deployment_group, update_deployment_group):
        setattr(responses.CodeDeployResponse, operation.__name__, operation)


def _told(inner: Callable[..., Any]) -> Callable[..., Any]:
    def told(group: Any) -> dict[str, Any]:
        alarms = group.alarm_configuration
        if alarms is not None and not isinstance(alarms, dict):
            alarms = {"alarms": alarms.alarms, "enabled": alarms.enabled}
        return {**inner(group), "alarmConfiguration": alarms or {}}

    return told


def delete_application(self: Any) -> Any:
    name = self._get_param("applicationName")
    backend = self.codedeploy_backend
    backend.applications.pop(name, None)
    backend.deployment_groups.pop(name, None)
    return _answer({})


def delete_deployment_group(self: Any) -> Any:
    groups = self.codedeploy_backend.deployment_groups.get(self._get_param("applicationName"), {})
    groups.pop(self._get_param("deploymentGroupName"), None)
    return _answer({"hooksNotCleanedUp": []})


def update_deployment_group(self: Any) -> Any:
    application, name = self._get_param("applicationName"), self._get_param("currentDeploymentGroupName")
    group = self.codedeploy_backend.get_deployment_group(application, name)
    for parameter, attribute in _CHANGED.items():
        value = self._get_param(parameter)
        if value is not None:
            setattr(group, attribute, value)
    return _answer({"hooksNotCleanedUp": []})


def _answer(told: dict[str, Any]) -> Any:
    core: Any = importlib.import_module("moto.core.responses")
    return core.ActionResult(told)
