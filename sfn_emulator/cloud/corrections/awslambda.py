"""Lambda keeps a function's dead-letter queue, one configuration of asynchronous invocations, and a URL's mode; an
alias's weights are checked."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.moment import is_new

_DESTINATIONS: Final = {
    "OnSuccess": ("sqs", "sns", "lambda", "events"),
    "OnFailure": ("sqs", "sns", "lambda", "events", "s3"),
}


def correct() -> None:
    models: Any = importlib.import_module("moto.awslambda.models")
    replace(models.LambdaFunction, "__init__", _made)
    replace(models.LambdaFunction, "update_configuration", _updated)
    replace(models.LambdaFunction, "get_configuration", _told)
    replace(models.LambdaFunction, "update_function_code", _recoded)
    replace(models.FunctionUrlConfig, "to_dict", _url)
    replace(models.FunctionUrlConfig, "update", _url_updated)
    responses: Any = importlib.import_module("moto.awslambda.responses")
    replace(responses.LambdaResponse, "create_function_url_config", _url_created)
    for operation in ("create", "get", "update", "delete"):
        replace(models.LambdaBackend, f"{operation}_function_url_config", _unqualified)
    for operation in ("put_alias", "update_alias"):
        replace(models.LambdaStorage, operation, _weighed)
    replace(models.LambdaBackend, "put_function_event_invoke_config", _put)
    replace(models.LambdaBackend, "update_function_event_invoke_config", _merged)


def _made(inner: Callable[..., Any]) -> Callable[..., Any]:
    def make(self: Any, account_id: str, spec: dict[str, Any], *more: Any, **named: Any) -> None:
        self.dead_letters = spec.get("DeadLetterConfig")
        inner(self, account_id, spec, *more, **named)

    return make


def _updated(inner: Callable[..., Any]) -> Callable[..., Any]:
    def update_configuration(self: Any, config_updates: dict[str, Any]) -> Any:
        if "DeadLetterConfig" in config_updates:
            self.dead_letters = config_updates["DeadLetterConfig"]
        return inner(self, config_updates)

    return update_configuration


def _recoded(inner: Callable[..., Any]) -> Callable[..., Any]:
    """After an update a tag may name another image."""

    def update_function_code(self: Any, updated_spec: dict[str, Any]) -> Any:
        self.code_revision = getattr(self, "code_revision", 0) + 1
        return inner(self, updated_spec)

    return update_function_code


def _told(inner: Callable[..., Any]) -> Callable[..., Any]:
    def get_configuration(self: Any, *arguments: Any, **named: Any) -> Any:
        told = inner(self, *arguments, **named)
        if getattr(self, "dead_letters", None):
            told["DeadLetterConfig"] = self.dead_letters
        return told

    return get_configuration


def _put(inner: Callable[..., Any]) -> Callable[..., Any]:
    def put(self: Any, function_name: str, config: dict[str, Any]) -> Any:
        _check_destinations(config)
        self.get_function(function_name).event_invoke_config = []
        return inner(self, function_name, config)

    return put


def _check_destinations(config: Mapping[str, Any]) -> None:
    for end, told in (config.get("DestinationConfig") or {}).items():
        place = str((told or {}).get("Destination") or "")
        service = place.split(":")[2] if place.startswith("arn:") else "lambda"
        if is_new() and service not in _DESTINATIONS.get(end, ()):
            text = f"A destination for {end} can't be of {service}: {place}. Name a queue, topic, function or bus"
            text += "; a bucket for OnFailure only."
            raise importlib.import_module("moto.awslambda.exceptions").InvalidParameterValueException(text)


def _merged(inner: Callable[..., Any]) -> Callable[..., Any]:
    def update(self: Any, function_name: str, config: dict[str, Any]) -> Any:
        known = self.get_function(function_name).event_invoke_config
        return self.put_function_event_invoke_config(function_name, {**(known[0].config if known else {}), **config})

    return update


def _url_created(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A URL made for an alias belongs to that alias; moto ignores the Qualifier."""

    def create_function_url_config(self: Any) -> Any:
        import json

        status, headers, body = inner(self)
        made = self.backend.get_function_url_config(json.loads(body)["FunctionArn"])
        _, alias = _taken_apart(unquote(self.path.split("/")[-2]))
        made.config["Qualifier"] = self._get_param("Qualifier") or alias
        return status, headers, json.dumps(made.to_dict())

    return create_function_url_config


def _unqualified(inner: Callable[..., Any]) -> Callable[..., Any]:
    """The name without its qualifier: a function's name or ARN may end in the alias whose URL is meant."""

    def configured(self: Any, name_or_arn: str, *more: Any) -> Any:
        return inner(self, _taken_apart(name_or_arn)[0], *more)

    return configured


def _taken_apart(name_or_arn: str) -> tuple[str, str | None]:
    parts = name_or_arn.split(":")
    size = 7 if name_or_arn.startswith("arn:") else 1
    return ":".join(parts[:size]), (parts[size] if len(parts) > size else None)


def _weighed(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses an alias with weights unless both of its versions are published."""

    def put(
        self: Any, name: str, function_name: str, function_version: str, description: str, routing_config: Any
    ) -> Any:
        weights = (routing_config or {}).get("AdditionalVersionWeights") or {}
        if weights and is_new():
            known = (
                self.get_alias(name, function_name).function_version if function_version is None else function_version
            )
            _check_weights(self, function_name, known, weights)
        return inner(self, name, function_name, function_version, description, routing_config)

    return put


def _check_weights(storage: Any, function: str, version: str, weights: dict[str, float]) -> None:
    exceptions: Any = importlib.import_module("moto.awslambda.exceptions")
    if "$LATEST" in (version, *weights):
        text = "$LATEST is not supported for an alias pointing to more than 1 version"
        raise exceptions.InvalidParameterValueException(text)
    if len(weights) > 1 or not all(0.0 <= float(weight) <= 1.0 for weight in weights.values()):
        text = "AdditionalVersionWeights holds one version, with a weight from 0.0 to 1.0."
        raise exceptions.InvalidParameterValueException(text)
    for other in weights:
        storage.get_function_by_name_or_arn_with_qualifier(function, other)


def _url(inner: Callable[..., Any]) -> Callable[..., Any]:
    def to_dict(self: Any) -> Any:
        told = {**inner(self), "InvokeMode": self.config.get("InvokeMode") or "BUFFERED"}
        if self.config.get("Qualifier"):
            told["FunctionArn"] += ":" + self.config["Qualifier"]
        return {name: value for name, value in told.items() if value is not None}

    return to_dict


def _url_updated(inner: Callable[..., Any]) -> Callable[..., Any]:
    def update(self: Any, new_config: dict[str, Any]) -> None:
        inner(self, new_config)
        if new_config.get("InvokeMode"):
            self.config["InvokeMode"] = new_config["InvokeMode"]

    return update
