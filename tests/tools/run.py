"""The tools people deploy with, run as they run them: against a server of ours, with nothing but an endpoint URL."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import Process

TOOLS = Path(os.environ.get("SFN_TOOLS", os.devnull))
"""Where `make tools` has them; it alone says so, since they take longer than all other tests."""

MODULES = TOOLS / "node_modules"


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skips where a program was not installed by ``make tools``."""
    missing = [name for name in programs if found(name) is None]
    reason = f"{', '.join(missing)} not looked for: `make tools` installs and runs them, where their registries are"
    return pytest.mark.skipif(bool(missing), reason=reason)


def found(program: str) -> str | None:
    return shutil.which(program, path=f"{TOOLS / 'bin'}:{MODULES / '.bin'}")


def run(server: Process, *command: str, cwd: Path, check: bool = True, **environment: str) -> str:
    """What a tool wrote. Its own settings, telemetry and the developer's AWS are left out of it."""
    done = subprocess.run(
        [found(command[0]) or command[0], *command[1:]],
        cwd=cwd,
        env={
            "PATH": f"{TOOLS / 'bin'}:{MODULES / '.bin'}:{os.environ['PATH']}",
            "HOME": str(cwd),
            "NODE_PATH": str(MODULES),
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CI": "1",
            **environment,
        },
        input="y\n" * 9,  # some ask whether they may
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert not check or done.returncode == 0, done.stdout[-6_000:]
    return done.stdout
