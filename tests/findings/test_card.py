"""Cards are parsed once and refuse what they do not know."""

import pytest

from overread.cards import read_card
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


def test_card_of_the_task_names_itself():
    card = find_task("chest_ct_nodule").card()
    assert card.name == "chest_ct_nodule"
