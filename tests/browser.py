"""A real browser for tests: Debian's Chromium, headless, driven over WebDriver by selenium.

Browser and driver are Debian's, so their versions fit each other and nothing is downloaded. Each browser has a user
directory of its own, and talks to nobody but the pages it is sent to.

    def test_page_shows_the_graph(browser, server):
        browser.get(server.url + "/_sfn/")
        assert browser.find_element("css selector", "svg")
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from tests.waiting import PATIENCE

CHROMIUM = shutil.which("chromium") or ""
DRIVER = shutil.which("chromedriver") or ""
MISSING = "no Chromium with its chromedriver on this machine (Debian: apt-get install chromium chromium-driver)"

_NAMES = "MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"
"""Names that end in ``.test`` are this machine, as sites of somebody else's; no other name is found."""

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
    f"--host-resolver-rules={_NAMES}",
)


@contextmanager
def chromium(directory: Path, *flags: str) -> Iterator[Chrome]:
    """A browser whose user directory is ``directory``; further ``flags`` as Chromium's command line has them.

    What pages log is in ``get_log("browser")``.
    """
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*_FLAGS, f"--user-data-dir={directory}", *flags):
        options.add_argument(flag)
    driver = Chrome(options=options, service=ChromeService(executable_path=DRIVER))
    try:
        driver.set_page_load_timeout(PATIENCE)
        driver.set_script_timeout(PATIENCE)
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests of a process; a test that finds none is skipped, and says so."""
    if not (CHROMIUM and DRIVER):
        pytest.skip(MISSING)
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver
