"""Claims are the same in YAML and in Python; a fault is reported with its place and a way to mend it."""

from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.prove.claims import ClaimsError, check_names, claims, read_claims
from tests.prove.sagas import CLAIMS, machine


def test_claims_are_the_same_in_yaml_and_in_python(tmp_path: Path) -> None:
    file = tmp_path / "saga.yaml"
    file.write_text(
        "undo: {Pay: Refund}\nreads: [Look]\nrepeatable: [Pay]\nundone: [Fail]\nfaults: 3\nends_within: 5\n"
    )
    told = claims(
        undo={"Pay": "Refund"},
        reads=["Look"],
        repeatable={"Pay"},
        undone=["Fail"],
        faults=3,
        ends_within=5,
        here=tmp_path,
    )
    assert read_claims(file) == told
    assert told.longest("Pay") == 5
    assert told.undoes("Refund") == ("Pay",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("undo: [Pay]", " / undo: ['Pay'] is not of type 'object'"),
        ("undos: {}", ": unknown ('undos')"),
        ("undo: {Pay: 1}", " / undo / Pay: 1 is not of type 'string'"),
        ("faults: many", " / faults: 'many' is not of type 'integer'"),
        ("ends_within: 0", " / ends_within: 0 is not valid under any of the given schemas"),
        ("undo: {Pay", ": not YAML (while parsing"),
        ("ends_within: .nan", " / ends_within: a value is not JSON (Out of range float"),
        ("answers: {Pay: {on: 2026-01-01}}", " / answers: a value is not JSON (Object of type date"),
        ("- Pay", ": not claims; they are an object with undo"),
    ],
)
def test_a_claims_file_that_does_not_fit_says_where(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "saga.yaml"
    file.write_text(text)
    with pytest.raises(ClaimsError) as wrong:
        read_claims(file)
    assert str(wrong.value).startswith(f"{file}{told}")


def test_a_missing_claims_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClaimsError, match="No such file"):
        read_claims(tmp_path / "saga.yaml")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"undo": {"Pai": "Refund"}}, "undo: the definition has no Task 'Pai'; was 'Pay' meant?"),
        ({"reads": ["Done"]}, "reads: the definition has no Task 'Done'"),
        ({"undone": ["Undon"]}, "undone: the definition has no state 'Undon'; was 'Undone' meant?"),
        ({"done": ["Undone"]}, "'Undone' can't mean both done and undone"),
        ({"undo": {"Pay": "Pay"}}, "undo: 'Pay' is said to undo itself; name the Task that undoes it"),
        ({"reads": ["Refund"]}, "reads: 'Refund' is said to change nothing, and 'undo' says that it does"),
        ({"ends_within": {"Payment": 3}}, "ends_within: the definition has no Task 'Payment'"),
    ],
)
def test_a_claim_about_a_state_that_is_not_there_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ClaimsError) as wrong:
        check_names(claims(**{**CLAIMS, **changes}), machine())
    assert str(wrong.value).startswith(told)
