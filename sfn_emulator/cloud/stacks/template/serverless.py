"""The SAM transform: AWS's own ``aws-sam-translator``, where it is installed."""

import importlib
import logging
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import StackError

_MISSING: Final = (
    "Transform AWS::Serverless-2016-10-31 failed with: AWS's own aws-sam-translator is not installed beside the "
    "emulator. Install it: pip install 'sfn-emulator[sam]'"
)


def expanded(source: dict[str, Any], parameters: Mapping[str, Any], region: str) -> dict[str, Any]:
    """The template after the SAM transform. Raises ``StackError`` with every fault that the translator finds."""
    try:
        translator = importlib.import_module("samtranslator.translator.translator").Translator
        parser = importlib.import_module("samtranslator.parser.parser").Parser()
        faults: Any = importlib.import_module("samtranslator.model.exceptions").InvalidDocumentException
        policies = importlib.import_module("samtranslator.internal.managed_policies").get_bundled_managed_policy_map(
            "aws"
        )
    except ImportError:
        raise StackError(_MISSING) from None
    import boto3

    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns about AWS's own metrics and feature toggles
    known = {name: value for name, value in parameters.items() if isinstance(value, str | list)}
    try:
        session = boto3.Session("test", "test", region_name=region)
        made = translator(policies, parser, boto_session=session).translate(
            deepcopy(source), known, passthrough_metadata=True
        )
    except faults as error:
        told = " ".join(str(cause.message) for cause in error.causes)
        count = len(error.causes)
        raise StackError(
            f"Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document. "
            f"Number of errors found: {count}. {told}"
        ) from None
    return dict(made)
