"""CloudFormation's requests: operation by name → parameters by the model → the operation's function → XML."""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.cloud.stacks import wire
from sfn_emulator.cloud.stacks.control import ControlApi
from sfn_emulator.cloud.stacks.deploying.signals import PATH
from sfn_emulator.cloud.stacks.errors import ResourceError, StackError
from sfn_emulator.cloud.stacks.operations import change_sets, drift, reading, stacks
from sfn_emulator.cloud.stacks.operations.stacks import Caller, Given
from sfn_emulator.cloud.stacks.service import StackService

_log: Final = logging.getLogger(__name__)

_OPERATIONS: Final[Mapping[str, Callable[[Caller, Given], Given]]] = {
    "CancelUpdateStack": stacks.cancel,
    "ContinueUpdateRollback": stacks.continue_rollback,
    "CreateChangeSet": change_sets.create,
    "CreateStack": stacks.create,
    "DeleteChangeSet": change_sets.delete,
    "DeleteStack": stacks.delete,
    "DescribeAccountLimits": reading.limits,
    "DescribeChangeSet": change_sets.describe,
    "DescribeEvents": reading.operation_events,
    "DescribeStackDriftDetectionStatus": drift.status,
    "DescribeStackEvents": reading.events,
    "DescribeStackResource": reading.resource,
    "DescribeStackResourceDrifts": drift.resources,
    "DescribeStackResources": reading.resources,
    "DescribeStacks": reading.stacks,
    "DetectStackDrift": drift.detect,
    "DetectStackResourceDrift": drift.resource,
    "EstimateTemplateCost": reading.cost,
    "ExecuteChangeSet": change_sets.execute,
    "GetStackPolicy": stacks.get_policy,
    "GetTemplate": reading.template,
    "GetTemplateSummary": reading.summary,
    "ListChangeSets": change_sets.listed,
    "ListExports": reading.exports,
    "ListImports": reading.imports,
    "ListStackResources": reading.resource_list,
    "ListStacks": reading.listed,
    "RollbackStack": stacks.roll_back,
    "SetStackPolicy": stacks.set_policy,
    "SignalResource": stacks.signal,
    "UpdateStack": stacks.update,
    "UpdateTerminationProtection": stacks.protect,
    "ValidateTemplate": reading.validated,
}


class StacksApi:
    """Blocking, from any thread."""

    def __init__(self, service: StackService) -> None:
        self._service = service
        self._control = ControlApi(service)

    def is_signal(self, request: Request) -> bool:
        """Whether the request answers a custom resource or signals a wait condition."""
        return request.path.startswith(PATH)

    def take(self, request: Request) -> Reply:
        return self._service.signals.take(request)

    def serves(self, service: str) -> bool:
        """Whether a signing name is one of ours."""
        return service in ("cloudformation", "cloudcontrolapi")

    def answer(self, service: str, region: str, request: Request) -> Reply:
        """The reply to any request for CloudFormation or Cloud Control."""
        return self._control.answer(region, request) if service == "cloudcontrolapi" else self._stacks(region, request)

    def _stacks(self, region: str, request: Request) -> Reply:
        request_id = self._service.world.new_id()
        try:
            form = wire.form_of(request)
            name = form.get("Action", "")
            if name not in wire.model().operation_names:
                raise StackError(f"Could not find operation {name} for version 2010-05-15", "InvalidAction")
            operation = wire.model().operation_model(name)
            done = _OPERATIONS.get(name)
            if done is None:
                raise StackError(f"CloudFormation's operation {name} is not done here.", "NotImplemented", 501)
            told = wire.parameters(operation, form)
            caller = Caller(self._service, region)
            result: Mapping[str, Any] = done(caller, told)
            for stack_id in caller.begun:
                self._service.settle(stack_id)
            return wire.answer(operation, result, request_id)
        except StackError as error:
            return wire.refusal(error, request_id)
        except ResourceError as error:
            return wire.refusal(StackError(str(error)), request_id)
        except sqlite3.Error as error:
            text = f"The state directory cannot be written: {error}. Mend that; reads go on."
            return wire.refusal(StackError(text, "ServiceUnavailable", 503), request_id)
        except (TypeError, KeyError, ValueError, AttributeError):
            _log.exception("A template could not be read")
            text = "Template format error: the template has a part that can't be read; the server's log says which."
            return wire.refusal(StackError(text), request_id)
        except Exception:
            _log.exception("CloudFormation failed")
            text = "The local CloudFormation could not answer; its log says why."
            return wire.refusal(StackError(text, "InternalFailure", 500), request_id)
