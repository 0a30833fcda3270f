"""The refusals of services, each in a line that says how to mend it."""

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

NOT_DEPLOYED = "is the saga deployed? run 'python cli.py deploy'"
MENDS = {
    "ResourceNotFoundException": NOT_DEPLOYED,
    "StateMachineDoesNotExist": NOT_DEPLOYED,
    "ExecutionDoesNotExist": "see 'python cli.py executions'",
    "InvalidArn": "give the name that 'python cli.py executions' shows, or the whole ARN",
    "AccessDeniedException": "check the permissions of your credentials",
    "UnrecognizedClientException": "check AWS_PROFILE",
    "ExpiredTokenException": "log in again",
}


def told(error: ClientError | ResponseParserError) -> str:
    """The service's message, and how to mend it. An answer without an error code, or one that can't be read, comes
    from another program.
    """
    if not isinstance(error, ClientError) or (said := error.response["Error"])["Code"].isdigit():
        return "another program answers there, not an AWS service; check --endpoint and the target"
    return f"{error.operation_name}: {said.get('Message', said['Code'])}; {MENDS.get(said['Code'], said['Code'])}"
