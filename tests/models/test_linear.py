"""Linear heads: hand-computed answers, files that come back, and damage that is noticed."""

import hashlib

import numpy as np
import pytest

from overread.errors import IntegrityError, UsageError
from overread.models import LinearHead, Temperature, read_heads, write_heads

HEAD = LinearHead(("a", "b"), np.array([[1.0, 0.0], [0.0, 2.0]], np.float32), np.array([0.0, 1.0], np.float32))


def test_logits_are_averaged_over_copies():
    np.testing.assert_allclose(HEAD.logits(np.array([[1.0, 0.0], [3.0, 1.0]])), [2.0, 2.0])
    assert HEAD.probabilities(np.array([[1.0, 0.0], [3.0, 1.0]])) == pytest.approx({"a": 0.5, "b": 0.5})


def test_a_temperature_makes_it_less_sure():
    hot = LinearHead(HEAD.classes, HEAD.weight, HEAD.bias, Temperature(4.0))
    features = np.array([[0.0, 3.0]])
    assert 0.5 < hot.probabilities(features)["b"] < HEAD.probabilities(features)["b"]


def test_a_file_comes_back_and_is_the_same_each_time(tmp_path):
    for name in "ab":
        write_heads(tmp_path / name, {"x": HEAD}, notes={"recipe": "none"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    digest = hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    heads, notes = read_heads(tmp_path / "a", sha256=digest)
    assert notes == {"recipe": "none"}
    assert heads["x"].classes == ("a", "b")
    np.testing.assert_array_equal(heads["x"].weight, HEAD.weight)


def test_damage_is_noticed(tmp_path):
    write_heads(tmp_path / "a", {"x": HEAD}, notes={})
    with pytest.raises(IntegrityError, match="SHA-256"):
        read_heads(tmp_path / "a", sha256="0" * 64)
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes()[:-40])
    with pytest.raises(IntegrityError, match="not a file of linear heads"):
        read_heads(tmp_path / "b", sha256=None)
    with pytest.raises(UsageError):
        HEAD.logits(np.zeros((2, 3)))
    with pytest.raises(UsageError):
        LinearHead(("a",), HEAD.weight, HEAD.bias)
