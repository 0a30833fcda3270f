"""The page, as a person uses it: by what is written on it, by names and roles."""

import itertools
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.waiting import until

T = TypeVar("T")


_OPENED = itertools.count()

_NOT_YET = (StaleElementReferenceException, ElementClickInterceptedException, ElementNotInteractableException)
"""A page that is drawn anew as it is looked at, or has something else on top for a moment."""


def wait_for(told: Callable[[], T]) -> T:
    """What ``told`` says as soon as that is true."""

    def found() -> T | None:
        try:
            return told()
        except _NOT_YET:
            return None

    return until(found)  # type: ignore[return-value]


_FINDING = """
    const [selector, text] = arguments;
    const seen = e => e.checkVisibility() ? (e.innerText ?? e.textContent).trim() : "";
    const named = e => e.getAttribute("aria-label") ?? "";
    const find = fits => [...document.querySelectorAll(selector)].find(fits);
"""


class Page:
    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser, self.url = browser, url
        browser.set_window_size(1400, 900)
        browser.get_log("browser")  # what was complained of before is nobody's here

    def open(self, place: str = "", arn: str = "", **parameters: Any) -> "Page":
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items())
        name = f"/{quote(arn, safe='')}" if arn else ""
        self.load(f"{self.url}/_sfn/#/{place}{name}?{query}")
        return self

    def load(self, address: str) -> None:
        """Opens it as a page of its own, though only what follows the # may be another: the server is asked anew."""
        path, _, place = address.partition("#")
        self.browser.get(f"{path.partition('?')[0]}?{next(_OPENED)}#{place}")

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str, text: str = "") -> WebElement:
        """The first whose text as it is seen, or whose name, has the text; waits for it."""
        return wait_for(lambda: self._run("return find(e => (seen(e) || named(e)).includes(text))", selector, text))  # type: ignore[no-any-return]

    def text(self, selector: str, text: str = "") -> str:
        """What the first says, in one go with finding it: a page that is drawn anew can't come between."""
        script = "const found = find(e => (seen(e) || named(e)).includes(text)); return found && [seen(found)]"
        return str(wait_for(lambda: self._run(script, selector, text))[0])

    def texts(self, selector: str) -> list[str]:
        """What each says, as they are at this moment."""
        return list(self._run("return [...document.querySelectorAll(selector)].map(seen)", selector, ""))

    def press_on(self, selector: str, text: str = "") -> None:
        """Clicks what ``one`` finds; once more if the page drew it anew between the look and the click."""

        def pressed() -> bool:
            self.one(selector, text).click()
            return True

        wait_for(pressed)

    def click(self, text: str, within: str = "") -> None:
        wait_for(lambda: self._clicked(text, within))

    def _clicked(self, text: str, within: str) -> bool:
        script = "return find(e => e.checkVisibility() && [seen(e), named(e)].includes(text))"
        found = self._run(script, f"{within} :is(button, a, summary)", text)
        if found is not None:
            found.click()
        return found is not None

    def says(self, text: str, selector: str = "body") -> None:
        wait_for(lambda: self._run("return find(e => seen(e).includes(text)) !== undefined", selector, text))

    def _run(self, script: str, selector: str, text: str) -> Any:
        """In the browser, in one go: a call for each element takes a second, and finds some that are gone by then."""
        return self.browser.execute_script(_FINDING + script, selector, text)

    def outcomes(self) -> dict[str, str]:
        """Each state of the graph and how it is coloured."""
        script = "return [...document.querySelectorAll('svg .node')].map(n => [n.dataset.state, n.dataset.outcome])"
        return dict(self.browser.execute_script(script))

    def colour(self, state: str) -> str:
        script = (
            "return getComputedStyle([...document.querySelectorAll('svg .node')]"
            ".find(n => n.dataset.state === arguments[0])).color"
        )
        return str(self.browser.execute_script(script, state))

    def press(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def json(self, selector: str = ".panel-body .json") -> Any:
        """The shown JSON, which Copy would copy; read from the text of the tree."""
        return wait_for(lambda: self.one(selector).text)

    @property
    def address(self) -> str:
        return str(self.browser.current_url).partition("#")[2]

    @property
    def arn(self) -> str:
        """The ARN of the execution whose page this is."""
        return unquote(self.address.partition("?")[0].removeprefix("/execution/"))

    def requests(self) -> list[str]:
        """All that this page has loaded or asked for."""
        return list(self.browser.execute_script("return performance.getEntries().map(e => e.name)"))

    def complaints(self) -> list[str]:
        """What the browser logged as errors, a server that was killed on purpose aside."""
        told = [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]
        return [line for line in told if "net::ERR_CONNECTION" not in line]

    def post(self, path: str, body: Any, headers: dict[str, str]) -> int:
        script = (
            "const done = arguments[3];"
            "fetch(arguments[0], {method: 'POST', body: arguments[1], headers: arguments[2]})"
            ".then(r => done(r.status), () => done(0))"
        )
        return int(self.browser.execute_async_script(script, path, json.dumps(body), headers))


TAB, ENTER, ESCAPE = Keys.TAB, Keys.ENTER, Keys.ESCAPE
DOWN, UP, RIGHT, END = Keys.ARROW_DOWN, Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.END
