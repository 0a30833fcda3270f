"""CloudFormation's own types: custom resources answered by a function, wait conditions, nested stacks, and types that
are only noted.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.resources.fitting import text
from sfn_emulator.cloud.stacks.resources.kind import Hands, Kind, Made, Properties, Standing

_WITHIN: Final = 3_600
"""Seconds a custom resource may take unless its ServiceTimeout says otherwise (CloudFormation, "Custom resources")."""
_ATTEMPTS: Final = 3
"""Attempts in all of an asynchronous invocation that fails (Lambda, "Asynchronous invocation")."""


def _ask(hands: Hands, request: str, properties: Properties, **more: Any) -> Mapping[str, Any]:
    """Invokes the function and waits for its answer. Raises ``ResourceError``."""
    handle = hands.world.new_id()
    given = {key: value for key, value in properties.items() if key != "ServiceTimeout"}
    event = {
        "RequestType": request,
        "ServiceToken": properties["ServiceToken"],
        "ResponseURL": hands.world.signals.address(handle),
        "StackId": hands.stack_id,
        "RequestId": hands.world.new_id(),
        "LogicalResourceId": hands.logical,
        "ResourceType": hands.type,
        "ResourceProperties": _as_texts(given),
        **more,
    }
    failed = _sent(hands, str(properties["ServiceToken"]), orjson.dumps(event))
    try:
        seconds = float(properties.get("ServiceTimeout") or _WITHIN)
    except (TypeError, ValueError):
        raise ResourceError("ServiceTimeout must be a number of seconds, from 1 to 3600.") from None
    late = f"CloudFormation did not receive a response from your Custom Resource within {seconds:.0f} seconds."
    (told,) = hands.world.signals.wait(handle, 1, seconds, failed, late)
    if told.get("Status") != "SUCCESS":
        reason = told.get("Reason") or "the function gave no reason"
        raise ResourceError(
            f"Received response status [FAILED] from custom resource. Message returned: {reason} (RequestId: "
            f"{event['RequestId']})"
        )
    return told


def _as_texts(value: Any) -> Any:
    """Numbers and booleans reach a custom resource as texts."""
    if isinstance(value, Mapping):
        return {key: _as_texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_texts(inner) for inner in value]
    return text(value)


def _sent(hands: Hands, token: str, event: bytes) -> Callable[[], str | None]:
    """Sends the event. Returns a function that returns why no answer will ever come, or ``None``."""
    if ":sns:" in token:
        hands.call(
            "sns",
            "Publish",
            TopicArn=token,
            Message=event.decode(),
            Subject="AWS CloudFormation custom resource request",
        )
        return lambda: None
    fault: list[str] = []

    def invoke() -> None:
        for _ in range(_ATTEMPTS):
            try:
                told = hands.call("lambda", "Invoke", FunctionName=token, Payload=event)
            except ResourceError as error:
                fault.append(str(error))
                return
            if not told.get("FunctionError"):
                return
            told_error = told["Payload"].read().decode("utf-8", "replace")[:1_000]
        fault.append(f"The function {token} failed and sent no answer: {told_error}")

    threading.Thread(target=invoke, name="custom-resource", daemon=True).start()
    return lambda: fault[0] if fault else None


def _create(hands: Hands, properties: Properties) -> Made:
    name = hands.name(128)
    hands.noted(name)
    told = _ask(hands, "Create", properties)
    return Made(str(told.get("PhysicalResourceId") or name), told.get("Data") or {})


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    told = _ask(
        hands,
        "Update",
        properties,
        PhysicalResourceId=standing.physical,
        OldResourceProperties=_as_texts(standing.properties),
    )
    return Made(str(told.get("PhysicalResourceId") or standing.physical), told.get("Data") or {})


def _delete(hands: Hands, standing: Standing) -> None:
    _ask(hands, "Delete", standing.properties, PhysicalResourceId=standing.physical)


CUSTOM: Final = Kind("AWS::CloudFormation::CustomResource", _create, _update, _delete, frozenset({"*"}))
"""Also every ``Custom::Name``."""


def _handle(hands: Hands, properties: Properties) -> Made:
    return Made(hands.world.signals.address(hands.world.new_id()))


def _wait(hands: Hands, properties: Properties) -> Made:
    """Waits for ``Count`` signals to its handle; Data is their JSON, by their ids."""
    if "Handle" in properties:
        handle = hands.world.signals.handle(str(properties["Handle"]))
    else:
        handle = f"{hands.stack_id}/{hands.logical}"
    count = int(properties.get("Count") or 1)
    told = hands.world.signals.wait(handle, count, float(properties.get("Timeout") or 300))
    bad = next((row for row in told if row.get("Status") != "SUCCESS"), None)
    if bad is not None:
        raise ResourceError(
            f"WaitCondition received failed message: '{bad.get('Reason', '')}' for uniqueId: {bad.get('UniqueId', '')}"
        )
    data = {str(row.get("UniqueId", number)): row.get("Data", "") for number, row in enumerate(told)}
    return Made(
        hands.arn("cloudformation", f"waitcondition/{hands.stack}/{hands.logical}/{hands.world.new_id()}"),
        {"Data": orjson.dumps(data).decode()},
    )


def _noted(hands: Hands, properties: Properties) -> Made:
    return Made(hands.name(128))


def _still(hands: Hands, standing: Standing, properties: Properties) -> Made:
    return Made(standing.physical, standing.attributes)


def _nest(hands: Hands, properties: Properties) -> Made:
    return hands.world.nested.create(hands, hands.name(128), properties)


def _update_nested(hands: Hands, standing: Standing, properties: Properties) -> Made:
    return hands.world.nested.update(hands, standing.physical, properties)


def _delete_nested(hands: Hands, standing: Standing) -> None:
    hands.world.nested.delete(hands, standing.physical)


KINDS: Final = (
    CUSTOM,
    Kind("AWS::CloudFormation::Stack", _nest, _update_nested, _delete_nested, frozenset({"*"})),
    Kind("AWS::CloudFormation::WaitConditionHandle", _handle, _still),
    Kind("AWS::CloudFormation::WaitCondition", _wait, _still, waits=True),
    Kind("AWS::CDK::Metadata", _noted, _still),
)
