"""Functions in container images, where a Docker daemon answers: ``docker run`` is the worker's program.

The program in the image speaks the Runtime API: AWS's base images do so when ``AWS_LAMBDA_RUNTIME_API`` is set, as do
all images with a runtime interface client (Lambda, ``images-create``). The container is on the machine's own network,
so that it reaches the worker's socket and the port.
"""

import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sfn_emulator.cloud.lambdas.runtimes.families import UnrunnableError
from sfn_emulator.cloud.lambdas.runtimes.interface import Interface
from sfn_emulator.cloud.lambdas.runtimes.worker import RuntimeWorker
from sfn_emulator.cloud.lambdas.zygote import Zygote

_ANSWERS_WITHIN: Final = 20.0
_PULLED_WITHIN: Final = 600.0
_OF_THE_IMAGE: Final = frozenset({"PATH", "HOME", "LANG", "_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"})
"""Variables that the image sets itself."""
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
"""An image's name, tag and digest (Docker, "image reference"); nothing that ``docker`` could take for an option."""
_NO_IMAGE: Final = "Source image {} is not valid. Provide a valid source image."
_OF_DOCKER: Final = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
)


class Image(NamedTuple):
    """``revision`` differs after each UpdateFunctionCode: a tag may stand for another image then."""

    uri: str
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    directory: str | None = None
    revision: int = 0


def image_of(found: Any) -> Image | None:
    """moto's function as an image; ``None`` for one of a zip."""
    uri = found.code.get("ImageUri") if found.package_type == "Image" else None
    if not uri:
        return None
    told = found.image_config
    revision = getattr(found, "code_revision", 0)
    return Image(uri, tuple(told.entry_point or ()), tuple(told.cmd or ()), told.working_directory, revision)


def refusal(uri: str) -> str | None:
    """Why a function of this image is refused when it is created; ``None`` if it can be run. Pulls the image if need
    be; blocks."""
    if not _REFERENCE.fullmatch(uri):
        return _NO_IMAGE.format(uri)
    docker = shutil.which("docker")
    if docker is None:
        return f"{_NEEDED} and there is no 'docker' on the server's PATH."
    failed = _asked(docker, "version", "--format", "{{.Server.Version}}")
    if failed is not None:
        return f"{_NEEDED} and none answers: {failed}"
    if _asked(docker, "image", "inspect", "--format", "{{.Id}}", uri) is None:
        return None
    failed = _asked(docker, "pull", "--quiet", uri, seconds=_PULLED_WITHIN)
    if failed is None:
        return None
    return f"Source image {uri} does not exist. Provide a valid source image. ('docker pull' says: {failed})"


_NEEDED: Final = "Container images need a Docker daemon,"


def _asked(docker: str, *arguments: str, seconds: float = _ANSWERS_WITHIN) -> str | None:
    """``None`` if docker succeeded, else the end of its error output."""
    try:
        done = subprocess.run([docker, *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
    return None if done.returncode == 0 else lines[-1]


def spec(image: Image, environment: Mapping[str, str], memory: int) -> dict[str, Any]:
    """The settings that a worker is started with. Raises ``UnrunnableError``."""
    docker = shutil.which("docker")
    if docker is None:
        raise UnrunnableError(f"{_NEEDED} and there is no 'docker' on the server's PATH.")
    if not _REFERENCE.fullmatch(image.uri):
        raise UnrunnableError(_NO_IMAGE.format(image.uri))
    own = {name: value for name, value in environment.items() if name not in _OF_THE_IMAGE}
    name = f"sfn-emulator-{os.urandom(8).hex()}"
    options = ["--rm", "--name", name, "--network", "host", "--memory", f"{memory}m"]
    for (
        variable,
        value,
    ) in own.items():  # by argument: in docker's own environment LD_PRELOAD would change docker itself
        options += ["--env", f"{variable}={value}"]
    options += ["--env", "AWS_LAMBDA_RUNTIME_API"]
    if image.directory:
        options += ["--workdir", image.directory]
    if image.entry_point:
        options += ["--entrypoint", image.entry_point[0]]
    client = {name: os.environ[name] for name in _OF_DOCKER if name in os.environ}
    return {
        "environment": client,
        "root": "/",
        "command": [docker, "run", *options, image.uri, *image.entry_point[1:], *image.command],
        "container": name,
    }


class ContainerWorker(RuntimeWorker):
    """A worker in a container. When the ``docker`` program ends, the container is removed, because it would go on by
    itself.
    """

    def __init__(
        self, docker: str, name: str, interface: Interface, zygote: Zygote, pid: int, *descriptors: Any
    ) -> None:
        self._remove: Sequence[str] = [docker, "rm", "--force", name]
        super().__init__(interface, zygote, pid, *descriptors)

    def _release(self) -> None:
        super()._release()
        threading.Thread(target=self._removed, name="container-removal").start()

    def _removed(self) -> None:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(self._remove, capture_output=True, timeout=_ANSWERS_WITHIN, check=False)
