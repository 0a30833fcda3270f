"""The functions' code, zipped."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from deploy.wanted import bundle

ROOT = Path(__file__).parents[2]


def test_the_same_sources_are_the_same_bytes_wherever_and_whenever_they_lie(tmp_path):
    for name, when in (("here", 1_000_000_000), ("there", 1_700_000_000)):
        shutil.copytree(ROOT / "handlers", tmp_path / name / "handlers")
        (tmp_path / name / "statemachine").mkdir()
        shutil.copy(ROOT / bundle.SCHEMA, tmp_path / name / bundle.SCHEMA)
        for path in (tmp_path / name).rglob("*"):
            os.utime(path, (when, when))
            path.chmod(0o755 if name == "here" else 0o700)
    assert bundle.build(tmp_path / "here") == bundle.build(tmp_path / "there")


def test_another_source_is_another_digest(tmp_path):
    shutil.copytree(ROOT / "handlers", tmp_path / "handlers")
    (tmp_path / "statemachine").mkdir()
    shutil.copy(ROOT / bundle.SCHEMA, tmp_path / bundle.SCHEMA)
    before = bundle.build(tmp_path).sha256
    (tmp_path / "handlers" / "orders.py").write_text("changed = True\n")
    assert bundle.build(tmp_path).sha256 != before


def test_the_unpacked_zip_has_every_handler_of_the_configuration_and_the_schema(tmp_path, full):
    zipfile.ZipFile(io.BytesIO(bundle.build().content)).extractall(tmp_path)
    handlers = [told["handler"].rpartition(".") for told in full.functions.values()]
    lines = [f"assert callable(importlib.import_module({module!r}).{name})" for module, _, name in handlers]
    lines.append("assert importlib.import_module('handlers.orchestrator').schema()['title'] == 'Order'")
    environment = {**os.environ, "STAGES": "None,PlaceOrder"}  # as deploy gives it to the functions
    command = [sys.executable, "-c", "import importlib\n" + "\n".join(lines)]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
