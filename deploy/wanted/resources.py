"""The wanted resources: one frozen noun per AWS resource, and their list for this saga, in the order of making.

Pure: a configuration, a target's account and region, and the code go in; nouns come out. Every ARN is known beforehand
but the REST API's, whose id AWS draws. Nothing here needs that one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.config import Config
from deploy.errors import DeployError
from deploy.targets import Target
from deploy.wanted import definition, policies
from deploy.wanted.bundle import Bundle

Tags = Mapping[str, str]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class LogGroup:
    name: str
    arn: str
    days: int
    tags: Tags


@dataclass(frozen=True)
class Topic:
    name: str
    arn: str
    tags: Tags


@dataclass(frozen=True)
class Table:
    """``key`` names the hash and the range attribute, both strings; ``seed`` rows are plain dicts of str and int."""

    name: str
    arn: str
    key: tuple[str, ...]
    seed: tuple[Mapping[str, Any], ...]
    tags: Tags


@dataclass(frozen=True)
class Role:
    """``trust`` and ``policy`` are IAM policy documents; the policy is inline, so that it goes with the role."""

    name: str
    arn: str
    trust: Document
    policy: Document
    tags: Tags


@dataclass(frozen=True)
class Function:
    """``timeout`` in seconds, ``memory`` in MiB."""

    name: str
    arn: str
    handler: str
    role: str
    runtime: str
    timeout: int
    memory: int
    tracing: str
    environment: Mapping[str, str]
    bundle: Bundle
    tags: Tags


@dataclass(frozen=True)
class StateMachine:
    """``alias`` points at the version published last."""

    name: str
    arn: str
    alias: str
    definition: str
    role: str
    logging: Document
    tracing: bool
    tags: Tags

    @property
    def alias_arn(self) -> str:
        return f"{self.arn}:{self.alias}" if self.alias else ""


@dataclass(frozen=True)
class RestApi:
    """POST on the root, integrated with ``uri``; OPTIONS for browsers. ``template`` is empty for a proxy."""

    name: str
    stage: str
    uri: str
    role: str
    template: str
    tags: Tags


Resource = LogGroup | Topic | Table | Role | Function | StateMachine | RestApi


def wanted(config: Config, target: Target, bundle: Bundle, template: str) -> tuple[Resource, ...]:
    """Everything the saga needs, dependencies first. ``template`` is the definition's text with placeholders."""
    saga = _Saga(config, target, bundle)
    machine = saga.machine(template)
    return (
        *saga.log_groups(),
        saga.topic(),
        *saga.tables(),
        *saga.function_roles(machine),
        saga.machine_role(),
        saga.api_role(machine),
        *saga.functions(machine),
        machine,
        saga.api(machine),
    )


@dataclass(frozen=True)
class _Saga:
    config: Config
    target: Target
    bundle: Bundle

    def log_groups(self) -> tuple[LogGroup, ...]:
        names = [self.config.state_machine["log_group"], *(f"/aws/lambda/{name}" for name in self.config.functions)]
        days, tags = self.config.log_retention_days, self.config.tags
        return tuple(LogGroup(name, self.target.arn("logs", f"log-group:{name}"), days, tags) for name in names)

    def topic(self) -> Topic:
        return Topic(self.config.topic, self.target.arn("sns", self.config.topic), self.config.tags)

    def tables(self) -> tuple[Table, ...]:
        return tuple(
            Table(name, self._table(name), tuple(told["key"]), tuple(told.get("seed", ())), self.config.tags)
            for name, told in self.config.tables.items()
        )

    def function_roles(self, machine: StateMachine) -> tuple[Role, ...]:
        return tuple(
            self._role(name, "lambda.amazonaws.com", self._function_policy(name, machine))
            for name in self.config.functions
        )

    def machine_role(self) -> Role:
        repairs = self.config.repairs
        policy = policies.document(
            policies.invoke([self._function(name) for name in self.config.steps]),
            policies.rows(self._table(repairs["table"]), repairs["actions"]),
            policies.LOG_DELIVERY,
            *([policies.TRACING] if self.config.state_machine["tracing"] else []),
        )
        return self._role(self.config.state_machine["name"], "states.amazonaws.com", policy)

    def api_role(self, machine: StateMachine) -> Role:
        if self.config.api["integration"] == "lambda":
            statement = policies.invoke([self._function(self._orchestrator())])
        else:
            statement = policies.start(machine.arn)
        return self._role(self.config.api["name"], "apigateway.amazonaws.com", policies.document(statement))

    def functions(self, machine: StateMachine) -> tuple[Function, ...]:
        settings = self.config.function
        tracing = "Active" if self.config.state_machine["tracing"] else "PassThrough"
        return tuple(
            Function(
                name=name,
                arn=self._function(name),
                handler=told["handler"],
                role=self._role_arn(name),
                runtime=settings["runtime"],
                timeout=settings["timeout_seconds"],
                memory=settings["memory_mb"],
                tracing=tracing,
                environment=self._environment(told, machine),
                bundle=self.bundle,
                tags=self.config.tags,
            )
            for name, told in self.config.functions.items()
        )

    def machine(self, template: str) -> StateMachine:
        told = self.config.state_machine
        values = {f"{name}Arn": self._function(name) for name in self.config.steps}
        text = definition.render(template, {**values, "WaitSeconds": told["wait_seconds"]})
        group = self.target.arn("logs", f"log-group:{told['log_group']}:*")
        logging: dict[str, Any] = {"level": told["log_level"], "includeExecutionData": told["log_level"] != "OFF"}
        if told["log_level"] != "OFF":
            logging["destinations"] = [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]
        return StateMachine(
            name=told["name"],
            arn=self.target.arn("states", f"stateMachine:{told['name']}"),
            alias=told["alias"],
            definition=text,
            role=self._role_arn(told["name"]),
            logging=logging,
            tracing=told["tracing"],
            tags=self.config.tags,
        )

    def api(self, machine: StateMachine) -> RestApi:
        told, region = self.config.api, self.target.region
        gateway = f"arn:{self.target.partition}:apigateway:{region}"
        if told["integration"] == "lambda":
            function = self._function(self._orchestrator())
            uri, template = f"{gateway}:lambda:path/2015-03-31/functions/{function}/invocations", ""
        else:
            uri, template = f"{gateway}:states:action/StartExecution", start_template(machine.alias_arn)
        return RestApi(told["name"], told["stage"], uri, self._role_arn(told["name"]), template, self.config.tags)

    def _role(self, owner: str, service: str, policy: Document) -> Role:
        return Role(f"{owner}Role", self._role_arn(owner), policies.trust(service), policy, self.config.tags)

    def _function_policy(self, name: str, machine: StateMachine) -> Document:
        told = self.config.functions[name]
        statements = [policies.write_logs(self.target.arn("logs", f"log-group:/aws/lambda/{name}"))]
        statements += [policies.rows(self._table(table), actions) for table, actions in told.get("tables", {}).items()]
        if told.get("publishes"):
            statements.append(policies.publish(self.topic().arn))
        if told.get("starts"):
            statements += [policies.start(machine.arn), policies.describe_executions(machine.arn)]
        if self.config.state_machine["tracing"]:
            statements.append(policies.TRACING)
        return policies.document(*statements)

    def _environment(self, told: Mapping[str, Any], machine: StateMachine) -> dict[str, str]:
        environment = {}
        if told.get("publishes"):
            environment["TOPIC_ARN"] = self.topic().arn
        if told.get("starts"):
            environment |= {"STATE_MACHINE_ARN": machine.alias_arn, "STAGES": ",".join(self.config.stages)}
        return environment

    def _orchestrator(self) -> str:
        for name, told in self.config.functions.items():
            if told.get("starts"):
                return name
        raise DeployError("deploy/config.yaml: functions: api.integration lambda needs a function with 'starts: true'")

    def _table(self, name: str) -> str:
        return self.target.arn("dynamodb", f"table/{name}")

    def _function(self, name: str) -> str:
        return self.target.arn("lambda", f"function:{name}")

    def _role_arn(self, owner: str) -> str:
        return f"arn:{self.target.partition}:iam::{self.target.account}:role/{owner}Role"


def start_template(machine_arn: str) -> str:
    """The mapping template of the direct integration: the body becomes the input, MessageId the execution's name."""
    text = '$util.escapeJavaScript({}).replaceAll("\\\\\'", "\'")'  # JSON knows no \' escape
    name, order = text.format("$input.path('$.MessageId')"), text.format("$input.json('$')")
    return f'{{"stateMachineArn": {json.dumps(machine_arn)}, "name": "{name}", "input": "{order}"}}'
