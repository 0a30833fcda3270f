"""Each target that cannot be reached, or refuses us, in one line that says how to mend it."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy import targets
from deploy.errors import DeployError

NOBODY = "http://127.0.0.1:9"
REFUSED = b"""<ErrorResponse><Error><Code>InvalidClientTokenId</Code>
<Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>"""


UNAVAILABLE = b"""<ErrorResponse><Error><Code>ServiceUnavailable</Code>
<Message>'/state/neighbours/journal-1' is damaged.</Message></Error></ErrorResponse>"""


@contextmanager
def refusing(answer=REFUSED):
    """A port that answers every request as STS answers wrong credentials, or as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(403)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def complaint(name, config, endpoint=None):
    with pytest.raises(DeployError) as caught:
        targets.connect(name, config, endpoint)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_embedded_server_that_does_not_run(full):
    text = complaint("embedded", full, NOBODY)
    assert text == f"embedded: nothing answers at {NOBODY} (EndpointConnectionError); start it with 'python cli.py up'"


def test_localstack_that_does_not_run(full, monkeypatch):
    monkeypatch.setenv("LOCALSTACK_HOST", "localhost:9")
    text = complaint("localstack", full)
    assert text.startswith("localstack: nothing answers at http://localhost:9")
    assert "docker compose up -d" in text


def test_aws_without_a_region_is_refused(full):
    assert "set AWS_DEFAULT_REGION" in complaint("aws", full)


def test_aws_without_credentials_is_refused(full):
    config = replace(full, targets={**full.targets, "aws": {"region": "us-east-1"}})
    assert complaint("aws", config) == "aws: no credentials found; run 'aws configure' or set AWS_PROFILE"


def test_aws_with_a_profile_that_does_not_exist(full, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "aws: The config profile (nobody) could not be found" in complaint("aws", full)


def test_aws_with_wrong_credentials_is_refused(full, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    config = replace(full, targets={**full.targets, "aws": {"region": "us-east-1"}})
    with refusing() as endpoint:
        text = complaint("aws", config, endpoint)
    assert text.startswith("aws: credentials refused (InvalidClientTokenId: The security token")


def test_a_server_without_its_neighbours_tells_what_they_lost(full):
    with refusing(UNAVAILABLE) as endpoint:
        text = complaint("embedded", full, endpoint)
    assert text == f"embedded: {endpoint} can't answer at present: '/state/neighbours/journal-1' is damaged."


def test_the_embedded_target_never_uses_the_users_own_credentials(full, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    make, _, _ = targets._embedded(full.targets["embedded"], NOBODY)
    assert make("sts")._get_credentials().access_key == "test"


def test_the_rest_api_answers_elsewhere_on_aws():
    aws = targets.Target("aws", "1", "eu-west-1", "aws", None, lambda service: None)
    assert aws.stage_url("abc", "prod") == "https://abc.execute-api.eu-west-1.amazonaws.com/prod/"
