"""The rest beyond a subspace: known geometry, storage, refusals."""

import numpy as np
import pytest

from overread.errors import IntegrityError, UsageError
from overread.models import Subspace, fit_subspace, read_subspace, write_subspace


def plane(n=300, f=12, seed=0, noise=0.01):
    """Points of a plane in twelve dimensions, a little off it."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(f, 2)))[0]
    return rng.normal(size=(n, 2)) @ axes.T + noise * rng.normal(size=(n, f)) + 5


def test_what_lies_in_the_plane_is_near_and_what_does_not_is_far():
    found = fit_subspace(plane(), 2)
    usual = found.distance(plane(noise=0.01, n=200))
    assert usual.mean() == pytest.approx(1, abs=0.3)
    away = plane(n=50) + np.random.default_rng(3).normal(size=(50, 12))
    assert found.distance(away).min() > 20


def test_a_known_rest():
    one = Subspace(np.zeros(3), np.ones(3), np.array([[1.0, 0, 0]]), 0.5)
    np.testing.assert_allclose(one.distance(np.array([[7.0, 0, 0], [0, 3.0, 0]])), [0, 3.0**2 / 3 / 0.5])


def test_written_and_read_it_is_the_same_but_for_rounding(tmp_path):
    found = fit_subspace(plane(noise=0.3), 2)  # axes are stored in half precision
    write_subspace(tmp_path / "s.npz", found)
    again = read_subspace(tmp_path / "s.npz", sha256=None)
    np.testing.assert_allclose(again.distance(plane(noise=0.3)), found.distance(plane(noise=0.3)), rtol=0.05)
    write_subspace(tmp_path / "t.npz", found)
    assert (tmp_path / "s.npz").read_bytes() == (tmp_path / "t.npz").read_bytes()
    with pytest.raises(IntegrityError):
        read_subspace(tmp_path / "s.npz", sha256="00" * 32)
    (tmp_path / "bad.npz").write_bytes(b"no file of arrays")
    with pytest.raises(IntegrityError, match="not a file of a subspace"):
        read_subspace(tmp_path / "bad.npz", sha256=None)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(UsageError, match="axes of features"):
        fit_subspace(plane(), 12)
    with pytest.raises(UsageError, match="hardly vary"):
        fit_subspace(np.ones((20, 5)), 2)
    with pytest.raises(UsageError, match="expected"):
        fit_subspace(plane(), 2).distance(np.zeros((3, 5)))
    with pytest.raises(UsageError, match="above 0"):
        Subspace(np.zeros(3), np.ones(3), np.eye(3)[:1], 0.0)
