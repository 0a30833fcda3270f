"""Ids that are drawn by the page are as good as ids drawn one by one."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

from sfn_emulator.cloud.keeping.chance import new_id


def test_ids_are_random_uuids_and_none_comes_twice_whatever_thread_asks() -> None:
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda _: new_id(), range(5_000)))
    assert len(set(drawn)) == len(drawn)
    assert {uuid.UUID(text).version for text in drawn} == {4}
    assert {uuid.UUID(text).variant for text in drawn} == {uuid.RFC_4122}


def test_a_forked_process_draws_ids_of_its_own() -> None:
    new_id()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, " ".join(new_id() for _ in range(50)).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        theirs = set(told.read().split())
    assert len(theirs) == 50
    assert not theirs & {new_id() for _ in range(300)}
