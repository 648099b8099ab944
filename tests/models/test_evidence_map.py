"""Evidence maps: exact for a linear head, and where the evidence is when that is known."""

import numpy as np
import onnx
import pytest
from onnx import helper

from overread.errors import IntegrityError, UsageError
from overread.models import LinearHead, Network, class_activation, contrast, occlusion
from overread.runtime import Runtime

ONE = Runtime(threads=1)


def head_of(seed: int, features: int = 12, classes: tuple[str, ...] = ("a", "b", "c")) -> LinearHead:
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(len(classes), features)).astype(np.float32)
    return LinearHead(classes, weight, rng.normal(size=len(classes)).astype(np.float32))


def test_the_mean_of_the_cells_is_the_logit_of_the_class_less_that_of_its_rivals():
    head, maps = head_of(1), np.random.default_rng(2).random((5, 12, 7, 7), np.float32)
    logits = head.logits(maps.mean(axis=(2, 3)))
    for place, name in enumerate(head.classes):
        expected = logits[place] - np.delete(logits, place).mean()
        assert class_activation(head, maps, name).mean() == pytest.approx(expected, abs=1e-5)


def test_what_all_classes_share_does_not_move_the_map():
    head, maps = head_of(1), np.random.default_rng(2).random((1, 12, 7, 7), np.float32)
    moved = LinearHead(head.classes, head.weight + np.float32(3), head.bias + np.float32(5))
    np.testing.assert_allclose(class_activation(moved, maps, "b"), class_activation(head, maps, "b"), atol=1e-4)


def test_evidence_stands_where_its_feature_is_active():
    weight = np.zeros((2, 3), np.float32)
    weight[1, 2] = 1
    maps = np.zeros((1, 3, 7, 7), np.float32)
    maps[0, 2, 1, 5], maps[0, 0, 6, 6] = 4, 4
    cells = class_activation(LinearHead(("no", "yes"), weight, np.zeros(2, np.float32)), maps, "yes")
    assert np.unravel_index(cells.argmax(), cells.shape) == (0, 1, 5)
    assert cells[0, 6, 6] == 0


@pytest.mark.parametrize("wrong", ["class", "features", "alone"])
def test_a_map_that_cannot_be_made_is_refused(wrong):
    maps = np.zeros((1, 11 if wrong == "features" else 12, 7, 7), np.float32)
    head = head_of(1, classes=("a",)) if wrong == "alone" else head_of(1)
    with pytest.raises(UsageError, match="feature maps are" if wrong == "features" else "no class"):
        class_activation(head, maps, "d" if wrong == "class" else "a")
    if wrong != "features":
        with pytest.raises(UsageError, match="no class"):
            contrast(head, "d" if wrong == "class" else "a")


def test_covering_the_only_thing_that_counts_makes_the_score_fall_there():
    picture = np.zeros((60, 50), np.float32)
    picture[40:44, 12:16] = 1
    fall = occlusion(lambda pictures: pictures[:, 40:44, 12:16].sum(axis=(1, 2)), picture, patch=8, step=4, fill=0.0)
    assert fall.shape == picture.shape
    row, column = np.unravel_index(fall.argmax(), fall.shape)
    assert 36 <= row < 48
    assert 8 <= column < 20
    assert fall.max() == pytest.approx(16)
    assert np.all(fall[:28] == 0)
    assert np.all(fall[:, 26:] == 0)
    assert np.count_nonzero(fall) <= 20 * 20


def test_every_pixel_is_covered_at_sizes_that_no_step_divides():
    picture = np.random.default_rng(0).random((37, 41)).astype(np.float32)
    assert np.isfinite(occlusion(lambda pictures: pictures.mean(axis=(1, 2)), picture, patch=9, step=7)).all()


@pytest.mark.parametrize(("patch", "step"), [(0, 1), (8, 9), (8, 0), (99, 4)])
def test_squares_that_do_not_fit_are_refused(patch, step):
    with pytest.raises(UsageError, match="do not fit"):
        occlusion(lambda pictures: pictures[:, 0, 0], np.zeros((60, 50), np.float32), patch=patch, step=step)


def test_a_value_inside_a_network_is_shown_and_its_own_answer_stays(convolution_network, tmp_path):
    path, digest, image = convolution_network
    plain = Network.open(path, sha256=digest, runtime=ONE)
    looking = Network.open(path, sha256=digest, runtime=ONE, also=("r1", "r0"))
    assert [port.name for port in looking.outputs] == ["answer", "r1", "r0"]
    assert looking.sha256 == plain.sha256
    answers = looking.run({"image": image})
    np.testing.assert_array_equal(answers["answer"], plain(image))
    assert answers["r0"].shape[:2] == (len(image), 24)
    assert answers["r0"].min() == 0 < answers["r0"].max()


def test_a_long_name_is_shown_too(tmp_path):
    name = "n" * 300  # its length takes two bytes
    ports = [helper.make_tensor_value_info(port, onnx.TensorProto.FLOAT, [1]) for port in ("in", "out")]
    nodes = [helper.make_node("Neg", ["in"], [name]), helper.make_node("Exp", [name], ["out"])]
    graph = helper.make_graph(nodes, "small", ports[:1], ports[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    network = Network.open(tmp_path / "net.onnx", sha256=None, runtime=ONE, also=(name,))
    assert network.run({"in": np.array([2], np.float32)})[name] == -2


def test_a_name_that_no_value_has_is_refused(identity_network):
    path, digest = identity_network
    with pytest.raises(IntegrityError, match="or one without deep_inside"):
        Network.open(path, sha256=digest, runtime=ONE, also=("deep_inside",))
