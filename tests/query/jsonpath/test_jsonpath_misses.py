"""The error of a path that leads nowhere, field by field."""

import pytest

from sfn_emulator.errors import EvaluationError
from sfn_emulator.query.jsonpath.path import (
    CHOICE_PATH,
    INVALID_PATH,
    ITEMS_PATH,
    NO_INPUT_VALUE,
    NOT_FOUND,
    compile_path,
)


def said(text, subject, scope, field="", miss=INVALID_PATH):
    with pytest.raises(EvaluationError) as caught:
        compile_path(text, field, miss).apply(subject, scope)
    return caught.value.error, caught.value.message


def test_a_missing_last_property_has_no_results(scope):
    assert said("$.a.b", {"a": {}}, scope) == (
        "States.Runtime",
        "Invalid path '$.a.b' : No results for path: $['a']['b']",
    )


def test_a_missing_inner_property_is_named_with_the_path_so_far(scope):
    assert said("$.a.b.c", {"a": {}}, scope)[1] == "Invalid path '$.a.b.c' : Missing property in path $['a']['b']"


def test_a_property_behind_an_index_beyond_the_end_is_not_found(scope):
    message = "Invalid path '$.a[3].b' : Property ['b'] not found in path $['a'][3]"
    assert said("$.a[3].b", {"a": [1]}, scope)[1] == message


def test_an_index_beyond_the_end_is_a_miss_only_for_a_reference_path(scope):
    assert compile_path("$.a[3]").apply({"a": [1]}, scope) is None
    assert said("$.a[3]", {"a": [1]}, scope, "Variable", CHOICE_PATH)[0] == "States.Runtime"


def test_a_property_of_a_string_is_not_found(scope):
    message = "Invalid path '$.a.b' : Property ['b'] not found in path $['a']"
    assert said("$.a.b", {"a": "x"}, scope)[1] == message


def test_an_index_into_an_object_shows_the_object(scope):
    assert said("$.a[0]", {"a": {"k": [1, None]}}, scope)[1] == (
        "Invalid path '$.a[0]' : Filter: [0] can only be applied to arrays. Current context is: {\"k\":[1,null]}"
    )


def test_a_string_is_no_array_for_an_index(scope):
    with pytest.raises(EvaluationError):
        compile_path("$[0]").apply("abc", scope)


@pytest.mark.parametrize(
    ("miss", "field", "text", "message"),
    [
        (
            NOT_FOUND,
            "v.$",
            "$.gone",
            "The JSONPath '$.gone' specified for the field 'v.$' could not be found in the input '{\"k\":[1]}'",
        ),
        (
            NO_INPUT_VALUE,
            "SecondsPath",
            "$.gone",
            "The SecondsPath parameter does not reference an input value: $.gone",
        ),
        (
            CHOICE_PATH,
            "Variable",
            "$.gone",
            "Invalid path '$.gone': The choice state's condition path references an invalid value.",
        ),
    ],
)
def test_each_field_has_its_own_words(scope, miss, field, text, message):
    assert said(text, {"k": [1]}, scope, field, miss) == ("States.Runtime", message)


def test_items_path_fails_with_a_reference_path_conflict(scope):
    assert said("$.k.gone", {"k": {}}, scope, "ItemsPath", ITEMS_PATH) == (
        "States.ReferencePathConflict",
        'Unable to apply step "gone" to input {"k":{}}',
    )


def test_a_path_that_may_lead_to_many_values_gives_an_empty_list_instead(scope):
    for text in ("$.a[*]", "$.a.b[1:].c", "$..a", "$[?(@.x)]", "$[0,1]"):
        assert compile_path(text).apply({}, scope) == []
