"""Mapping templates: what they make of a body, and what they refuse."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.cloud.rest.mapping import Input, Util
from sfn_emulator.cloud.rest.velocity.frame import VtlError
from sfn_emulator.cloud.rest.velocity.template import render

BODY = json.dumps({"name": 'it\'s "soap"', "n": 2, "items": [{"id": 1}, {"id": 2}], "none": None, "deep": {"x": "ü/"}})


def rendered(template: str, body: str = BODY, **variables: Any) -> str:
    parameters = {"path": {"id": "7"}, "querystring": {"q": "a b"}, "header": {"Accept": "text/plain"}}
    known = {"input": Input(body, parameters), "util": Util(), "context": {"requestId": "r-1", "stage": "prod"}}
    return render(template, {**known, **variables})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain $ text # with signs", "plain $ text # with signs"),
        ("$input.json('$.n')", "2"),
        ("$input.json('$.deep')", '{"x":"ü/"}'),
        ("$input.json('$.nothing')", "null"),
        ("$input.path('$.items')[1].id", "2"),
        ("$input.path('$').items.size()", "2"),
        ("$input.params('id') $input.params().querystring.q $input.params('Accept')", "7 a b text/plain"),
        ("${context.stage}-$context.requestId.", "prod-r-1."),
        ("$!missing|$missing.deeper|", "||"),
        ("#set($x = 1 + 2 * 3)$x", "7"),
        ('#set($who = "soap")#set($t = "hello $who")$t', "hello soap"),
        ("#set($m = {'a': [1, 2], 'b': true})$m.a[0] $m", "1 {a=[1, 2], b=true}"),
        ("#if($input.path('$.n') > 1)many#elseif(true)some#{else}none#end", "many"),
        ("#if(!$missing && 'a' == \"a\")yes#else no#end", "yes"),
        ("#foreach($i in $input.path('$.items'))$i.id#if($foreach.hasNext),#end#end", "1,2"),
        ("## a comment\nafter #* and another *#it", "after it"),
        ("$util.base64Decode($util.base64Encode('ü'))", "ü"),
        ("$util.urlEncode('a b/ü')", "a+b%2F%C3%BC"),
        ("$util.parseJson('{\"a\": [5]}').a[0]", "5"),
        ("$input.path('$.name').replaceAll(\"'\", '_').toUpperCase()", 'IT_S "SOAP"'),
        ("$util.escapeJavaScript($input.path('$.deep').x)", "\\u00FC\\/"),
    ],
)
def test_a_template_becomes_text(template: str, expected: str) -> None:
    assert rendered(template) == expected


def test_the_usual_start_execution_template_makes_json_of_any_body() -> None:
    template = (
        "#set($input_text = $util.escapeJavaScript($input.json('$')).replaceAll(\"\\\\'\", \"'\"))"
        '{"input": "$input_text", "name": "$context.requestId", "stateMachineArn": "arn:m"}'
    )
    told = json.loads(rendered(template))
    assert json.loads(told["input"]) == json.loads(BODY)
    assert (told["name"], told["stateMachineArn"]) == ("r-1", "arn:m")


VELOCITY = json.loads((Path(__file__).parents[3] / "conformance" / "velocity.json").read_text())


@pytest.mark.parametrize("case", VELOCITY, ids=lambda case: case["template"])
def test_a_template_says_what_velocity_makes_of_it(case: dict[str, str]) -> None:
    variables = {"name": "soap", "no": False, "list": ["a", "b", "c"]}
    assert render(case["template"], variables) == case["text"]


def test_an_array_of_the_payload_shows_as_json_and_an_object_as_javas_map() -> None:
    assert rendered("$input.path('$.items') $input.path('$.deep')") == '[{"id":1},{"id":2}] {x=ü/}'


def test_parameters_are_maps_with_entries() -> None:
    template = "#foreach($kind in $input.params().entrySet())$kind.key:#foreach($p in $kind.value.keySet())$p #end#end"
    assert rendered(template) == "path:id querystring:q header:Accept "


LIST = "#set($l = [" + ",".join("1" * 900) + "])"


@pytest.mark.parametrize(
    "template",
    [
        "#set($s = 'xxxxxxxxxx')#foreach($a in [1..28])#set($s = \"$s$s\")#end$s.length()",
        "#set($s = 'xxxxxxxxxx')#foreach($a in [1..28])#set($s = $s + $s)#end$s.length()",
        "#set($s = 'xxxxxxxxxx')#foreach($a in [1..28])#set($s = $s.concat($s))#end$s.length()",
        "#set($s = 'xxxxxxxxxx')#foreach($a in [1..28])#set($s = $s.replace('x', 'xx'))#end$s.length()",
        LIST + "#foreach($a in $l)#foreach($b in $l)#foreach($c in $l)#set($q = 1)#end#end#end",
        "#set($t = '" + "a" * 60 + "!')#if($t.matches('^(a|aa)+$'))1#end",
        "#set($t = '" + "a" * 60 + "!')$t.replaceAll('^(a|aa)+$', '')",
        "#set($t = '" + "a" * 60 + "!')$t.split('^(a|aa)+$')",
        "#set($l = [1])#foreach($a in [1..40])#set($l = [$l, $l])#end$l",
        "#set($l = [1])$!l.add($l)$l",
        "#set($n = 9)#foreach($a in [1..40])#set($n = $n * $n)#end$n",
        "#macro(again)#again()#end#again()",
        "#set($t = '#evaluate($t)')#evaluate($t)",
        "#define($d)$d#end$d",
        "#set($l = [0..99999999])",
        "(" * 3000 + "#if(" + "(" * 3000,
        "#if(true)" * 3000,
        "#set($x = " + "!" * 3000 + "true)",
    ],
)
def test_a_template_that_would_never_end_is_given_up(template: str) -> None:
    before = time.thread_time()
    with pytest.raises(VtlError):
        rendered(template)
    assert time.thread_time() - before < 30


@pytest.mark.parametrize(
    "template",
    [
        "#parse('x')",
        "$name.nope('x')",
        "#if(true) never closed",
        "#end",
        "#set($x 1)",
        "$util.nope('x')",
        "#set($x = nope)",
    ],
)
def test_a_template_that_makes_no_sense_is_refused(template: str) -> None:
    with pytest.raises(VtlError):
        rendered(template, name="soap")
