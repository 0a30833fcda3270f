"""Fixtures of all tests, and the target of the saga's: ``pytest --target embedded`` (or localstack, or aws).

On the localstack target they also run, option or not, against a MiniStack of their own: a LocalStack-compatible server
no one here wrote.

Generated examples are few and the same in every run; ``pytest --hypothesis-profile=thorough`` draws twenty times as
many, other ones each time.
"""

import os
import signal
import tempfile

import botocore  # noqa: F401 - before the AWS CLI, which puts a copy of its own in the place of one not yet imported
import pytest
from hypothesis import settings

from tests.browser import browser
from tests.models import read_once

__all__ = ["browser"]  # a fixture for every test

TARGETS = ("embedded", "localstack", "aws")


HEAVY = (
    "test_saga.py",
    "test_commands.py",
    "test_orders.py",
    "test_access.py",
    "test_keeping.py",
    "test_interruption.py",
    "test_crash.py",
    "test_actions.py",
    "test_readme.py",
    "test_saga_on_ministack.py",
    "test_proof.py",
    "test_new_step.py",
    "test_plan.py",
    "test_dev.py",
    "test_executed.py",
    "test_trials.py",
    "test_custom.py",
    "test_map_runs_killed.py",
    "test_large.py",
    "test_server.py",
    "test_hostile.py",
    "test_drive_by.py",
    "test_mappings.py",
    "test_damage.py",
    "test_definitions.py",
    "test_tutorial.py",
    "test_lambda.py",
    "test_jsonata.py",
)
"""The files that take longest come first: workers that take a file at a time then end together. Those that mostly wait,
for functions that sleep beyond their time-out, are apart from each other."""

settings.register_profile("suite", max_examples=50, deadline=None, derandomize=True, database=None)
settings.register_profile("thorough", max_examples=1_000, deadline=None)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--target", action="append", choices=TARGETS, help="default: embedded; may be repeated")


def pytest_configure(config: pytest.Config) -> None:
    """Our own fixtures come through the package's entry point; from a checkout that is not installed, from here."""
    read_once()
    config.pluginmanager.import_plugin("sfn_emulator.pytest_plugin")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores Ctrl-C
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of servers start, each would compile all it imports anew
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="sfn-emulator-tests-")  # markers of state directories
    if "aws" not in (config.getoption("--target") or ()):
        _forget_the_developers_aws()


def _forget_the_developers_aws() -> None:
    """Profiles, regions and endpoints of who runs the tests change nothing; nor could a mistake reach an account."""
    kept = "AWS_DATA_PATH"  # where the AWS CLI has its own data; it sets that when it is imported
    for name in [name for name in os.environ if name.startswith("AWS_") and name != kept]:
        del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: HEAVY.index(item.path.name) if item.path.name in HEAVY else len(HEAVY))
