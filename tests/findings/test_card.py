"""Cards are parsed once and refuse what they do not know."""

import pytest

from overread.cards import QuestionKind, TrainingGroups, read_card
from overread.errors import IntegrityError
from overread.tasks import find_task

CARD = """
name = "toy"
version = "1.0"
title = "Toy"
question = "?"
intended_use = "Tests."
not_for = ["Patients."]
inputs = ["CT"]
refuses = []
method = "None."
training = "None."
weights_licence = "Apache-2.0"
limits = []
[weights]
[[figures]]
name = "sensitivity"
set_name = "phantoms"
value = 0.9
unit = "1"
n = 10
command = "python -m overread_lab"
interval = [0.6, 0.99]
"""


def test_card_is_read(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text(CARD)
    card = read_card(path)
    assert (card.name, card.figures[0].interval) == ("toy", (0.6, 0.99))


@pytest.mark.parametrize("line", ['colour = "red"', ""])
def test_unknown_and_missing_keys_are_refused(tmp_path, line):
    path = tmp_path / "card.toml"
    path.write_text(CARD.replace('title = "Toy"', line))
    with pytest.raises(IntegrityError, match=r"colour|title"):
        read_card(path)


QUESTIONS = """
[[questions]]
name = "view"
kind = "classes"
column = "label"
classes = ["frontal", "lateral"]
truth = { pa = "frontal", ap = "frontal", lateral = "lateral" }
[[questions]]
name = "heart_width"
kind = "number"
column = "width_mm"
unit = "mm"
[[questions]]
name = "lungs"
kind = "mask"
"""


def written(tmp_path, text):
    path = tmp_path / "card.toml"
    path.write_text(text)
    return path


def test_questions_are_read(tmp_path):
    view, width, lungs = read_card(written(tmp_path, CARD + QUESTIONS)).questions
    assert (view.kind, view.classes, view.truth["ap"]) == (QuestionKind.CLASSES, ("frontal", "lateral"), "frontal")
    assert (width.kind, width.unit, width.column) == (QuestionKind.NUMBER, "mm", "width_mm")
    assert (lungs.kind, lungs.truth) == (QuestionKind.MASK, {})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "mask"', 'kind = "poem"', "poem"),
        ('unit = "mm"', "", "unit"),
        ('lateral = "lateral" }', 'lateral = "oblique" }', "oblique"),
        (', lateral = "lateral" }', " }", "no value of label"),
        ('classes = ["frontal", "lateral"]', 'classes = ["frontal"]', "two different classes"),
        ('column = "label"', "", "column"),
        ('name = "lungs"', 'name = "view"', "one name"),
        ('name = "lungs"', 'name = "The lungs"', "lower-case"),
        ('name = "lungs"', 'name = "lungs"\ncolour = "red"', "colour"),
        ('kind = "mask"', 'kind = "mask"\nclasses = ["left"]', "labels above 0"),
        ('kind = "mask"', 'kind = "mask"\nclasses = ["left"]\ntruth = { 0 = "left" }', "labels above 0"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(tmp_path, old, new, words):
    assert old in QUESTIONS
    with pytest.raises(IntegrityError, match=words):
        read_card(written(tmp_path, CARD + QUESTIONS.replace(old, new)))


def test_training_groups_are_found_by_digest_only(tmp_path):
    groups = TrainingGroups.of(["patient_1", "patient_2"], salt="s1")
    lines = ["[training]", 'text = "Two patients."', 'salt = "s1"', f"groups_sha256 = {sorted(groups.groups_sha256)}"]
    text = CARD.replace('training = "None."\n', "") + "\n".join(lines).replace("'", '"')
    card = read_card(written(tmp_path, text))
    assert card.training == "Two patients."
    assert card.training_groups == groups
    assert card.training_groups.hold("patient_1")
    assert not card.training_groups.hold("patient_3")
    assert not TrainingGroups("other", groups.groups_sha256).hold("patient_1")
    for old, new in (('salt = "s1"', ""), (min(groups.groups_sha256), "12ab"), ("text =", "texts =")):
        with pytest.raises(IntegrityError, match="training"):
            read_card(written(tmp_path, text.replace(old, new)))


def test_card_of_the_task_names_itself():
    card = find_task("chest_ct_nodule").card()
    assert card.name == "chest_ct_nodule"
