"""TestState's knowledge of integrations: their response models, and the HTTP exchanges under way."""

from collections.abc import Callable, Mapping

from sfn_emulator.asl.resource import Resource
from sfn_emulator.tasks import answers
from sfn_emulator.tasks.integrations.exchanges import Exchanges
from sfn_emulator.values import Value


class TrialIntegrations:
    """``service.trials.Integrations`` over the exchanges of one ``World``."""

    def __init__(self, exchanges: Exchanges) -> None:
        self._exchanges = exchanges

    def problem(self, resource: Resource, result: Value, *, strict: bool) -> str | None:
        return answers.problem(resource, result, strict=strict)

    def watch(self, execution_arn: str, *, reveal_secrets: bool) -> Callable[[], Mapping[str, Mapping[str, str]]]:
        """See ``Exchanges.watch``."""
        return self._exchanges.watch(execution_arn, reveal_secrets=reveal_secrets)
