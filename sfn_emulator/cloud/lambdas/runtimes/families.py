"""Which program runs a function of which runtime on this machine, and what to install where there is none.

Python functions are run by the workers themselves; everything else speaks the Runtime API.
"""

import hashlib
import io
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

_BOOTSTRAP: Final = Path(__file__).parent / "bootstrap.mjs"
_NODE_MODULES: Final = "SFN_NODE_MODULES"
_JAVA_CLIENT: Final = "aws-lambda-java-runtime-interface-client"


class UnrunnableError(Exception):
    """The function can't be run: the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A function's files on disk: its own, and those of its layers in order; and its memory limit in megabytes."""

    root: Path
    layers: tuple[Path, ...]
    handler: str
    memory: int


@dataclass(frozen=True, slots=True)
class Family:
    """``command`` gives the program and its arguments; ``missing`` says what this machine lacks, given the code's zip.

    Both may raise ``UnrunnableError``. ``environment`` adds to the function's variables.
    """

    runtimes: re.Pattern[str]
    command: Callable[[Laid], list[str]]
    missing: Callable[[bytes], str | None]
    environment: Callable[[Laid], dict[str, str]] = lambda laid: {}


def family_of(runtime: str) -> Family | None:
    """The family of a runtime; ``None`` for Python, and for runtimes that are not known here."""
    return next((family for family in FAMILIES if family.runtimes.fullmatch(runtime)), None)


def refusal(runtime: str, code: bytes) -> str | None:
    """Why a function of this runtime is refused when it is created; ``None`` if it can be run."""
    if runtime.startswith("python"):
        return None
    if runtime not in _known():
        return (
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(_known())}] or be a valid ARN"
        )
    family = family_of(runtime)
    if family is None:
        return (
            f"The runtime '{runtime}' is not run here. Publish the function as a self-contained executable named "
            "'bootstrap' for the runtime 'provided.al2023'."
        )
    missing = family.missing(code)
    return None if missing is None else f"The runtime '{runtime}' is not run here: {missing}"


@cache
def _known() -> Sequence[str]:
    """The runtimes AWS names (botocore's model of Lambda)."""
    import botocore.session

    model: Any = botocore.session.get_session().get_service_model("lambda")
    return tuple(model.shape_for("Runtime").enum)


def beside(directory: Path, layers: Sequence[bytes]) -> Path:
    """Where code with these layers is unpacked: Node.js looks for modules beside a file and above it."""
    own = own_modules()
    if not layers and own is None:
        return directory
    told = hashlib.sha256(str(own or "").encode())
    for layer in layers:
        told.update(hashlib.sha256(layer).digest())
    return directory / f"with-{told.hexdigest()[:16]}"


# -- Node.js


def _node(laid: Laid) -> list[str]:
    _link_modules(laid)
    return [_found("node"), f"--max-old-space-size={laid.memory}", str(_BOOTSTRAP)]


def _node_missing(code: bytes) -> str | None:
    return None if shutil.which("node") else "there is no 'node' on the server's PATH. Install Node.js."


def _node_environment(laid: Laid) -> dict[str, str]:
    return {"NODE_PATH": ":".join(str(place) for place in _module_folders(laid.layers))}


def own_modules() -> Path | None:
    """The packages that stand for those of Lambda's Node.js: in the folder that SFN_NODE_MODULES names, else the AWS
    SDK in the ``node_modules`` nearest to where the server was started."""
    named = os.environ.get(_NODE_MODULES)
    if named:
        return Path(named)
    here = Path.cwd()
    places = (place / "node_modules" / "@aws-sdk" for place in (here, *here.parents))
    return next((place for place in places if place.is_dir()), None)


def _module_folders(layers: Sequence[Path]) -> list[Path]:
    named = os.environ.get(_NODE_MODULES)
    places = [layer / "nodejs" / "node_modules" for layer in layers]
    return [place for place in [*places, *([Path(named)] if named else [])] if place.is_dir()]


def _link_modules(laid: Laid) -> None:
    """Links the layers' packages where ``import`` finds them: NODE_PATH works for ``require`` alone."""
    folder = laid.root.parent / "node_modules"
    linked = [
        (package.relative_to(place), package) for place in _module_folders(laid.layers) for package in _packages(place)
    ]
    found = own_modules()
    if found is not None and found.name == "@aws-sdk":  # nobody named the folder: only what Lambda has
        linked += [(Path(found.name, package.name), package) for package in found.iterdir()]
    for name, package in linked:
        link = folder / name
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            _link(link, package.resolve())


def _link(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target)
    except FileExistsError:  # another worker of the same layers was faster
        return


def _packages(place: Path) -> list[Path]:
    found = [entry for entry in place.iterdir() if not entry.name.startswith(".")]
    scoped = [part for entry in found if entry.name.startswith("@") for part in entry.iterdir()]
    return [entry for entry in found if not entry.name.startswith("@")] + scoped


# -- custom runtimes, and the languages whose runtime clients may be on the machine


def _provided(laid: Laid) -> list[str]:
    candidates = [place / "bootstrap" for place in (laid.root, *reversed(laid.layers))]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        raise UnrunnableError("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")
    if not os.access(found, os.X_OK):
        raise UnrunnableError("fork/exec /var/task/bootstrap: permission denied")
    return [str(found)]


def _ruby(laid: Laid) -> list[str]:
    return [_found("ruby"), str(_BOOTSTRAP.with_suffix(".rb"))]


def _ruby_missing(code: bytes) -> str | None:
    return None if shutil.which("ruby") else "there is no 'ruby' on the server's PATH. Install Ruby."


def _ruby_environment(laid: Laid) -> dict[str, str]:
    """Where Lambda's Ruby finds gems and libraries: the function's bundle, and the layers."""
    bundles = [laid.root / "vendor" / "bundle" / "ruby", *(layer / "ruby" / "gems" for layer in laid.layers)]
    gems = [str(version) for place in bundles if place.is_dir() for version in place.iterdir()]
    libraries = [str(layer / "ruby" / "lib") for layer in laid.layers]
    return {"GEM_PATH": ":".join(gems), "RUBYLIB": ":".join(libraries)} if gems else {"RUBYLIB": ":".join(libraries)}


def _java(laid: Laid) -> list[str]:
    path = f"{laid.root}:{laid.root}/lib/*"
    return [_found("java"), "-cp", path, "com.amazonaws.services.lambda.runtime.api.client.AWSLambda", laid.handler]


def _java_missing(code: bytes) -> str | None:
    if not shutil.which("java"):
        return "there is no 'java' on the server's PATH. Install a JDK."
    if not code:  # the code is in S3; it is checked when it is run
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:  # Lambda's own message follows when it is run
        return None
    if any(name.startswith("lib/") and _JAVA_CLIENT in name for name in names):
        return None
    return f"the function does not bring Java's runtime client. Add {_JAVA_CLIENT} to its dependencies (lib/)."


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise UnrunnableError(f"There is no '{program}' on the server's PATH.")
    return path


def _nothing_missing(code: bytes) -> str | None:
    return None


FAMILIES: Final = (
    Family(re.compile(r"nodejs(\d+\.x)?"), _node, _node_missing, _node_environment),
    Family(re.compile(r"provided(\.al\d+)?"), _provided, _nothing_missing),
    Family(re.compile(r"ruby\d+\.\d+"), _ruby, _ruby_missing, _ruby_environment),
    Family(re.compile(r"java\d+(\.al2)?"), _java, _java_missing),
)
