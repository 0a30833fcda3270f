"""Only the page itself changes anything, it asks no other host, and data is shown as text."""

import json
import urllib.error
import urllib.request
from hashlib import sha256
from typing import Any

import pytest

from sfn_emulator.console.files import FOLDER
from tests.console.conftest import Saga
from tests.console.page import Page
from tests.console.test_actions import machine, started

MARKUP = '<img src=x onerror="document.title=1">'
DAGRE = "b0ddaf4af1417bec9bd89373a3a3987f081727d6cc6d95fc40dbf85a19bdf3b0"


def asked(saga: Saga, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(saga.server.url + path, body, named)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_a_state_and_an_input_of_markup_are_text(page: Page, saga: Saga) -> None:
    states = {MARKUP: {"Type": "Pass", "Comment": MARKUP, "Next": "Fail"}}
    states["Fail"] = {"Type": "Fail", "Error": MARKUP, "Cause": MARKUP}
    arn = started(
        saga, machine(saga, "markup", {"Comment": MARKUP, "StartAt": MARKUP, "States": states}), {MARKUP: MARKUP}
    )
    saga.finished(arn)
    page.open("execution", arn, visit=0)
    for tab in ("Definition", "Events", "Data"):
        page.click(tab, ".tabs.small")
        page.one('.tabs.small [aria-selected="true"]', tab)
        assert not page.all("main img, main script, main iframe")
    for view in ("Graph", "Timeline", "Table", "Events", "Tables"):
        page.click(view, ".tabs:not(.small)")
        page.one(f".stage.{view.lower()} *")
        page.says(MARKUP, ".side h2")
        assert not page.all("main img, main script, main iframe")
    page.open("machine", arn.replace(":execution:", ":stateMachine:").rpartition(":")[0])
    page.says("onerror", ".code")
    page.open("executions", q="onerror")
    page.says(MARKUP, ".list .error")
    assert not page.all("main img, main script")
    assert page.browser.title != "1"
    assert not page.complaints()


def test_nothing_is_asked_of_elsewhere_and_no_script_is_inline(page: Page, saga: Saga) -> None:
    page.open("execution", saga.arn("undone"), view="tables")
    page.one(".tables-body table")
    page.open("machine", saga.machine)
    page.one("svg .node")
    asked_for = [name for name in page.requests() if name.startswith("http")]
    assert asked_for
    assert all(name.startswith(saga.server.url) for name in asked_for)
    _, headers, body = asked(saga, "/_sfn/")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert b"<script>" not in body
    assert b"http" not in body.replace(b"http-equiv", b"")


def test_an_inline_script_would_not_run(page: Page, saga: Saga) -> None:
    page.open()
    script = "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s)"
    page.browser.execute_script(script)
    assert page.browser.execute_script("return window.ran") is None
    page.browser.get_log("browser")


def test_only_who_has_the_pages_token_can_change_anything(page: Page, saga: Saga) -> None:
    body = {"machine": saga.machine, "input": "{}"}
    page.open()
    page.one("h1")
    assert page.post("api/start", body, {}) == 403
    assert page.post("api/start", body, {"x-sfn-token": "guessed"}) == 403
    token = page.browser.execute_script("return document.querySelector('meta[name=token]').content")
    assert page.post("api/skip", {"arn": saga.arn("undone")}, {"x-sfn-token": token}) == 409
    before = len(saga.states.list_executions(stateMachineArn=saga.machine)["executions"])
    for origin in ("https://evil.example", "null"):
        told = json.dumps(body).encode()
        status, _, _ = asked(
            saga, "/_sfn/api/start", told, Origin=origin, x_sfn_token=token, Sec_Fetch_Site="cross-site"
        )
        assert status == 403
    assert len(saga.states.list_executions(stateMachineArn=saga.machine)["executions"]) == before


def test_no_other_page_may_read(saga: Saga) -> None:
    status, headers, _ = asked(saga, "/_sfn/api/executions", Origin="https://evil.example", Sec_Fetch_Site="cross-site")
    assert status == 403
    status, headers, _ = asked(saga, "/_sfn/api/executions")
    assert status == 200
    assert "access-control-allow-origin" not in headers
    assert headers["cross-origin-resource-policy"] == "same-origin"
    status, _, _ = asked(saga, "/_sfn/", Host="evil.example")
    assert status == 403


@pytest.mark.parametrize(
    "path",
    [
        "../console.py",
        "%2e%2e/console.py",
        "..%2f..%2fserver.py",
        "page/main.js",
        "graph/../../files.py",
        "graph",
        "/etc/passwd",
        "dagre.py",
        "%00",
    ],
)
def test_only_the_pages_own_files_are_served(saga: Saga, path: str) -> None:
    status, _, body = asked(saga, f"/_sfn/{path}")
    assert status == 404
    assert b"import" not in body


def test_a_browser_is_led_to_the_page_and_an_s3_client_is_not(page: Page, saga: Saga) -> None:
    page.browser.get(saga.server.url + "/")
    page.says("Executions", "h1")
    s3 = saga.server.client("s3")
    s3.create_bucket(Bucket="still-here")
    assert "still-here" in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    status, _, body = asked(saga, "/", Accept="*/*")
    assert b"ListAllMyBucketsResult" in body or status == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("execution", 400),
        ("execution?arn=nonsense", 400),
        ("execution?arn=arn:aws:states:us-east-1:123456789012:execution:none:none", 404),
        ("visit?arn={arn}&n=999", 404),
        ("visit?arn={arn}&n=-1", 400),
        ("executions?status=NONE", 400),
        ("executions?before=nonsense", 400),
        ("executions?limit=many", 400),
        ("executions?within=soon", 400),
        ("definition?machine=none", 404),
        ("execution?arn=file:none", 404),
        ("nothing", 404),
    ],
)
def test_the_page_tells_in_a_sentence_why_it_shows_nothing(saga: Saga, query: str, status: int) -> None:
    found, _, body = asked(saga, f"/_sfn/api/{query.format(arn=saga.arn('undone'))}")
    assert found == status, body
    assert json.loads(body)["message"]


def test_the_vendored_layout_is_the_published_one() -> None:
    """@dagrejs/dagre 3.1.3, dist/dagre.esm.js, with its licence beside it."""
    assert sha256((FOLDER / "graph" / "dagre.js").read_bytes()).hexdigest() == DAGRE
    assert "Permission is hereby granted" in (FOLDER / "graph" / "dagre.LICENSE.txt").read_text()


def test_the_page_is_small(saga: Saga) -> None:
    """What is shipped: all files of the page, the layout library with it."""
    sizes = {str(path): path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 200_000, sizes
