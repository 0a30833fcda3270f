"""What all tests share."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Our own fixtures come through the package's entry point; from a checkout that is not installed, from here."""
    if not config.pluginmanager.has_plugin("sfn_emulator"):
        config.pluginmanager.import_plugin("sfn_emulator.pytest_plugin")
