"""Pages of other sites, in a real browser: whatever they try, they change nothing here and read nothing."""

import base64
import contextlib
import http.server
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from sfn_emulator.serving.settings import as_origin
from tests.cloud.functions import ROLE, bundle, deploy, make_role
from tests.processes import Process, free_port, running
from tests.waiting import until

PAGE = b"<!doctype html><title>a page</title><body></body>"


@contextlib.contextmanager
def site(port: int = 0) -> Iterator[http.server.ThreadingHTTPServer]:
    """Somebody else's web server: every page is the same empty one."""

    opened: list[socket.socket] = []

    class Pages(http.server.BaseHTTPRequestHandler):
        def setup(self) -> None:
            super().setup()
            opened.append(self.connection)

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *arguments: Any) -> None:
            pass

    http.server.ThreadingHTTPServer.allow_reuse_address = True
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Pages) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()
        for connection in opened:  # a browser connects ahead: what it asks later must not reach this site's ghost
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory", "--allow-origin", "http://friend.test:3000") as process:
        make_role(process)
        yield process


@pytest.fixture(scope="module")
def stranger() -> Iterator[int]:
    with site() as serving:
        yield serving.server_port


ATTACK = """
const [there, name, done] = arguments;
const write = (how) => `Action=CreateQueue&Version=2012-11-05&QueueName=${name}-${how}`;
const form = {'content-type': 'application/x-www-form-urlencoded'}, plain = {'content-type': 'text/plain'};
const frame = (attributes, html) => { const f = document.createElement('iframe');
  for (const [k, v] of Object.entries(attributes)) f.setAttribute(k, v); if (html) f.srcdoc = html;
  document.body.append(f); };
const element = (tag, attributes) => { const e = document.createElement(tag); Object.assign(e, attributes);
  document.head.append(e); };
const submit = (method, enctype) => { frame({name: method + enctype}); const f = document.createElement('form');
  f.action = there + '/'; f.method = method; f.enctype = enctype; f.target = method + enctype;
  for (const [k, v] of new URLSearchParams(write(method))) { const i = document.createElement('input');
    i.name = k; i.value = v; f.append(i); } document.body.append(f); f.submit(); };
const read = [];
const fetching = (path, options) => fetch(there + path, options).then(
  async (r) => { if (r.type !== 'opaque') read.push(path + ' ' + r.status + ' ' + await r.text()); }, () => 0);
const all = [
  fetching('/', {method: 'POST', mode: 'no-cors', headers: form, body: write('fetch')}),
  fetching('/', {method: 'POST', mode: 'cors', headers: form, body: write('cors')}),
  fetching('/?' + write('get'), {mode: 'no-cors'}),
  fetching('/?' + write('secret'), {mode: 'no-cors', referrerPolicy: 'no-referrer'}),
  fetching('/2015-03-31/functions', {method: 'POST', mode: 'no-cors', headers: plain, body: JSON.stringify({
    FunctionName: name, Runtime: 'python3.11', Role: '%r', Handler: 'm.h',
    Code: {ZipFile: '%s'}})}),
  fetching('/', {method: 'POST', headers: {'x-amz-target': 'AWSStepFunctions.ListStateMachines'}, body: '{}'}),
  fetching('/restapis/a/b/_user_request_/', {method: 'POST', body: '{"name": "' + name + '"}',
    headers: {'x-amz-target': 'AWSStepFunctions.CreateActivity'}}),
  fetching('/bucket-' + name.toLowerCase(), {method: 'PUT'}),
  fetching('/health', {}),
  fetching('/pace', {method: 'POST', headers: plain, body: '{"execution": "x", "time": "skip"}'}),
];
navigator.sendBeacon(there + '/', new URLSearchParams(write('beacon')));
element('img', {src: there + '/?' + write('image')});
element('img', {src: there + '/?' + write('unreferred'), referrerPolicy: 'no-referrer'});
element('script', {src: there + '/?' + write('script')});
element('link', {rel: 'stylesheet', href: there + '/?' + write('style')});
element('link', {rel: 'prefetch', href: there + '/?' + write('prefetch')});
submit('post', 'application/x-www-form-urlencoded'); submit('post', 'text/plain'); submit('get', '');
frame({src: there + '/?' + write('frame')});
frame({sandbox: 'allow-scripts allow-forms'}, `<script>fetch('${there}/', {method: 'POST', mode: 'no-cors',
  headers: {'content-type': 'application/x-www-form-urlencoded'}, body: '${write('sandbox')}'})</script>`);
const socket = new WebSocket(there.replace('http', 'ws') + '/?' + write('socket'));
all.push(new Promise((r) => { socket.onerror = socket.onclose = r; }));
Promise.all(all).then(() => setTimeout(() => done(read), 700));
""".replace("%r", ROLE).replace("%s", base64.b64encode(bundle(m="def h(e, c): return 1")).decode())


def attacked(browser: Chrome, page: str, there: str, name: str) -> list[str]:
    """What a page could read of the answers, after it tried everything."""
    browser.get(page)
    assert browser.title == "a page"
    read: list[str] = browser.execute_async_script(ATTACK, there, name)
    return read


def done_here(server: Process) -> list[str]:
    """All that somebody made."""
    made = server.client("sqs").list_queues().get("QueueUrls", [])
    made += [function["FunctionName"] for function in server.client("lambda").list_functions()["Functions"]]
    made += [bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]]
    return made + [one["name"] for one in server.client("stepfunctions").list_activities()["activities"]]


@pytest.mark.parametrize(
    ("page", "there"),
    [
        ("http://evil.test:{site}", "http://127.0.0.1:{port}"),
        ("http://evil.test:{site}", "http://localhost:{port}"),
        ("http://localhost:{site}", "http://localhost:{port}"),
        ("http://evil.localhost:{site}", "http://x.localhost:{port}"),
        ("http://evil.test:{site}", "http://rebound.test:{port}"),
    ],
)
def test_a_page_of_another_origin_does_and_reads_nothing(
    browser: Chrome, server: Process, stranger: int, page: str, there: str
) -> None:
    port = server.url.rpartition(":")[2]
    read = attacked(browser, page.format(site=stranger), there.format(port=port), "Evil")
    assert done_here(server) == []
    assert read == []


def test_a_name_that_is_made_to_lead_here_does_not_get_in(browser: Chrome, tmp_path: Path) -> None:
    """DNS rebinding: the page's own origin becomes this server's address."""
    port = free_port()
    with site(port):
        browser.get(f"http://rebound.test:{port}/")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running("--in-memory", "--port", str(port)))
        ask = "fetch('/health').then(async r => arguments[0]([r.status, await r.text()]), arguments[0])"
        status, text = browser.execute_async_script(ask)
        assert (status, json.loads(text)["__type"]) == (403, "HostNotAllowed")
        assert done_here(server) == []


def test_a_link_leads_to_the_page_and_to_nothing_else(browser: Chrome, server: Process, stranger: int) -> None:
    for path, opens in (("/", True), ("/_sfn/", True), ("/health", False), ("/?Action=ListQueues", False)):
        browser.get(f"http://evil.test:{stranger}/")
        browser.execute_script(
            "const a = document.createElement('a'); a.href = arguments[0]; a.textContent = 'go';"
            "document.body.append(a)",
            server.url + path,
        )
        browser.find_element(By.LINK_TEXT, "go").click()
        until(lambda: "evil" not in browser.current_url)
        wanted = "<title>" if opens else "OriginNotAllowed"
        until(lambda wanted=wanted: wanted in browser.page_source)
        assert ("OriginNotAllowed" not in browser.page_source) == opens, path


def test_an_address_that_a_person_typed_shows_and_changes_nothing(browser: Chrome, server: Process) -> None:
    browser.get(server.url + "/health")
    assert '"status":"ok"' in browser.page_source
    browser.get(server.url + "/?Action=CreateQueue&Version=2012-11-05&QueueName=mailed")
    assert "OriginNotAllowed" in browser.page_source
    assert done_here(server) == []


def test_a_page_of_this_server_may_do_what_it_likes(browser: Chrome, server: Process) -> None:
    browser.get(server.url + "/_sfn/")
    ask = (
        "const [target, body, done] = arguments; fetch('/', {method: 'POST', body, headers: {'x-amz-target': target}})"
        ".then(async r => done([r.status, await r.json()]), e => done(String(e)))"
    )
    made = browser.execute_async_script(ask, "AWSStepFunctions.CreateActivity", '{"name": "own"}')
    assert made[0] == 200
    assert done_here(server) == ["own"]
    gone = json.dumps({"activityArn": made[1]["activityArn"]})
    assert browser.execute_async_script(ask, "AWSStepFunctions.DeleteActivity", gone)[0] == 200


DOCUMENT = '''
PAGE = """<!doctype html><title>waits</title><script>
fetch('/_sfn/').then(() => { document.title = 'read it'; }, () => { document.title = 'was refused'; });
</script>"""
def handler(event, context):
    headers = {"content-type": "text/html", "content-security-policy": "default-src 'self' 'unsafe-inline'"}
    return {"statusCode": 200, "headers": headers, "body": PAGE}
'''


def test_a_document_of_a_function_is_no_page_of_this_server_whatever_policy_it_brings(
    browser: Chrome, server: Process
) -> None:
    deploy(server, "document", DOCUMENT)
    made = server.client("lambda").create_function_url_config(FunctionName="document", AuthType="NONE")
    assert made["FunctionUrl"].startswith(server.url)
    try:
        browser.get(made["FunctionUrl"])
        until(lambda: browser.title != "waits")
        assert browser.title == "was refused"
    finally:
        server.client("lambda").delete_function(FunctionName="document")


# -- what can be said without a browser


def asked(
    server: Process, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, Any, str]:
    """Status, headers and text of an answer; underscores in the names of headers stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + path, body, named, method=method)) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_the_refusal_says_what_would_allow_it(server: Process) -> None:
    status, headers, text = asked(server, "/health", Origin="https://evil.example")
    assert status == 403
    assert "access-control-allow-origin" not in headers
    assert json.loads(text) == {
        "__type": "OriginNotAllowed",
        "message": "Pages of 'https://evil.example' may not call this server. "
        "Allow them: --allow-origin https://evil.example",
    }


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {"Sec_Fetch_Site": "cross-site"}), ("POST", {"Sec_Fetch_Site": "none"})]
)
def test_a_page_without_a_name_is_told_a_way_that_can_be_followed(
    server: Process, method: str, headers: dict[str, str]
) -> None:
    status, _, text = asked(server, "/pace", method, **headers)
    assert status == 403
    assert "Allow the page's origin with --allow-origin ORIGIN" in json.loads(text)["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "whatever"},
        {"Referer": "https://evil.example/page"},
        {"Host": "states.us-east-1.amazonaws.com", "Origin": "http://states.us-east-1.amazonaws.com"},
        {"Origin": "https://evil.example", "X_Amz_Target": "AWSStepFunctions.ListStateMachines"},
        {"Origin": "https://evil.example", "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/x"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_every_route_refuses_a_foreign_page(server: Process, headers: dict[str, str], method: str) -> None:
    for path in ("/", "/health", "/pace", "/2015-03-31/functions", "/bucket/key", "/_sfn/x", "/restapis"):
        if path == "/" and method in ("GET", "HEAD") and "Origin" not in headers:
            continue  # the page itself
        assert asked(server, path, method, **headers)[0] == 403, path


def test_a_write_by_get_is_refused_to_a_browser_that_does_not_say_whose_page_it_shows(server: Process) -> None:
    write = "/?Action=CreateQueue&Version=2012-11-05&QueueName=quiet"
    assert asked(server, write, User_Agent="Mozilla/5.0 Safari")[0] == 403
    assert done_here(server) == []


def test_an_allowed_page_may_call_and_read_the_servers_own_routes(server: Process) -> None:
    friend = {"Origin": "http://friend.test:3000", "Sec_Fetch_Site": "cross-site"}
    asks = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type"}
    for path in ("/health", "/_sfn/clock", "/_sfn/reset", "/pace"):
        status, headers, _ = asked(server, path, "OPTIONS", **friend, **asks)
        assert (status, headers["access-control-allow-origin"]) == (204, friend["Origin"]), path
    for path in ("/health", "/_sfn/clock"):
        status, headers, text = asked(server, path, **friend)
        assert (status, headers["access-control-allow-origin"]) == (200, friend["Origin"]), path
        assert json.loads(text)
    assert "access-control-allow-origin" not in asked(server, "/_sfn/", **friend)[1]


def test_an_allowed_page_may_call_and_read(server: Process) -> None:
    friend = {"Origin": "http://friend.test:3000", "Sec_Fetch_Site": "cross-site"}
    wanted = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "x-amz-target"}
    status, headers, _ = asked(server, "/", "OPTIONS", **friend, **wanted)
    assert (status, headers["access-control-allow-origin"]) == (204, "http://friend.test:3000")
    assert headers["access-control-allow-headers"] == "x-amz-target"
    status, headers, _ = asked(server, "/", "POST", b"{}", X_Amz_Target="AWSStepFunctions.ListActivities", **friend)
    assert (status, headers["access-control-allow-origin"]) == (200, "http://friend.test:3000")
    assert asked(server, "/health", Referer="http://friend.test:3000/page", Sec_Fetch_Site="cross-site")[0] == 200


def test_a_deployed_api_answers_any_page_and_is_nothing_else(server: Process) -> None:
    evil = {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}
    wanted = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "x-amz-target"}
    path = "/restapis/nothere/v1/_user_request_/"
    status, headers, text = asked(server, path, "OPTIONS", **evil, **wanted)
    assert (status, json.loads(text)) == (403, {"message": "Forbidden"})
    assert "access-control-allow-origin" not in headers
    target = {"X_Amz_Target": "AWSStepFunctions.CreateActivity"}
    text = asked(server, path, "POST", b'{"name": "hidden"}', **target, **evil)[2]
    assert json.loads(text) == {"message": "Forbidden"}
    assert done_here(server) == []


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://a.test:3000", "http://a.test:3000"),
        ("HTTP://A.Test/", "http://a.test"),
        ("http://a.test:80", "http://a.test"),
        ("https://a.test:443", "https://a.test"),
        ("http://a.test:443", "http://a.test:443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
def test_an_origin_is_understood_as_browsers_write_it(text: str, origin: str) -> None:
    assert as_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "*",
        "",
        "a.test",
        "file://",
        "http://*.test",
        "http://u@a.test",
        "http://a.test:99999",
        "http://a.test/x",
    ],
)
def test_a_text_that_is_no_origin_or_everybodys_is_not_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an origin|whoever made it"):
        as_origin(text)
