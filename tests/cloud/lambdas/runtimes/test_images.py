"""Functions in container images. No daemon is asked of whoever runs the tests: a program of our own stands for
``docker``, and keeps what the real one promises."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.lambdas.runtimes.images import Image, spec
from tests.cloud.functions import LONG, ROLE, invoke, make_role
from tests.processes import Process, running
from tests.waiting import until

BOOTSTRAP = """#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while true; do
  event=$(curl -sS -D /tmp/headers.$$ "$api/next") || exit 1
  id=$(tr -d '\\r' < /tmp/headers.$$ | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  echo "container says $event"
  case $event in *wait*) sleep 1000 ;; esac
  curl -s -o /dev/null "$api/$id/response" \\
    -d "{\\"said\\": \\"VERSION $COLOUR $1 ${DOCKER_CONFIG:-}$_HANDLER\\", \\"event\\": $event}"
done
"""
URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the stand-in's bootstrap needs curl")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in's images and containers."""
    root = tmp_path_factory.mktemp("docker")
    for name in ("bin", "images", "containers"):
        (root / name).mkdir()
    shutil.copy(Path(__file__).with_name("docker_program.py"), root / "bin" / "docker")
    build(root, "one")
    return root


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Process]:
    before = dict(os.environ)
    os.environ |= {"PATH": f"{home / 'bin'}:{os.environ['PATH']}", "DOCKER_CONFIG": str(home)}
    try:
        with running("--in-memory") as process:
            make_role(process)
            yield process
    finally:
        os.environ.clear()
        os.environ |= before


def build(home: Path, version: str, uri: str = URI) -> None:
    folder = home / "images" / uri.replace("/", "_").replace(":", "_")
    folder.mkdir(exist_ok=True)
    (folder / "bootstrap").write_text(BOOTSTRAP.replace("VERSION", version))
    (folder / "bootstrap").chmod(0o755)


def create(server: Process, name: str, uri: str = URI, **settings: object) -> None:
    server.client("lambda").create_function(
        FunctionName=name, PackageType="Image", Role=ROLE, Code={"ImageUri": uri}, **{"Timeout": LONG, **settings}
    )


def test_an_image_is_run_with_its_command_and_the_functions_variables(server: Process, home: Path) -> None:
    create(
        server,
        "shop",
        ImageConfig={"Command": ["app.handler"], "WorkingDirectory": "/srv"},
        Environment={"Variables": {"COLOUR": "red"}},
        MemorySize=256,
    )
    for n in range(3):
        assert invoke(server, "shop", n) == ({"said": "one red app.handler ", "event": n}, None)
    said = [json.loads(line) for line in (home / "containers" / "said").read_text().splitlines()]
    assert len(said) == 1, "the container is kept for further calls"
    assert (said[0]["--memory"], said[0]["--workdir"], said[0]["--network"]) == (["256m"], ["/srv"], ["host"])
    tail = server.client("lambda").invoke(FunctionName="shop", Payload="7", LogType="Tail")["LogResult"]
    assert "container says 7" in base64.b64decode(tail).decode()


def test_a_tag_that_stands_for_another_image_is_run_once_it_is_deployed(server: Process, home: Path) -> None:
    uri = URI.replace("shop", "again")
    build(home, "one", uri)
    create(server, "again", uri)
    assert invoke(server, "again", 1)[0]["said"].startswith("one")
    build(home, "two", uri)
    server.client("lambda").update_function_code(FunctionName="again", ImageUri=uri)
    assert invoke(server, "again", 1)[0]["said"].startswith("two")


def test_a_time_out_removes_the_container(server: Process, home: Path) -> None:
    create(server, "late", Timeout=1)
    before = set((home / "containers").iterdir())
    payload, error = invoke(server, "late", "wait")
    assert (payload["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    until(lambda: set((home / "containers").iterdir()) <= before)


def test_an_image_that_is_nowhere_is_refused_in_awss_words(server: Process) -> None:
    with pytest.raises(ClientError, match="Provide a valid source image"):
        create(server, "nowhere", "nowhere:1")


def test_images_are_refused_by_name_where_no_daemon_answers(server: Process, home: Path) -> None:
    (home / "down").touch()
    try:
        with pytest.raises(ClientError, match="need a Docker daemon, and none answers: Cannot connect to the Docker"):
            create(server, "down")
    finally:
        (home / "down").unlink()
    assert "down" not in [f["FunctionName"] for f in server.client("lambda").list_functions()["Functions"]]


def test_no_container_outlives_the_server(home: Path) -> None:
    """Killed, too: what waits for the next invocation finds the Runtime API gone, and ends."""
    environment = {"PATH": f"{home / 'bin'}:{os.environ['PATH']}", "DOCKER_CONFIG": str(home)}
    before = dict(os.environ)
    os.environ |= environment
    try:
        with running("--in-memory") as process:
            make_role(process)
            create(process, "kept", Environment={"Variables": {"COLOUR": f"mark-{home.name}"}})
            known = set((home / "containers").iterdir())
            assert invoke(process, "kept", 1)[1] is None
            (name,) = set((home / "containers").iterdir()) - known
            process.kill()
    finally:
        os.environ.clear()
        os.environ |= before
    until(lambda: subprocess.run(["kill", "-0", name.read_text()], capture_output=True, check=False).returncode)


@pytest.mark.parametrize("uri", ["--privileged", "-v=/:/host", " ", "shop 1", "shop\n--privileged", "shop\0"])
def test_a_name_that_docker_could_take_for_an_option_is_no_image(server: Process, uri: str) -> None:
    with pytest.raises(ClientError, match="Provide a valid source image"):
        create(server, "option", uri, ImageConfig={"Command": ["-v", "/:/host", "shop"]})


def test_a_functions_variables_are_the_containers_and_not_those_of_docker_itself(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{home / 'bin'}:{os.environ['PATH']}")
    told = spec(Image("shop:1"), {"LD_PRELOAD": "/evil.so", "DOCKER_HOST": "tcp://evil"}, 128)
    assert {"LD_PRELOAD=/evil.so", "DOCKER_HOST=tcp://evil"} <= set(told["command"])
    assert "LD_PRELOAD" not in told["environment"] and told["environment"].get("DOCKER_HOST") != "tcp://evil"
