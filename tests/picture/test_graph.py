"""A definition becomes a graph, and every drawing of it says the same."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sfn_emulator.command.graph import command
from sfn_emulator.picture.conditions import brief_condition, condition_text
from sfn_emulator.picture.definition import UndrawableError, read_definition
from sfn_emulator.picture.exports.data import data
from sfn_emulator.picture.exports.dot import dot
from sfn_emulator.picture.exports.mermaid import mermaid
from sfn_emulator.picture.exports.svg import svg
from sfn_emulator.picture.graph import MISSING, EdgeKind, graph_of
from sfn_emulator.picture.layers import arrange

ROOT = Path(__file__).parents[2]
SAGA = ROOT / "statemachine" / "definition.asl.json"
EVERYTHING: dict[str, Any] = {
    "StartAt": "Both",
    "States": {
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Each",
                    "States": {
                        "Each": {
                            "Type": "Map",
                            "ItemProcessor": {
                                "ProcessorConfig": {"Mode": "DISTRIBUTED"},
                                "StartAt": "Large",
                                "States": {
                                    "Large": {
                                        "Type": "Choice",
                                        "Choices": [{"Variable": "$.n", "NumericGreaterThan": 3, "Next": "Rest"}],
                                        "Default": "Work",
                                    },
                                    "Rest": {"Type": "Wait", "Seconds": 1, "Next": "Large"},
                                    "Work": {
                                        "Type": "Task",
                                        "Resource": "arn:aws:states:::lambda:invoke",
                                        "Retry": [{"ErrorEquals": ["Lambda.Busy"], "MaxAttempts": 2}],
                                        "End": True,
                                    },
                                },
                            },
                            "End": True,
                        }
                    },
                },
                {"StartAt": "Alone", "States": {"Alone": {"Type": "Pass", "End": True}}},
            ],
            "Catch": [{"ErrorEquals": ["A", "B", "C"], "Next": "Undo"}],
            "Next": "Done",
        },
        "Undo": {"Type": "Pass", "Next": "Sorry"},
        "Done": {"Type": "Succeed"},
        "Sorry": {"Type": "Fail"},
    },
}


def edges(definition: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    return {(e.kind.value, e.source, e.target, e.label) for e in graph_of(definition).edges}


def test_every_kind_of_edge_is_there_with_what_it_says() -> None:
    assert edges(EVERYTHING) == {
        ("next", "Both", "Done", ""),
        ("catch", "Both", "Undo", "A, B, C"),
        ("branch", "Both", "Each", ""),
        ("branch", "Both", "Alone", ""),
        ("iteration", "Each", "Large", ""),
        ("choice", "Large", "Rest", "$.n > 3"),
        ("default", "Large", "Work", "otherwise"),
        ("next", "Rest", "Large", ""),
        ("retry", "Work", "Work", "Lambda.Busy × 2"),
        ("next", "Undo", "Sorry", ""),
    }


def test_states_stand_in_the_region_they_are_written_in() -> None:
    graph = graph_of(EVERYTHING)
    assert {node.name: node.region for node in graph.nodes if node.region} == {
        "Each": "Both/0",
        "Alone": "Both/1",
        "Large": "Each/0",
        "Rest": "Each/0",
        "Work": "Each/0",
    }
    assert [(region.owner, region.distributed) for region in graph.regions] == [
        (None, False),
        ("Both", False),
        ("Each", True),
        ("Both", False),
    ]


def test_states_that_only_handle_failures_are_told_apart() -> None:
    saga = graph_of(json.loads(SAGA.read_text()))
    good = {"Place Order", "Is order placed", "Update Inventory", "Is inventory updated", "Make Payment"}
    good |= {"Is payment success", "Send Notification", "SuccessState"}
    assert {node.name for node in saga.nodes if not node.handles} == good


def test_a_draft_is_drawn_with_its_faults() -> None:
    graph = graph_of({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}, "B": 3}})
    assert [(node.name, node.type) for node in graph.nodes] == [("A", "Pass"), ("Nowhere", MISSING)]
    for draw in (mermaid, dot, svg):
        assert "Nowhere" in draw(graph)


@pytest.mark.parametrize("broken", [{}, {"States": []}, {"States": {"A": {"Choices": [1], "Retry": 2, "Catch": {}}}}])
def test_nonsense_is_drawn_as_far_as_it_goes(broken: dict[str, Any]) -> None:
    graph = graph_of(broken)
    assert all(draw(graph) for draw in (mermaid, dot, svg))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"Variable": "$.a", "StringEquals": "x"}, '$.a = "x"'),
        ({"Variable": "$.a", "NumericLessThanEqualsPath": "$.b"}, "$.a ≤ $.b"),
        ({"Variable": "$.a", "IsNull": False}, "$.a is not null"),
        ({"Variable": "$.a", "StringMatches": "log-*"}, '$.a matches "log-*"'),
        ({"Not": {"Variable": "$.a", "IsPresent": True}}, "not ($.a is present)"),
        ({"Condition": "{% $n > 3 %}"}, "$n > 3"),
        ({"Condition": True}, "true"),
        (
            {"And": [{"Variable": "$.a", "IsString": True}, {"Or": [{"Variable": "$.b", "BooleanEquals": True}] * 2}]},
            "$.a is a string and ($.b = true or $.b = true)",
        ),
        ({"Variable": "$.a", "NewOperator": 1}, "$.a NewOperator 1"),
    ],
)
def test_a_rule_reads_as_a_sentence(rule: dict[str, Any], text: str) -> None:
    assert condition_text({**rule, "Next": "X"}) == text


def test_in_a_drawing_a_guard_need_not_be_said() -> None:
    guard, test = {"Variable": "$.a", "IsPresent": True}, {"Variable": "$.a", "StringEquals": "x"}
    assert brief_condition({"And": [guard, test], "Next": "X"}) == '$.a = "x"'
    assert brief_condition({"And": [guard, {"Variable": "$.b", "IsNull": True}]}) == "$.a is present and $.b is null"


def test_boxes_stand_below_what_leads_to_them_and_apart_from_each_other() -> None:
    names = [f"s{n}" for n in range(300)]
    ways = [(names[n], names[m]) for n in range(299) for m in (n + 1, (n * 7) % 300) if m != n]
    places = arrange(dict.fromkeys(names, (120.0, 40.0)), ways, "s0")
    rows: dict[float, list[float]] = {}
    for x, y in places.centres.values():
        rows.setdefault(y, []).append(x)
    for row in rows.values():
        row.sort()
        assert all(right - left >= 120 for left, right in pairwise(row))
    straight = arrange(dict.fromkeys("abc", (10.0, 10.0)), [("a", "b"), ("b", "c"), ("c", "a")], "a")
    assert straight.centres["a"][1] < straight.centres["b"][1] < straight.centres["c"][1]


def test_an_svg_is_whole_and_needs_nothing_from_elsewhere() -> None:
    picture = svg(graph_of({"StartAt": HOSTILE, "States": {HOSTILE: {"Type": "Pass", "End": True}}}))
    texts = [element.text for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert HOSTILE in texts
    assert "<img" not in picture
    assert not re.search(r"(href|src)=\"|url\((?!#)|@import|<script", picture)


HOSTILE = '<img src=x onerror=alert(1)>"; DROP'


def test_markup_in_names_stays_text_in_every_language() -> None:
    graph = graph_of({"StartAt": HOSTILE, "States": {HOSTILE: {"Type": "Pass", "End": True}}})
    assert "<img" not in mermaid(graph)
    assert r"<img src=x onerror=alert(1)>\"; DROP" in dot(graph)


def test_the_readme_shows_the_saga_as_it_is() -> None:
    drawn = mermaid(graph_of(json.loads(SAGA.read_text())))
    shown = (ROOT / "README.md").read_text().partition("```mermaid\n")[2].partition("```\n")[0]
    assert shown == drawn, "python -m sfn_emulator graph statemachine/definition.asl.json gives the block"


# -- the command


def test_the_command_draws_json_yaml_and_what_is_piped(tmp_path: Path) -> None:
    yaml = tmp_path / "machine.asl.yaml"
    yaml.write_text("StartAt: A\nStates:\n  A:\n    Type: Wait\n    Seconds: ${Delay}\n    End: true\n")
    run = CliRunner().invoke
    assert 'A[/"A"/]' in run(command, [str(yaml)]).output
    told = json.loads(run(command, [str(SAGA), "--format", "json"]).output)
    assert told == data(graph_of(json.loads(SAGA.read_text())))
    assert run(command, ["-", "--format", "dot"], input=SAGA.read_text()).output.startswith("digraph")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "machine.json:1:2: not JSON"), ("[]", "it has no object 'States'"), ("a: [", "not JSON")],
)
def test_a_text_that_can_not_be_drawn_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "machine.json"
    file.write_text(text)
    result = CliRunner().invoke(command, [str(file)])
    assert result.exit_code == 1
    assert said.replace("not JSON", "") in result.output
    assert len(result.output.splitlines()) == 1


def test_substitutions_without_quotes_can_be_read() -> None:
    text = '{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":${Delay},"End":true}}}'
    assert read_definition(text).raw["States"]["A"]["Type"] == "Wait"
    with pytest.raises(UndrawableError, match=r"shop\.json:1:7: not JSON"):
        read_definition('{"a" 1}', "shop.json")


def test_drawing_needs_no_server_and_no_aws(tmp_path: Path) -> None:
    code = "import sys; from sfn_emulator.command.graph import command; command(standalone_mode=False); "
    code += "sys.exit(any(name in sys.modules for name in ('boto3', 'moto')))"
    assert subprocess.run([sys.executable, "-c", code, str(SAGA)], stdout=subprocess.DEVNULL, cwd=ROOT).returncode == 0


def test_all_edge_kinds_are_named() -> None:
    assert {edge.kind for edge in graph_of(EVERYTHING).edges} == set(EdgeKind)
