"""The container: built and asked where a Docker daemon is, read where none is."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import yaml

from sfn_emulator.serving.settings import DEFAULT_PORT
from tests.processes import ROOT, running
from tests.waiting import PATIENCE, until

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
IMAGE = "sfn-emulator:tried"


def has_daemon() -> bool:
    docker = shutil.which("docker")
    asked = [docker, "info", "--format", "{{.ServerVersion}}"]
    return (
        docker is not None and subprocess.run(asked, capture_output=True, check=False, timeout=PATIENCE).returncode == 0
    )


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """The URL of the image, built and run."""
    if not has_daemon():
        pytest.skip("no Docker daemon answers here; the file is checked by reading it instead")
    built = subprocess.run(["docker", "build", "-q", "-t", IMAGE, "."], cwd=ROOT, capture_output=True, text=True)
    if built.returncode and "pull access denied" in built.stderr + built.stdout:
        pytest.skip("the base image can't be fetched here")
    assert built.returncode == 0, built.stderr
    asked = ["docker", "run", "-d", "--rm", "-p", f"127.0.0.1::{DEFAULT_PORT}", "-e", "SFN_EMULATOR_TIME=skip", IMAGE]
    name = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    try:
        asked = ["docker", "port", name, f"{DEFAULT_PORT}/tcp"]
        yield "http://" + subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]
    finally:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)


def test_the_image_answers_as_nobody_in_particular(container: str) -> None:
    def health() -> Any:
        with suppress(OSError), urllib.request.urlopen(f"{container}/health", timeout=2) as answer:
            return json.load(answer)

    told = until(health)
    assert (told["time"], told["stateDirectory"]) == ("skip", "/state")


def test_it_does_not_run_as_root_and_keeps_its_state_in_a_volume() -> None:
    assert re.search(r"^USER (?!root|0)", DOCKERFILE, re.M)
    assert DOCKERFILE.index("USER ") < DOCKERFILE.index("ENTRYPOINT")
    assert "VOLUME /state" in DOCKERFILE
    assert "SFN_EMULATOR_STATE_DIR=/state" in DOCKERFILE
    assert COMPOSE["services"]["sfn"]["volumes"] == ["sfn-state:/state"]


def test_it_asks_after_its_health_at_the_port_it_listens_on() -> None:
    assert f"http://127.0.0.1:{DEFAULT_PORT}/health" in DOCKERFILE.partition("HEALTHCHECK")[2]
    assert f"EXPOSE {DEFAULT_PORT}" in DOCKERFILE


def test_it_listens_for_others_inside_the_container_only() -> None:
    assert "SFN_EMULATOR_HOST=0.0.0.0" in DOCKERFILE
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_every_copied_file_exists_and_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M) for name in line.split()}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


def test_the_names_other_containers_call_it_by_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    service = COMPOSE["services"]["sfn"]
    (names,) = [line.partition("=")[2] for line in service["environment"] if "ALLOW_HOST" in line]
    assert set(service["networks"]["default"]["aliases"]) < set(names.split())
    monkeypatch.setenv("SFN_EMULATOR_ALLOW_HOST", names)
    monkeypatch.setenv("SFN_EMULATOR_IN_MEMORY", "1")
    with running() as server:
        for name in names.split():
            asked = urllib.request.Request(f"{server.url}/health", headers={"Host": f"{name}:{DEFAULT_PORT}"})
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                assert json.load(answer)["stateDirectory"] is None
