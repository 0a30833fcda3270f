from pathlib import Path
from threading import Barrier, Event

import pytest

from sfn_emulator.tasks.clients import Clients, Destinations, operation_model, service_model
from sfn_emulator.tasks.workers import Workers
from tests.tasks.conftest import REGION, Host
from tests.waiting import PATIENCE


def test_single_services_are_found_elsewhere() -> None:
    clients = Clients(Destinations("http://here:1", {"sqs": "http://there:2"}))
    assert clients.client("s3", REGION).meta.endpoint_url == "http://here:1"
    assert clients.client("sqs", REGION).meta.endpoint_url == "http://there:2"


def test_real_aws_is_reached_with_the_users_own_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = mine\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    clients = Clients(Destinations("http://here:1", {"s3": "aws"}))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    real = clients.client("s3", REGION)

    assert real.meta.endpoint_url == "https://s3.amazonaws.com"
    assert real._request_signer._credentials.access_key == "mine"


def test_only_our_own_services_are_connected_in_process() -> None:
    connected: list[str] = []
    destinations = Destinations(
        "http://here:1",
        {"sqs": "http://there:2"},
        connect=lambda client: connected.append(client.meta.service_model.service_name),
    )
    clients = Clients(destinations)
    for service in ("sqs", "sns", "sns"):
        clients.client(service, REGION)
    assert connected == ["sns"]


def test_models_of_what_is_not_there() -> None:
    with pytest.raises(LookupError):
        service_model("no-such-service")
    with pytest.raises(LookupError):
        operation_model("s3", "noSuchOperation")


# -- workers


def test_work_is_done_side_by_side_up_to_the_bound(host: Host) -> None:
    together = Barrier(4)
    done: list[int] = []
    for number in range(8):
        host.workers.run(lambda number=number: (together.wait(timeout=PATIENCE), number)[1], done.append)  # type: ignore[misc]
    while len(done) < 8:
        host.thunks.get(timeout=PATIENCE)()
    assert sorted(done) == list(range(8))


def test_much_more_work_than_threads_is_all_done(host: Host) -> None:
    done: list[object] = []
    for number in range(500):
        host.workers.run(lambda number=number: number, done.append)  # type: ignore[misc]
    while len(done) < 500:
        host.thunks.get(timeout=PATIENCE)()
    assert sorted(done) == list(range(500))  # type: ignore[type-var]


def test_queued_work_that_is_cancelled_is_never_begun() -> None:
    told: list[object] = []
    workers = Workers(lambda thunk: thunk(), threads=1)
    begin, begun = Event(), []
    workers.run(lambda: begin.wait(PATIENCE), told.append)
    workers.run(lambda: begun.append(1), told.append).cancel()
    finished = Event()
    workers.run(finished.set, told.append)
    begin.set()
    assert finished.wait(PATIENCE)
    assert begun == []


def test_an_exception_is_an_outcome(host: Host) -> None:
    done: list[object] = []
    host.workers.run(lambda: 1 // 0, done.append)
    host.thunks.get(timeout=PATIENCE)()
    assert isinstance(done[0], ZeroDivisionError)


def test_a_host_that_is_gone_is_told_nothing() -> None:
    def closed(_: object) -> None:
        raise RuntimeError("Event loop is closed")

    workers = Workers(closed, threads=1)
    workers.run(lambda: None, lambda _: None)
    finished = Event()
    workers.run(finished.set, lambda _: None)
    assert finished.wait(PATIENCE)


@pytest.mark.parametrize("named", ["bedrock", "bedrock-runtime"])
def test_a_familys_name_is_an_endpoint_for_all_its_services(named: str) -> None:
    destinations = Destinations(endpoint="http://ours", services={named: "http://theirs"})
    assert destinations.url("bedrock-runtime") == "http://theirs"
    assert not destinations.is_ours("bedrock-runtime")
    assert destinations.is_ours("dynamodb")
