"""Looking into a function with a debugger takes longer than the function may."""

from tests.cloud.functions import deploy, invoke, make_role
from tests.processes import running


def test_a_function_is_not_killed_at_its_first_breakpoint() -> None:
    """``breakpoint()`` loads pdb, and a person needs longer than the second that the function has."""
    looked_at = "import time\ndef handler(event, context):\n    import pdb\n    time.sleep(1.5)\n    return 'seen'\n"
    with running("--in-memory", "--lambda", "inprocess") as server:
        make_role(server)
        deploy(server, "slow", looked_at, Timeout=1)
        assert invoke(server, "slow") == ("seen", None)
