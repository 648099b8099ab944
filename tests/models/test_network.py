"""Networks are opened by digest, refuse what does not fit, and never depend on threads."""

import numpy as np
import pytest

from overread.errors import ExitCode, IntegrityError, UsageError
from overread.models import Network
from overread.runtime import Runtime

ONE = Runtime(threads=1)


def test_identity_gives_its_input_back(identity_network):
    path, digest = identity_network
    network = Network.open(path, sha256=digest, runtime=ONE)
    image = np.arange(24, dtype=np.float32).reshape(2, 1, 3, 4)
    np.testing.assert_array_equal(network(image), image)
    assert network.sha256 == digest
    assert str(network.inputs[0]) == "image (any, 1, any, any) float32"


def test_threads_change_no_bit(convolution_network):
    path, digest, image = convolution_network
    answers = [Network.open(path, sha256=digest, runtime=Runtime(threads=n))(image) for n in (1, 2, 3)]
    assert np.ptp(answers[0]) > 0.1
    for answer in answers[1:]:
        assert answer.tobytes() == answers[0].tobytes()


def test_a_changed_file_is_refused(identity_network):
    path, digest = identity_network
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(IntegrityError, match=rf"expected {digest}.*put back") as caught:
        Network.open(path, sha256=digest, runtime=ONE)
    assert caught.value.exit_code == ExitCode.INTEGRITY == 5


def test_what_is_no_network_is_refused(tmp_path):
    path = tmp_path / "text.onnx"
    with pytest.raises(IntegrityError, match="cannot be read"):
        Network.open(path, sha256=None, runtime=ONE)
    path.write_text("not protobuf")
    with pytest.raises(IntegrityError, match="not a network"):
        Network.open(path, sha256=None, runtime=ONE)


def test_other_types_are_refused_when_opened(double_network):
    path, digest = double_network
    with pytest.raises(IntegrityError, match=r"image is tensor\(double\), expected"):
        Network.open(path, sha256=digest, runtime=ONE)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("picture", np.zeros((1, 1, 4, 4), np.float32), "takes image, got picture"),
        ("image", np.zeros((1, 3, 4, 4), np.float32), r"image \(any, 1, any, any\) float32, got \(1, 3, 4, 4\)"),
        ("image", np.zeros((4, 4), np.float32), r"got \(4, 4\) float32"),
        ("image", np.zeros((1, 1, 4, 4)), "got .* float64"),
    ],
)
def test_input_that_does_not_fit_is_named(identity_network, name, array, said):
    path, digest = identity_network
    network = Network.open(path, sha256=digest, runtime=ONE)
    with pytest.raises(UsageError, match=said):
        network.run({name: array})
