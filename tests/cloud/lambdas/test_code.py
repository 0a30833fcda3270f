"""Where the code of functions comes from: versions, aliases, archives in S3, layers."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import LONG, ROLE, archive, bundle, deploy, invoke, make_role
from tests.processes import Process, running


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        yield process


def test_a_version_and_an_alias_run_the_code_they_were_published_with(server: Process) -> None:
    functions = server.client("lambda")
    deploy(server, "published", "def handler(event, context):\n    return context.function_version")
    version = functions.publish_version(FunctionName="published")["Version"]
    functions.create_alias(FunctionName="published", Name="live", FunctionVersion=version)
    told = functions.invoke(FunctionName="published", Qualifier="live")
    assert (told["ExecutedVersion"], json.loads(told["Payload"].read())) == (version, version)
    assert invoke(server, "published:live")[0] == version
    assert invoke(server, "published")[0] == "$LATEST"


def test_an_alias_shares_its_calls_out_by_weight(server: Process) -> None:
    functions = server.client("lambda")
    deploy(server, "shared", "def handler(event, context):\n    return context.function_version")
    functions.publish_version(FunctionName="shared")
    functions.update_function_configuration(FunctionName="shared", Description="second")
    functions.publish_version(FunctionName="shared")
    functions.create_alias(
        FunctionName="shared",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    told = Counter(invoke(server, "shared:live")[0] for _ in range(60))
    assert set(told) == {"1", "2"} and min(told.values()) > 10  # fails once in three million
    functions.update_alias(FunctionName="shared", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {invoke(server, "shared:live")[0] for _ in range(10)} == {"1"}


def test_an_alias_of_two_versions_needs_two_published_ones(server: Process) -> None:
    deploy(server, "unpublished", "def handler(event, context):\n    return 1")
    with pytest.raises(ClientError, match="LATEST is not supported for an alias pointing to more than 1 version"):
        server.client("lambda").create_alias(
            FunctionName="unpublished",
            Name="live",
            FunctionVersion="$LATEST",
            RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}},
        )


def test_code_may_lie_in_s3(server: Process) -> None:
    server.client("s3").create_bucket(Bucket="code")
    server.client("s3").put_object(
        Bucket="code", Key="f.zip", Body=bundle(app="def handler(event, context):\n    return 's3'")
    )
    server.client("lambda").create_function(
        FunctionName="stored",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Timeout=LONG,
        Code={"S3Bucket": "code", "S3Key": "f.zip"},
    )
    assert invoke(server, "stored") == ("s3", None)


def test_a_layers_modules_can_be_imported(server: Process) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("python/layered.py", "WORD = 'below'")
    layer = server.client("lambda").publish_layer_version(LayerName="l", Content={"ZipFile": content.getvalue()})
    source = "import layered\ndef handler(event, context):\n    return layered.WORD"
    deploy(server, "topped", source, Layers=[layer["LayerVersionArn"]])
    assert invoke(server, "topped") == ("below", None)


def has_mounts_of_its_own() -> bool:
    """Whether this system lets an ordinary process have them."""
    if Path(sys.base_prefix).resolve().is_relative_to("/opt"):
        return False
    asked = ["unshare", "--map-current-user", "--mount", "true"]
    return bool(shutil.which("unshare")) and subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_mounts_of_its_own(), reason="this system lets no ordinary process have mounts of its own")
def test_layers_lie_at_opt_the_later_over_the_earlier(server: Process) -> None:
    layers = [
        server.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": archive(files)})
        for name, files in (("a", {"bin/tool": "old", "a.txt": "A"}), ("b", {"bin/tool": "#!/bin/sh\necho new"}))
    ]
    source = (
        "import os, subprocess\n"
        "def handler(event, context):\n"
        "    told = subprocess.run(['sh', '/opt/bin/tool'], capture_output=True, text=True).stdout\n"
        "    return [told.strip(), open('/opt/a.txt').read(), os.getuid()]\n"
    )
    deploy(server, "at-opt", source, Layers=[layer["LayerVersionArn"] for layer in layers])
    assert invoke(server, "at-opt")[0] == ["new", "A", os.getuid()]
    assert not Path("/opt/a.txt").exists()


def archive_with(name: str, attributes: int = 0) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = attributes
        archive.writestr(entry, "/etc/passwd")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not a zip", "Could not unzip uploaded file"),
        (archive_with("../escaped.py"), "reaches outside its directory"),
        (archive_with("/tmp/escaped.py"), "reaches outside its directory"),
        (archive_with("app.py", 0o120777 << 16), "is a link or special file"),
    ],
)
def test_an_archive_that_reaches_outside_is_refused_when_it_is_deployed(
    server: Process, content: bytes, why: str
) -> None:
    with pytest.raises(ClientError, match=why) as refusal:
        server.client("lambda").create_function(
            FunctionName="escape", Runtime="python3.12", Role=ROLE, Handler="app.handler", Code={"ZipFile": content}
        )
    assert refusal.value.response["Error"]["Code"] == "InvalidParameterValueException"
