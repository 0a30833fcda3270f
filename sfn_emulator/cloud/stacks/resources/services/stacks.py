"""Stacks within a stack."""

from typing import Final

from sfn_emulator.cloud.stacks.resources.kind import Hands, Kind, Made, Properties, Standing


def _create(hands: Hands, properties: Properties) -> Made:
    return hands.world.nested.create(hands, hands.name(128), properties)


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    return hands.world.nested.update(hands, standing.physical, properties)


def _delete(hands: Hands, standing: Standing) -> None:
    hands.world.nested.delete(hands, standing.physical)


KINDS: Final = (Kind("AWS::CloudFormation::Stack", _create, _update, _delete, frozenset({"*"})),)
