"""The interpreter's behaviour when AWS needs time, refuses, or leaves a member out."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from deploy.apply import PATIENCE, apply, preview
from deploy.errors import DeployError
from deploy.planning.instructions import Instruction, Variable
from deploy.planning.plan import Plan
from deploy.targets import Target


def refusal(code, message=""):
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Scripted:
    """A client whose one operation gives the scripted answers in turn, and keeps the requests."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def __getattr__(self, operation):
        def call(**request):
            self.requests.append((operation, request))
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def on(client):
    return Target("aws", "123456789012", "us-east-1", "aws", None, lambda service: client)


def run(client, *instructions):
    pauses = []
    apply(Plan(instructions), on(client), pause=pauses.append)
    return pauses


def instruction(operation="create_function", **more):
    return Instruction("function F", "create", "lambda", operation, more.pop("request", {}), **more)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("create_function", refusal("InvalidParameterValueException", "The role ... cannot be assumed by Lambda.")),
        (
            "create_state_machine",
            refusal("AccessDeniedException", "not authorized to assume the provided role."),
        ),
        ("create_state_machine", refusal("StateMachineDeleting")),
        ("update_function_code", refusal("ResourceConflictException", "An update is in progress for resource")),
        ("delete_table", refusal("ResourceInUseException", "Table is being created")),
        ("delete_rest_api", refusal("TooManyRequestsException")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.response["Error"]["Code"],
)
def test_a_refusal_that_passes_by_itself_is_waited_out(operation, error):
    client = Scripted(error, error, {})
    assert len(run(client, instruction(operation))) == 2
    assert len(client.requests) == 3


def test_a_refusal_that_does_not_pass_is_given_up_after_a_while():
    error = refusal("InvalidParameterValueException", "cannot be assumed")
    client = Scripted(*[error] * 1000)
    with pytest.raises(DeployError, match="could not create function F on aws"):
        run(client, instruction())
    assert len(client.requests) < PATIENCE


@pytest.mark.parametrize(
    "error",
    [
        refusal("InvalidParameterValueException", "Unzipped size must be smaller"),
        refusal("AccessDeniedException", "User is not authorized to perform: lambda:CreateFunction"),
        EndpointConnectionError(endpoint_url="http://x"),
    ],
    ids=["invalid", "denied", "unreachable"],
)
def test_any_other_error_stops_at_once_and_says_what_was_being_done(error):
    client = Scripted(error)
    with pytest.raises(DeployError, match=r"could not create function F on aws: .*run deploy again"):
        run(client, instruction())


def test_work_that_was_done_before_is_tolerated_where_the_plan_says_so():
    gone = instruction("delete_function", tolerates=frozenset({"ResourceNotFoundException"}))
    assert run(Scripted(refusal("ResourceNotFoundException")), gone) == []


def test_a_value_of_an_answer_is_put_where_the_plan_names_it():
    client = Scripted({"items": [{"path": "/a", "id": "1"}, {"path": "/", "id": "2"}]}, {})
    find = instruction("get_resources", saves={"root": "items[?path=='/'].id | [0]"})
    use = instruction("put_method", request={"deep": [{"resourceId": Variable("root")}]})
    run(client, find, use)
    assert client.requests[1] == ("put_method", {"deep": [{"resourceId": "2"}]})


def test_an_answer_without_the_value_is_an_error_that_names_it():
    with pytest.raises(DeployError, match="answered without stateMachineVersionArn"):
        run(Scripted({}), instruction(saves={"version": "stateMachineVersionArn"}))


def test_a_preview_tells_the_changes_and_makes_none():
    look = SimpleNamespace(verb="")
    assert list(preview(Plan((instruction(), look)))) == ["create function F"]
