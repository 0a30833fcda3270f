"""What all tests share, and where the saga's run: ``pytest --target embedded`` (or localstack, or aws).

On the localstack target they also run, option or not, against a MiniStack of their own: a LocalStack-compatible server
no one here wrote.
"""

import pytest

TARGETS = ("embedded", "localstack", "aws")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--target", action="append", choices=TARGETS, help="default: embedded; may be repeated")


def pytest_configure(config: pytest.Config) -> None:
    """Our own fixtures come through the package's entry point; from a checkout that is not installed, from here."""
    if not config.pluginmanager.has_plugin("sfn_emulator"):
        config.pluginmanager.import_plugin("sfn_emulator.pytest_plugin")
