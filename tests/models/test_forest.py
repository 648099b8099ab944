"""Forests as arrays: same answers as the library that fitted them, and no other file is accepted."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import ExitCode, IntegrityError, UsageError
from overread.models import Forest, read_forests, write_forests
from overread_lab.recipes.forest_export import forest_from_sklearn


def stump_forest():
    """One tree: positive share 0.9 where x <= 2, else 0.2."""
    return Forest(
        names=("x", "y"),
        feature=np.array([0, -1, -1], np.int16),
        threshold=np.array([2, 0, 0], np.float32),
        left=np.array([1, 1, 2], np.int32),
        right=np.array([2, 1, 2], np.int32),
        value=np.array([0, 0.9, 0.2], np.float32),
        roots=np.array([0], np.int32),
        depth=1,
    )


def test_a_stump_by_hand():
    scores = stump_forest().score(np.array([[2, 0], [2.1, 0]], np.float32))
    np.testing.assert_allclose(scores, [0.9, 0.2], rtol=1e-6)


def test_wrong_number_of_features_is_refused():
    with pytest.raises(UsageError, match="takes 2 features"):
        stump_forest().score(np.zeros((3, 5), np.float32))


@pytest.mark.parametrize("kind", ["RandomForestClassifier", "ExtraTreesClassifier"])
def test_same_probabilities_as_the_fitting_library(kind):
    ensemble = pytest.importorskip("sklearn.ensemble")
    rng = np.random.default_rng(5)
    table = rng.normal(size=(400, 6)).astype(np.float32)
    label = (table[:, 0] * table[:, 1] + 0.3 * rng.normal(size=400) > 0).astype(int)
    fitted = getattr(ensemble, kind)(n_estimators=20, max_depth=7, random_state=0).fit(table, label)
    ours = forest_from_sklearn(fitted, tuple("abcdef"))
    fresh = rng.normal(size=(300, 6)).astype(np.float32)
    np.testing.assert_allclose(ours.score(fresh), fitted.predict_proba(fresh)[:, 1], atol=1e-6)


def test_written_forests_come_back_and_the_bytes_repeat(tmp_path):
    digest = write_forests(tmp_path / "a.npz", {"one": stump_forest()}, {"seed": 1})
    assert write_forests(tmp_path / "b.npz", {"one": stump_forest()}, {"seed": 1}) == digest
    forests, notes = read_forests(tmp_path / "a.npz", sha256=digest)
    assert notes == {"seed": 1}
    table = np.array([[0, 0], [5, 5]], np.float32)
    np.testing.assert_array_equal(forests["one"].score(table), stump_forest().score(table))


def test_another_digest_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    digest = write_forests(path, {"one": stump_forest()}, {})
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match="SHA-256") as caught:
        read_forests(path, sha256=digest)
    assert caught.value.exit_code is ExitCode.INTEGRITY


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_a_file_that_is_no_forest_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(IntegrityError):
        read_forests(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_forests(tmp_path / "none.npz")
