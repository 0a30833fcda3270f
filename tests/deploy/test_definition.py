"""Placeholders and their values; wrong configuration files."""

import json
from pathlib import Path

import pytest

from deploy import config
from deploy.errors import DeployError
from deploy.wanted import definition


def test_a_string_that_is_one_placeholder_takes_the_type_of_what_stands_for_it():
    text = '{"Seconds": "${Wait}", "Resource": "${Arn}", "Comment": "waits ${Wait} s", "Path": "$.x"}'
    rendered = json.loads(definition.render(text, {"Wait": 30, "Arn": "arn:x"}))
    assert rendered == {"Seconds": 30, "Resource": "arn:x", "Comment": "waits 30 s", "Path": "$.x"}


def test_a_placeholder_nothing_stands_for_is_named():
    with pytest.raises(DeployError, match=r"there is no value for \$\{Arn\}"):
        definition.render('{"Resource": "${Arn}"}', {})


def test_a_definition_that_does_not_parse_is_reported_with_line_and_column():
    with pytest.raises(DeployError, match=r"x\.json:2:7: not JSON"):
        definition.render('{"a": 1,\n "b": }', {}, Path("x.json"))


def test_a_definition_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DeployError, match=r"none\.json: cannot be read \(No such file"):
        definition.read(tmp_path / "none.json")


def test_definitions_that_differ_in_white_space_only_do_not_differ():
    assert definition.difference('{"a":1}', '{\n  "a": 1\n}') == ""


def test_a_difference_shows_the_lines_that_change():
    lines = definition.difference('{"a": 1, "b": 2}', '{"a": 1, "b": 3}').splitlines()
    assert '-  "b": 2' in lines
    assert '+  "b": 3' in lines


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "not YAML"),
        ("tag: {}", "required property"),
        (None, "cannot be read"),
        (config.DEFAULT.read_text().replace("wait_seconds: 30", "wait_seconds: soon"), "state_machine/wait_seconds"),
        (config.DEFAULT.read_text() + "\ncolour: red\n", "'colour' was unexpected"),
    ],
    ids=["not YAML", "empty", "missing", "wrong type", "unknown"],
)
def test_a_wrong_configuration_is_one_line_that_names_file_and_field(tmp_path, text, complaint):
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DeployError) as caught:
        config.load(path)
    assert str(caught.value).startswith(str(path))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
