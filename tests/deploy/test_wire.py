"""What ``--target aws`` puts on the wire, answered by moto's own server: an AWS implementation that is not ours."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from deploy import saga, targets
from deploy.apply import apply
from tests.deploy.test_plan import names
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(find_spec("flask") is None, reason="moto's server needs the extra moto[server]")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    program = (
        "from moto.server import ThreadedMotoServer as S; import sys\n"
        "s = S(port=0, verbose=False); s.start(); print(s.get_host_and_port()[1], flush=True)\n"
        "sys.stdin.read(); s.stop()"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        port = server.stdout.readline().strip()
        assert port, "moto's server did not start"
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()
        server.wait(PATIENCE)


@pytest.fixture
def target(endpoint, full, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    return targets.connect("aws", full)


def test_every_request_of_deploy_and_destroy_is_accepted_and_converges(target, full):
    before = names(target)
    ours = saga.on(target, full)
    planned = ours.plan()
    made = []
    apply(planned, target, made.append)
    assert made == [i for i in planned.instructions if i.verb]
    assert not ours.plan()
    assert set(names(target)["functions"]) == set(full.functions)
    apply(ours.teardown().plan, target)
    assert names(target) == before
