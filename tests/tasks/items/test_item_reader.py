"""ItemReader over a real server's S3: every source, format and option, and what is told of files that are no good."""

import gzip
import importlib.util
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfn_emulator.asl.resource import parse_resource
from sfn_emulator.engine.ports import ReaderSpec
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.clients import Clients, Destinations
from sfn_emulator.tasks.items import reader as item_reader
from sfn_emulator.tasks.items.text import lines, unpacked
from tests.processes import running


class Bucket:
    """``put`` fills it, ``read`` reads it as an ItemReader would."""

    def __init__(self, url: str) -> None:
        self.clients = Clients(Destinations(url))
        self.s3: Any = self.clients.client("s3", "us-east-1")
        self.s3.create_bucket(Bucket="data")

    def put(self, key: str, body: str | bytes) -> None:
        self.s3.put_object(Bucket="data", Key=key, Body=body if isinstance(body, bytes) else body.encode())

    def blocks(self, key: str | None, config: dict[str, Any], **arguments: Any) -> list[Any]:
        action = "listObjectsV2" if key is None else "getObject"
        resource = parse_resource(f"arn:aws:states:::s3:{action}")
        assert resource is not None
        where = {"Bucket": "data", **({} if key is None else {"Key": key}), **arguments}
        return list(item_reader.read(ReaderSpec(resource, where, config), self.clients, "us-east-1"))

    def read(self, key: str | None, config: dict[str, Any], **arguments: Any) -> list[Any]:
        return [value for block in self.blocks(key, config, **arguments) for value in block.values]


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with running("--in-memory") as server:
        yield Bucket(server.url)


FIRST_ROW = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}


def given(*names: str, **more: Any) -> dict[str, Any]:
    return {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": list(names), **more}


# -- CSV


def test_a_row_is_an_object_of_strings(bucket: Bucket) -> None:
    bucket.put("a.csv", "id,name\n1,one\n2,two\n")
    assert bucket.read("a.csv", FIRST_ROW) == [{"id": "1", "name": "one"}, {"id": "2", "name": "two"}]
    assert bucket.read("a.csv", given("x", "y"))[0] == {"x": "id", "y": "name"}


@pytest.mark.parametrize(
    ("names", "told"),
    [("id,name", ["name", "id"]), ("0,True,{}", ["0", "{}", "True"]), ("Col1,Col2,Col3", ["Col1", "Col2", "Col3"])],
)
def test_a_row_has_its_names_in_the_order_of_a_java_map(bucket: Bucket, names: str, told: list[str]) -> None:
    """All three recorded: 2026-04, 2023-09 and 2023-09."""
    bucket.put("a.csv", f"{names}\n1,2,3\n")
    assert [list(row) for row in bucket.read("a.csv", FIRST_ROW)] == [told]
    assert [list(row) for row in bucket.read("a.csv", given(*names.split(",")))] == [told] * 2


def test_missing_fields_are_empty_and_surplus_ones_are_skipped(bucket: Bucket) -> None:
    bucket.put("a.csv", "1\n1,2,3\n,,\n  \n")
    assert bucket.read("a.csv", given("a", "b")) == [
        *({"a": "1", "b": ""}, {"a": "1", "b": "2"}, {"a": "", "b": ""}, {"a": "  ", "b": ""})
    ]


@pytest.mark.parametrize(
    ("name", "sign"), [("COMMA", ","), ("PIPE", "|"), ("SEMICOLON", ";"), ("SPACE", " "), ("TAB", "\t")]
)
def test_every_delimiter_is_read(bucket: Bucket, name: str, sign: str) -> None:
    bucket.put("a.csv", f"a{sign}b\n1{sign}2\n")
    assert bucket.read("a.csv", {**FIRST_ROW, "CSVDelimiter": name}) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('"a,b",c', ["a,b", "c"]),
        ('"a\nb",c', ["a\nb", "c"]),
        ('"a\r\nb",c', ["a\nb", "c"]),
        ('"say ""hi""",c', ['say "hi"', "c"]),
        ('{""k"":""v""},c', ['{"k":"v"}', "c"]),
        ('"",c', ["", "c"]),
        (r"C:\\Program Files\\App.exe,1", [r"C:\Program Files\App.exe", "1"]),
        (r"a\,b,c", ["a,b", "c"]),
        (r"a\bc,d", ["abc", "d"]),
        (r"\"quoted\",c", ['"quoted"', "c"]),
        ('"[1,2,3]",c', ["[1,2,3]", "c"]),
        ('one, "a,b"', ["one", "a,b"]),
        ("one,  two", ["one", "  two"]),
        ('a 5" and 6" pipe,c', ['a 5" and 6" pipe', "c"]),
        ('a pipe of 5", or 6",c', ["a pipe of 5, or 6", "c"]),
        ('c,the "a,b" pair', ["c", 'the "a,b" pair']),
        ('"a" ,c', ["a ", "c"]),
        ('one,"b" ', ["one", 'b" ']),
    ],
)
def test_quotes_and_backslashes_are_read_as_on_aws(bucket: Bucket, line: str, fields: list[str]) -> None:
    bucket.put("a.csv", f"{line}\n")
    assert [list(row.values()) for row in bucket.read("a.csv", given("a", "b"))] == [fields]


def test_a_quote_that_nothing_closes_is_an_error(bucket: Bucket) -> None:
    bucket.put("a.csv", 'a,"b\nc,d\n')
    with pytest.raises(StateError, match=r"Unterminated quoted field .* lost text: \[b\nc,d\]"):
        bucket.read("a.csv", given("a", "b"))


def test_line_ends_and_a_byte_order_mark_belong_to_no_field(bucket: Bucket) -> None:
    bucket.put("a.csv", b"\xef\xbb\xbfa,b\r\n1,\xc3\xa9")
    assert bucket.read("a.csv", FIRST_ROW) == [{"a": "1", "b": "é"}]


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        (given("a", "a"), "CSV headers cannot contain duplicates."),
        (given("a" * 11_000), "CSV headers cannot exceed 10240 bytes."),
        ({**FIRST_ROW, "MaxItems": -1}, "field MaxItems must be positive"),
    ],
)
def test_bad_settings_are_told_in_awss_words(bucket: Bucket, config: dict[str, Any], cause: str) -> None:
    bucket.put("a.csv", "a,b\n1,2\n")
    with pytest.raises(StateError) as failed:
        bucket.read("a.csv", config)
    assert (failed.value.error, failed.value.cause) == ("States.ItemReaderFailed", cause)


def test_duplicates_in_the_first_row_are_refused_too(bucket: Bucket) -> None:
    bucket.put("a.csv", "a,a\n1,2\n")
    with pytest.raises(StateError, match="cannot contain duplicates"):
        bucket.read("a.csv", FIRST_ROW)


def test_an_empty_file_has_no_items(bucket: Bucket) -> None:
    bucket.put("empty", "")
    assert bucket.read("empty", FIRST_ROW) == []
    assert bucket.read("empty", {"InputType": "JSONL"}) == []


@pytest.mark.parametrize(("most", "count"), [(2, 2), (0, 1200), (1200, 1200), (700, 700), (100_000_001, 1200)])
def test_no_more_than_max_items_are_read(bucket: Bucket, most: int, count: int) -> None:
    bucket.put("a.csv", "\n".join(map(str, range(1200))))
    assert len(bucket.read("a.csv", given("n", MaxItems=most))) == count


# -- JSON


def test_a_json_file_is_an_array(bucket: Bucket) -> None:
    bucket.put("a.json", ' [1, {"a": [2]}, "x", null]\n')
    assert bucket.read("a.json", {"InputType": "JSON"}) == [1, {"a": [2]}, "x", None]


@pytest.mark.parametrize("body", ['{"Hello": "world"}', '"text"', "1", "null"])
def test_a_file_without_an_array_can_not_be_iterated_over(bucket: Bucket, body: str) -> None:
    bucket.put("a.json", body)
    with pytest.raises(StateError) as failed:
        bucket.read("a.json", {"InputType": "JSON"})
    assert failed.value.cause == "Attempting to map over non-iterable node."


def test_items_pointer_chooses_an_array_or_an_object(bucket: Bucket) -> None:
    bucket.put("a.json", json.dumps({"x": {"a/b": [[1], [2, 3]], "m": {"k": 1, "l": 2}}}))
    assert bucket.read("a.json", {"InputType": "JSON", "ItemsPointer": "/x/a~1b/1"}) == [2, 3]
    (block,) = bucket.blocks("a.json", {"InputType": "JSON", "ItemsPointer": "/x/m"})
    assert (block.keys, block.values) == (["k", "l"], [1, 2])
    with pytest.raises(StateError, match="non-iterable"):
        bucket.read("a.json", {"InputType": "JSON", "ItemsPointer": "/x/missing"})


def test_json_lines_are_read(bucket: Bucket) -> None:
    bucket.put("a.jsonl", '{"a": 1}\n\n[2]\n3')
    assert bucket.read("a.jsonl", {"InputType": "JSONL"}) == [{"a": 1}, [2], 3]


_VALID = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    ("kind", "body", "cause"),
    [
        ("JSON", "[1,", "The file is not valid JSON: Unexpected end-of-input within/between Array entries"),
        (
            "JSON",
            "[1] 2",
            f"The file is not valid JSON: Unexpected character ('2' (code 50)): expected a valid value {_VALID}",
        ),
        ("JSON", "[1e400]", "The file is not valid JSON: Numeric value out of range of double"),
        ("JSON", "", "The file is not valid JSON: Unexpected end-of-input"),
        ("JSON", "[" * 70_000, "The file is not valid JSON: it breaks off, or a value is no JSON"),
        (
            "JSONL",
            '{"a":1}\nnope\n',
            f"Line 2 of the file is not valid JSON: Unrecognized token 'nope': was expecting {_VALID}",
        ),
    ],
)
def test_text_that_is_no_json_is_refused_in_the_words_of_awss_parser(
    bucket: Bucket, kind: str, body: str, cause: str
) -> None:
    bucket.put("a.json", body)
    with pytest.raises(StateError) as told:
        bucket.read("a.json", {"InputType": kind})
    assert told.value.cause == cause


# -- packed, large, absent


def test_gzip_is_told_by_its_bytes(bucket: Bucket) -> None:
    bucket.put("a.csv.gz", gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"))
    assert bucket.read("a.csv.gz", FIRST_ROW) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    bucket.put("cut.gz", gzip.compress(b"a,b\n1,2\n" * 1000)[:-9])
    with pytest.raises(StateError, match="can't be decompressed"):
        bucket.read("cut.gz", FIRST_ROW)


def test_zstd_is_read_by_whichever_package_is_there(bucket: Bucket) -> None:
    bucket.put("a.csv.zstd", b"\x28\xb5\x2f\xfd \x08A\x00\x00a,b\n1,2\n")
    if sys.version_info >= (3, 14) or any(importlib.util.find_spec(name) for name in ("zstandard", "pyarrow")):
        assert bucket.read("a.csv.zstd", FIRST_ROW) == [{"a": "1", "b": "2"}]
    else:
        with pytest.raises(StateError, match="zstandard and pyarrow"):
            bucket.read("a.csv.zstd", FIRST_ROW)


def test_a_file_larger_than_one_range_is_read_to_its_end(bucket: Bucket) -> None:
    rows = [{"n": n, "text": "é" * 500} for n in range(12_000)]
    bucket.put("large.json", json.dumps(rows, ensure_ascii=False))
    assert bucket.read("large.json", {"InputType": "JSON"}) == rows
    bucket.put("large.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    assert bucket.read("large.jsonl", {"InputType": "JSONL"}) == rows
    wrapped = {"skip": rows[:100], "use": {"these": rows}}
    bucket.put("large.json", json.dumps(wrapped, ensure_ascii=False))
    assert bucket.read("large.json", {"InputType": "JSON", "ItemsPointer": "/use/these"}) == rows


def test_an_item_may_have_8_mb(bucket: Bucket) -> None:
    bucket.put("long.jsonl", json.dumps("x" * (8 * 1024 * 1024)))
    with pytest.raises(StateError, match="An item exceeds 8388608 bytes"):
        bucket.read("long.jsonl", {"InputType": "JSONL"})
    bucket.put("long.json", json.dumps([1, "x" * (17 * 1024 * 1024)]))
    with pytest.raises(StateError, match="An item exceeds 8388608 bytes"):
        bucket.read("long.json", {"InputType": "JSON"})


def test_a_packed_file_is_unpacked_a_little_at_a_time(bucket: Bucket) -> None:
    block = gzip.compress(b'{"n": 1}\n' * 400_000, 9)
    assert len(block) < 100_000
    assert max(len(piece) for piece in unpacked(iter([block]))) <= 1024 * 1024
    assert sum(1 for _ in lines(unpacked(iter([block, block])))) == 800_000


@pytest.mark.parametrize(("place", "code"), [({"Bucket": "nowhere"}, "NoSuchBucket"), ({"Key": "none"}, "NoSuchKey")])
def test_a_missing_object_is_reported_in_s3s_words(bucket: Bucket, place: dict[str, str], code: str) -> None:
    bucket.put("a.csv", "a\n")
    with pytest.raises(StateError) as failed:
        bucket.read("a.csv", FIRST_ROW, **place)
    assert failed.value.error == "States.ItemReaderFailed"
    assert f"(Service: Amazon S3; Status Code: 404; Error Code: {code}; Request ID: " in str(failed.value.cause)


def test_a_bucket_that_is_no_text_is_looked_for_by_its_text(bucket: Bucket) -> None:
    with pytest.raises(StateError) as refused:
        bucket.read("k.json", {"InputType": "JSON"}, Bucket=1234)
    assert "The specified bucket does not exist" in refused.value.cause


def test_the_version_that_is_named_is_read(bucket: Bucket) -> None:
    bucket.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    old = bucket.s3.put_object(Bucket="data", Key="v.jsonl", Body=b"1")["VersionId"]
    bucket.put("v.jsonl", "2")
    assert bucket.read("v.jsonl", {"InputType": "JSONL"}) == [2]
    assert bucket.read("v.jsonl", {"InputType": "JSONL"}, VersionId=old) == [1]


# -- listings


def test_objects_are_listed_with_their_metadata(bucket: Bucket) -> None:
    bucket.put("list/a.txt", "abc")
    (block,) = bucket.blocks(None, {}, Prefix="list/")
    (found,) = block.values
    assert list(found) == ["Etag", "Key", "LastModified", "Size", "StorageClass"]
    assert (found["Key"], found["Size"], found["StorageClass"]) == ("list/a.txt", 3, "STANDARD")
    assert found["Etag"].startswith('"')
    assert isinstance(found["LastModified"], float)
    assert block.source == "s3://data"


def test_all_pages_of_a_listing_are_read(bucket: Bucket) -> None:
    bucket.s3.create_bucket(Bucket="many")
    for number in range(1003):
        bucket.s3.put_object(Bucket="many", Key=f"{number:04}", Body=b"")
    found = bucket.read(None, {}, Bucket="many")
    assert [item["Key"] for item in found] == [f"{number:04}" for number in range(1003)]


def test_the_content_of_listed_objects_can_be_loaded(bucket: Bucket) -> None:
    bucket.put("logs/", "")
    bucket.put("logs/1.csv", "a\n1\n2\n")
    bucket.put("logs/2.csv", "a\n3\n")
    blocks = bucket.blocks(None, {**FIRST_ROW, "Transformation": "LOAD_AND_FLATTEN"}, Prefix="logs/")
    assert [(block.source, block.values) for block in blocks] == [
        ("s3://data/logs/1.csv", [{"a": "1"}, {"a": "2"}]),
        ("s3://data/logs/2.csv", [{"a": "3"}]),
    ]


# -- manifests


def test_an_s3_inventory_is_read(bucket: Bucket) -> None:
    row = '"src","dir/a%20b.csv","3399671","2022-11-16T00:29:32.000Z"\n'
    bucket.put("inv/data/1.csv.gz", gzip.compress(row.encode()))
    manifest = {
        "sourceBucket": "src",
        "destinationBucket": "arn:aws:s3:::data",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, LastModifiedDate",
        "files": [{"key": "inv/data/1.csv.gz", "size": 1, "MD5checksum": "x"}],
    }
    bucket.put("inv/manifest.json", json.dumps(manifest))
    expected = {
        "Bucket": "src",
        "Key": "dir/a%20b.csv",
        "Size": "3399671",
        "LastModifiedDate": "2022-11-16T00:29:32.000Z",
    }
    for config in ({"InputType": "MANIFEST"}, {"ManifestType": "S3_INVENTORY"}):
        assert bucket.read("inv/manifest.json", config) == [expected]
    bucket.put("inv/manifest.json", json.dumps({**manifest, "fileFormat": "ORC"}))
    with pytest.raises(StateError, match="must be CSV"):
        bucket.read("inv/manifest.json", {"InputType": "MANIFEST"})
    bucket.put("inv/manifest.json", "[]")
    with pytest.raises(StateError, match="not an S3 inventory manifest"):
        bucket.read("inv/manifest.json", {"InputType": "MANIFEST"})


def test_an_athena_manifest_is_read(bucket: Bucket) -> None:
    bucket.put("out/1.gz", gzip.compress(b'{"a":1}\n'))
    bucket.put("out/2", '{"a":2}\n')
    bucket.put("out/q-manifest.csv", 's3://data/out/1.gz\n"s3://data/out/2"\n')
    config = {"ManifestType": "ATHENA_DATA", "InputType": "JSONL"}
    assert bucket.read("out/q-manifest.csv", config) == [{"a": 1}, {"a": 2}]
    bucket.put("out/q-manifest.csv", "data/out/1.gz\n")
    with pytest.raises(StateError, match="no S3 URI"):
        bucket.read("out/q-manifest.csv", config)


# -- Parquet


def test_parquet_needs_a_package_and_says_which(bucket: Bucket) -> None:
    bucket.put("a.parquet", b"PAR1")
    with pytest.raises(StateError) as failed:
        bucket.read("a.parquet", {"InputType": "PARQUET"}, VersionId="v")
    wanted = "pip install 'sfn-emulator[parquet]'", "'VersionId' is not supported when the InputType is PARQUET"
    assert any(text in str(failed.value.cause) for text in wanted)


def test_parquet_rows_are_read(bucket: Bucket) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    parquet = importlib.import_module("pyarrow.parquet")
    rows = [
        {"n": n, "at": datetime(2026, 1, 2, tzinfo=UTC), "day": date(2026, 1, 2), "d": Decimal("1.5")}
        for n in range(1200)
    ]
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), file, compression="zstd", row_group_size=400)
    bucket.put("a.parquet", file.getvalue())
    found = bucket.read("a.parquet", {"InputType": "PARQUET"})
    assert len(found) == 1200
    assert found[7] == {"n": 7, "at": "2026-01-02T00:00:00+00:00", "day": "2026-01-02", "d": 1.5}
    bucket.put("bad.parquet", b"nothing of the kind")
    with pytest.raises(StateError, match="not valid Parquet"):
        bucket.read("bad.parquet", {"InputType": "PARQUET"})
