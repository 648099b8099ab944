"""Pictures that excite a unit: the known best picture of a known filter, and filters as they are."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install -c constraints.txt -e '.[dev,train]'")

from torch import nn  # noqa: E402

from overread.errors import InputError, UsageError  # noqa: E402
from overread_lab.recipes.chest_xray_networks import VGG16, vgg16_goal  # noqa: E402
from overread_lab.studies.feature_visualisation import draw_all, filter_pictures, stages, vgg16  # noqa: E402
from overread_lab.train.visualise import VisualPlan, exciting, first_filters  # noqa: E402

pytestmark = pytest.mark.train

SIDE, CYCLES = 32, 5
PLAN = VisualPlan(size=SIDE, steps=80, jitter=3)


def gratings() -> nn.Sequential:
    """Two filters, the first of waves down the picture, the second of waves across it; five waves to the side."""
    wave = torch.sin(2 * torch.pi * CYCLES / SIDE * torch.arange(13.0))
    network = nn.Sequential(nn.Conv2d(1, 2, 13), nn.ReLU())
    with torch.no_grad():
        network[0].weight[0, 0] = wave[:, None]
        network[0].weight[1, 0] = wave[None, :]
        network[0].weight -= network[0].weight.mean((2, 3), keepdim=True)
        network[0].bias.zero_()
    return network


def strongest_wave(picture: np.ndarray) -> tuple[int, int]:
    """Waves down and across the picture with the most power."""
    power = np.abs(np.fft.fft2(picture - picture.mean()))[: SIDE // 2, : SIDE // 2]
    down, across = np.unravel_index(power.argmax(), power.shape)
    return int(down), int(across)


def test_the_picture_has_the_waves_of_the_filter():
    found = exciting(gratings(), "1", [0, 1], PLAN, seed=0)
    (down, across), (down_2, across_2) = (strongest_wave(picture) for picture in found.pictures)
    assert abs(down - CYCLES) <= 1
    assert across == 0
    assert down_2 == 0
    assert abs(across_2 - CYCLES) <= 1
    assert (found.after > 2 * found.before).all()
    assert found.pictures.shape == (2, SIDE, SIDE)
    assert 0 <= found.pictures.min() < found.pictures.max() <= 1


def test_the_same_seed_gives_the_same_picture_and_leaves_the_network_alone():
    network = gratings()
    weights = network[0].weight.detach().clone()
    one, again, other = (exciting(network, "1", [0], PLAN, seed=seed).pictures for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.01
    assert torch.equal(network[0].weight, weights)
    assert not network[1]._forward_hooks


def test_a_picture_is_smoother_the_more_roughness_costs():
    rough, smooth = (
        exciting(gratings(), "1", [0], VisualPlan(size=SIDE, steps=40, jitter=3, blur_every=0, roughness=r), seed=0)
        for r in (0.0, 60.0)
    )
    assert np.abs(np.diff(smooth.pictures)).mean() < 0.8 * np.abs(np.diff(rough.pictures)).mean()


@pytest.mark.parametrize(("layer", "units", "said"), [("7", [0], "no layer"), ("1", [2], "has 2 units")])
def test_what_is_not_there_is_named(layer, units, said):
    with pytest.raises(UsageError, match=said):
        exciting(gratings(), layer, units, PLAN, seed=0)


def test_stages_end_at_the_last_norm_of_each_stage_of_vgg16():
    network = vgg16_goal().build()
    norms = [dict(network.named_modules())[layer] for layer in stages().values()]
    assert all(isinstance(norm, nn.BatchNorm2d) for norm in norms)
    assert [norm.num_features for norm in norms] == [channels // 4 for channels, _ in VGG16]
    after = [type(network[int(layer) + step]) for layer in stages().values() for step in (1, 2)]
    assert after == [nn.ReLU, nn.MaxPool2d] * len(VGG16)


def test_first_filters_are_drawn_as_they_are():
    filters = first_filters(gratings())
    drawn = filter_pictures(filters)
    assert drawn.shape == (2, 13, 13)
    np.testing.assert_allclose(np.sign(drawn - 0.5), np.sign(filters))
    assert np.abs(drawn - 0.5).max() == pytest.approx(0.5)
    with pytest.raises(UsageError, match="single channel"):
        first_filters(nn.Sequential(nn.Conv2d(3, 4, 3)))


def test_sheets_of_all_stages_are_written(tmp_path):
    lines = list(draw_all(vgg16(None, 0), tmp_path / "out", units=2, steps=2, seed=0))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(line.split(":")[0] for line in lines)
    assert len(lines) == 2 + len(VGG16)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(gratings().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(InputError, match="no weights of VGG16"):
        vgg16(tmp_path / "weights.pt", 0)
