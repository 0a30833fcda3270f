#!/usr/bin/env python3
"""A stand-in for the ``docker`` program: images are folders with a ``bootstrap``, containers its processes.

It keeps what the real one promises of ``version``, ``image inspect``, ``pull``, ``run`` and ``rm``: only variables
given by ``--env`` are passed on, and a container lives on when the program that began it is killed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HOME = Path(os.environ["DOCKER_CONFIG"])
IMAGES, CONTAINERS = HOME / "images", HOME / "containers"
FLAGS = {"--rm"}


def variable(told: str) -> tuple[str, str]:
    """``NAME=VALUE``, or ``NAME`` alone for what ``docker`` itself has."""
    name, equals, value = told.partition("=")
    return name, value if equals else os.environ[name]


def fail(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.exit(1)


def place(uri: str) -> Path:
    return IMAGES / uri.replace("/", "_").replace(":", "_")


def run(arguments: list[str]) -> None:
    options: dict[str, list[str]] = {}
    while arguments[0].startswith("--"):
        name = arguments.pop(0)
        options.setdefault(name, []).append("" if name in FLAGS else arguments.pop(0))
    image, *command = arguments
    environment = dict(map(variable, options["--env"])) | {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    entry = options.get("--entrypoint", ["bootstrap"])[0]
    with (CONTAINERS / "said").open("a") as said:
        said.write(json.dumps({"command": command, **options}) + "\n")
    process = subprocess.Popen([place(image) / entry, *command], env=environment, start_new_session=True)
    (CONTAINERS / options["--name"][0]).write_text(str(process.pid))
    sys.exit(process.wait())


def remove(name: str) -> None:
    file = CONTAINERS / name
    if file.exists():
        subprocess.run(["kill", "-9", "--", f"-{file.read_text()}"], check=False)
        file.unlink()


if __name__ == "__main__":
    if (HOME / "down").exists():
        fail("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
    match sys.argv[1:]:
        case ["version", *_]:
            print("28.2.2")
        case ["image", "inspect", *_, uri]:
            if not place(uri).exists():
                fail(f"Error response from daemon: No such image: {uri}")
        case ["pull", *_, uri]:
            fail(f"Error response from daemon: pull access denied for {uri}")
        case ["run", *arguments]:
            run(arguments)
        case ["rm", "--force", name]:
            remove(name)
        case other:
            fail(f"docker: unknown command {other}")
