"""A deployment over moto in this process: fresh for every test, with clients that are made once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from deploy import config, saga, targets
from deploy.apply import apply
from deploy.config import Config
from deploy.saga import Saga


@pytest.fixture(scope="session")
def aws_target(full: Config) -> targets.Target:
    """Clients of real AWS, to be used inside ``mock_aws()`` only, each of which starts from nothing."""
    with mock_aws():
        return targets.connect("aws", replace(full, targets={**full.targets, "aws": {"region": "us-east-1"}}))


@pytest.fixture
def target(aws_target: targets.Target) -> Iterator[targets.Target]:
    with mock_aws():
        yield aws_target


@pytest.fixture(scope="session")
def full() -> Config:
    return config.load()


@pytest.fixture(scope="session")
def small(full: Config) -> Config:
    """Two functions and two tables: every kind of call, few of each."""
    functions = {name: dict(full.functions[name]) for name in ("PlaceOrderLambda", "InvokeOrchestratorLambda")}
    tables = {name: full.tables[name] for name in ("Inventory", "Repairs")}
    tables["Inventory"] = {**tables["Inventory"], "seed": tables["Inventory"]["seed"][:1]}
    return replace(full, functions=functions, tables=tables)


@pytest.fixture
def deployed(target: targets.Target, full: Config) -> Saga:
    made = saga.on(target, full)
    apply(made.plan(), target)
    return made
