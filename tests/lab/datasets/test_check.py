"""Each fault is planted and named; a sound set has none; shortcuts are told where they are and nowhere else."""

import sys

import numpy as np
import pytest
from PIL import Image

from overread.cards import TrainingGroups
from overread.errors import UsageError
from overread_lab.datasets.check import Level, check_set
from overread_lab.datasets.check.look import unit_range
from overread_lab.datasets.check.similar import Neighbours, near_pairs, perceptual_hash

from .conftest import waves

MASK = np.pad(np.ones((8, 8), np.uint8), ((0, 40), (0, 56)))


def codes(report, level=Level.ERROR):
    return {remark.code: remark for remark in report.remarks if remark.level is level}


def test_a_sound_set_has_no_error(make_set):
    report = check_set(make_set([(waves(n), MASK, {}) for n in range(6)]))
    assert report.sound
    assert report.counts == {"cases": 6, "groups": 6, "sources": 1, "folds": report.counts["folds"], "with_mask": 6}
    assert not [remark for remark in report.remarks if remark.level is not Level.NOTE]


@pytest.mark.parametrize(
    ("rows", "code", "cases"),
    [
        (
            [(waves(0), None, {"group": "p", "fold": 0}), (waves(1), None, {"group": "p", "fold": 1})],
            "group_torn",
            ("c0", "c1"),
        ),
        ([(waves(0), None, {}), (waves(0), None, {})], "same_pixels", ("c0", "c1")),
        ([(waves(0), MASK * 0, {}), (waves(1), MASK, {})], "mask_empty", ("c0",)),
        ([(waves(0), MASK[1:], {}), (waves(1), MASK, {})], "mask_misfit", ("c0",)),
        ([(waves(0), np.stack([waves(5), waves(6), waves(7)], -1), {})], "mask_not_labels", ("c0",)),
    ],
)
def test_a_planted_fault_is_the_only_error(make_set, rows, code, cases):
    found = codes(check_set(make_set(rows)))
    assert set(found) == {code}
    assert found[code].cases == cases


def test_missing_and_broken_files_are_named_and_the_rest_is_still_checked(make_set):
    folder = make_set([(waves(n), MASK, {}) for n in range(3)] + [(waves(9), MASK * 0, {})])
    (folder / "masks/c0.png").unlink()
    whole = (folder / "images/c1.png").read_bytes()
    (folder / "images/c1.png").write_bytes(whole[: len(whole) // 2])
    found = codes(check_set(folder))
    assert {code: remark.cases for code, remark in found.items()} == {
        "file_missing": ("c0",),
        "file_unreadable": ("c1",),
        "mask_empty": ("c3",),
    }


def test_a_name_that_no_disk_could_hold_is_missing(make_set):
    folder = make_set([(waves(0), None, {})])
    manifest = folder / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("images/c0.png", "x" * 500))
    assert set(codes(check_set(folder))) == {"file_missing"}


def test_masks_that_are_empty_for_a_whole_label_are_a_note(make_set):
    rows = [(waves(n), MASK * (n % 2), {"label": "cyst" if n % 2 else "normal"}) for n in range(6)]
    report = check_set(make_set(rows))
    assert report.sound
    assert codes(report, Level.NOTE)["masks_empty_by_label"].cases == ("c0", "c2", "c4")


def test_groups_spelt_differently_and_one_file_for_two_are_found(make_set):
    folder = make_set([(waves(0), None, {"group": "Pat 1"}), (waves(1), None, {"group": "pat1"})])
    report = check_set(folder)
    assert codes(report, Level.WARNING)["group_spelt_differently"].cases == ("c0", "c1")
    manifest = folder / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("images/c1.png", "images/c0.png"))
    assert codes(check_set(folder))["image_of_two_groups"].cases == ("c0", "c1")


def test_a_smaller_recoded_copy_under_another_name_looks_alike(make_set):
    first = waves(0, 240, 320)
    copy = np.asarray(Image.fromarray(first).resize((130, 100)), np.float32) * 0.7 + 30
    report = check_set(make_set([(first, None, {}), (np.uint8(copy), None, {}), (waves(2), None, {})]))
    alike = codes(report, Level.WARNING)["looks_alike"]
    assert alike.cases == ("c0", "c1")
    assert "of 256 bits apart" in alike.message
    assert report.sound


def test_a_mirrored_copy_under_another_name_looks_alike(make_set):
    first = waves(0)
    report = check_set(make_set([(first, None, {}), (waves(2), None, {}), (first[:, ::-1] // 2, None, {})]))
    alike = codes(report, Level.WARNING)["looks_alike"]
    assert alike.cases == ("c0", "c2")
    assert "one of them mirrored" in alike.message


@pytest.mark.parametrize("bits", [64, 256])
def test_copies_are_near_and_others_are_far(bits):
    hashes = np.stack([perceptual_hash(unit_range(waves(seed)), bits) for seed in range(40)])
    darker = np.stack([perceptual_hash(unit_range(waves(seed) * 0.5 + 9), bits) for seed in range(40)])
    assert hashes.shape == (40, bits)
    assert np.count_nonzero(hashes != darker, axis=1).max() <= bits * 0.02
    found = near_pairs(hashes, [str(n) for n in range(40)], bits)
    assert len(found.pairs) == 40 * 39 // 2
    assert found.nearest == min(distance for _, _, distance in found.pairs)
    assert found.nearest > bits * 0.15


def test_pairs_are_those_of_a_plain_count(monkeypatch):
    monkeypatch.setattr("overread_lab.datasets.check.similar._PAIRS_AT_ONCE", 200)
    hashes = np.random.default_rng(0).random((30, 64)) < 0.5
    groups = [str(n // 3) for n in range(30)]
    plain = {
        (i, j, int(np.sum(hashes[i] != hashes[j]))) for i in range(30) for j in range(i + 1, 30) if i // 3 != j // 3
    }
    found = near_pairs(hashes, groups, 28)
    assert set(found.pairs) == {one for one in plain if one[2] <= 28}
    assert found.nearest == min(distance for _, _, distance in plain)
    assert near_pairs(hashes[:3], groups[:3], 64) == Neighbours((), None)


def test_a_border_that_gives_the_label_away_is_told_and_a_harmless_set_is_not(make_set):
    def rows(marked):
        for n in range(60):
            picture = waves(n)
            if marked and n % 2:
                picture[:4] = 255
            yield picture, None, {"label": "sick" if n % 2 else "well", "source": f"s{n // 2 % 2}"}

    told = {p.told_by: p for p in check_set(make_set(rows(True))).probes if p.question == "label" and not p.where}
    border = told["the outer 10 %"]
    assert border.chance == 0.5
    assert border.accuracy.value > 0.9
    assert border.is_shortcut
    assert not told["the source alone"].is_shortcut
    harmless = check_set(make_set(rows(False)))
    # inside one source 30 cases are left, of which 3 in 100 sets are told by chance
    assert not [p for p in harmless.probes if p.is_shortcut and not p.where]


def test_a_source_that_gives_the_label_away_is_told(make_set):
    rows = [(waves(n), None, {"label": "ab"[n % 2], "source": "ST"[n % 2]}) for n in range(40)]
    report = check_set(make_set(rows))
    (source,) = [p for p in report.probes if p.told_by == "the source alone"]
    assert source.accuracy.value == 1.0
    messages = [r.message for r in report.remarks if r.code == "class_of_one_source"]
    assert len(messages) == 2
    assert "'a' come from 'S'" in messages[0]
    assert report.sound


def test_labels_can_be_merged_and_wrong_names_are_refused(make_set):
    folder = make_set([(waves(n), None, {"label": "abc"[n % 3]}) for n in range(36)])
    (classes,) = {p.classes for p in check_set(folder, merge={"ab": ["a", "b"]}).probes if p.question == "label"}
    assert classes == ("ab", "c")
    with pytest.raises(UsageError, match="no case has the label 'z'"):
        check_set(folder, merge={"ab": ["a", "z"]})
    with pytest.raises(UsageError, match="64 or 256"):
        check_set(folder, hash_bits=128)


def test_without_scikit_learn_it_says_what_to_install(make_set, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    report = check_set(make_set([(waves(n), None, {"label": "ab"[n % 2]}) for n in range(20)]))
    assert report.probes == ()
    assert "pip install 'overread[train]'" in codes(report, Level.WARNING)["shortcuts_not_tried"].message


def test_words_are_asked_one_by_one_and_quantities_not_at_all(make_set):
    words = [
        (waves(n), None, {"label": " ".join(w for w, m in (("IPH", 2), ("SAH", 3), ("bone", 1)) if n % m == 0)})
        for n in range(30)
    ]
    questions = {p.question for p in check_set(make_set(words)).probes}
    assert questions == {"label has IPH", "label has SAH"}
    report = check_set(make_set([(waves(n), None, {"label": f"volume_mm3={n}"}) for n in range(6)]))
    assert "labels_are_quantities" in codes(report, Level.NOTE)
    assert report.probes == ()


def test_patients_that_a_card_was_trained_on_are_an_error(make_set):
    folder = make_set([(waves(n), None, {}) for n in range(4)])
    report = check_set(folder, trained_on=TrainingGroups.of(["p1", "p3", "elsewhere"], salt="salt"))
    remark = codes(report)["groups_trained_on"]
    assert remark.cases == ("c1", "c3")
    assert remark.message.startswith("2 of 4 groups")
    assert check_set(folder, trained_on=TrainingGroups.of(["elsewhere"], salt="salt")).sound
