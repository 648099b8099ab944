"""Training on a phantom with known truth: it learns, repeats, survives a kill and exports what it learned."""

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from overread.errors import DamagedFileError, IntegrityError, UsageError
from overread.models import Network
from overread.runtime import Runtime
from overread_lab.train.batches import Material
from overread_lab.train.whole import Wish, train_whole

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch", reason="training needs torch: pip install -c constraints.txt -e '.[dev,train]'")

FILE = Path(__file__).with_name("discs.py")
ONE = Runtime(threads=1)


@pytest.fixture(scope="module")
def trained(discs, tmp_path_factory):
    """A whole training of the phantom recipe: (folder, record)."""
    out = tmp_path_factory.mktemp("whole") / "out"
    return out, train_whole(discs.RECIPES[0], Wish(data=Path(), out=out), runtime=ONE)


def test_it_learns_the_discs(trained):
    out, record = trained
    assert record["figures"]["dice"] > 0.9
    assert json.loads((out / "training.json").read_text()) == record
    with (out / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["20", "40", "60"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_exported_network_finds_discs_it_never_saw(discs, trained):
    out, record = trained
    assert record["onnx"]["largest_difference"] <= discs.EXPORT.tolerance
    network = Network.open(out / "discs.onnx", sha256=record["onnx"]["sha256"], runtime=ONE)
    figures = discs.evaluate(lambda images: network(images) - 0.5)
    assert figures["dice"] == pytest.approx(record["figures"]["dice"], abs=1e-3)
    assert b"/" + b"site-packages" not in (out / "discs.onnx").read_bytes()


def test_same_seed_same_bytes_other_seed_others(discs, trained, tmp_path):
    out, record = trained
    again = train_whole(discs.RECIPES[0], Wish(data=Path(), out=tmp_path / "again"), runtime=ONE)
    assert again == record
    assert (tmp_path / "again/discs.onnx").read_bytes() == (out / "discs.onnx").read_bytes()
    assert (tmp_path / "again/curves.csv").read_bytes() == (out / "curves.csv").read_bytes()
    short = replace(discs.RECIPES[0], recipe=replace(discs.RECIPE, steps=10))
    other = [
        train_whole(short, Wish(data=Path(), out=tmp_path / str(seed), seed=seed), runtime=ONE)["weights_sha256"]
        for seed in (0, 1)
    ]
    assert other[0] != other[1]


def test_killed_in_the_middle_and_resumed_gives_the_same_bytes(trained, tmp_path):
    out, record = trained
    command = [sys.executable, str(FILE), str(tmp_path / "killed")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed/checkpoint.pt"
    while not checkpoint.exists():
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "killed/training.json").exists()
    steps = torch.load(checkpoint, weights_only=True)["reached"]["step"]
    assert 0 < steps < 60
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"goes on after step {steps}" in done.stdout
    assert done.stdout.split()[-1] == record["weights_sha256"]
    for name in ("discs.onnx", "weights.pt", "curves.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (out / name).read_bytes(), name


def test_a_folder_with_a_training_is_not_overwritten(discs, trained, tmp_path):
    out, _ = trained
    with pytest.raises(UsageError, match=r"holds a training.*--resume"):
        train_whole(discs.RECIPES[0], Wish(data=Path(), out=out), runtime=ONE)
    with pytest.raises(UsageError, match="belongs to another training: recipe was"):
        train_whole(discs.RECIPES[0], Wish(data=Path(), out=out, seed=5, resume=True), runtime=ONE)


def test_half_a_checkpoint_is_refused(tmp_path):
    from overread_lab.train.checkpoint import Progressed, read_checkpoint, write_checkpoint

    path, of = tmp_path / "checkpoint.pt", {"recipe": {"steps": 3}}
    write_checkpoint(path, {"w": torch.ones(2000)}, {}, Progressed(step=2, losses=[0.5]), of=of)
    network, _, reached = read_checkpoint(path, of=of)
    assert (float(network["w"].sum()), reached.step, reached.losses) == (2000, 2, [0.5])
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(DamagedFileError, match=r"not a checkpoint of a training.*Remove it"):
        read_checkpoint(path, of=of)


def test_a_batch_is_shared_by_all_processes_once():
    from overread_lab.train.hardware import Place

    shares = [Place(torch.device("cpu"), rank, 4).shares(8) for rank in range(4)]
    assert sorted(place for share in shares for place in share) == list(range(8))
    with pytest.raises(UsageError, match="a batch of 8 cannot be shared equally by 3"):
        Place(torch.device("cpu"), 0, 3).shares(8)


def test_an_export_that_differs_is_refused(discs, tmp_path):
    from overread_lab.train.export import export

    torch.manual_seed(0)
    image = np.random.default_rng(0).random((2, 1, discs.SIZE, discs.SIZE)).astype(np.float32)
    strict = replace(discs.EXPORT, float16=True, tolerance=1e-9)
    with pytest.raises(IntegrityError, match=r"differs from torch by .* more than the allowed 1e-09"):
        export(discs.goal().build(), tmp_path / "net.onnx", strict, image, notes={})
    assert not list(tmp_path.iterdir())
    half = export(discs.goal().build(), tmp_path / "h.onnx", replace(strict, tolerance=1e-2), image, notes={})
    full = export(discs.goal().build(), tmp_path / "f.onnx", discs.EXPORT, image, notes={})
    assert half.size < 0.75 * full.size


class _Scripted:
    """Figures in a fixed order, whatever the network."""

    def __init__(self, *figures):
        self.figures = iter(figures)

    def __call__(self, network):
        return {"dice": next(self.figures)}


def test_patience_keeps_the_best_and_stops(discs, tmp_path):
    from overread_lab.train.hardware import placed
    from overread_lab.train.loop import train

    recipe = replace(discs.RECIPE, steps=40, evaluate_every=5, patience=2)
    with placed(threads=1, device="cpu") as place:
        for name, figures in (("a", (0.1, 0.5, 0.4, 0.3)), ("b", (0.1, 0.5))):
            (tmp_path / name).mkdir()
            given = recipe if name == "a" else replace(recipe, patience=None, evaluate_every=5)
            material = Material(discs.Discs(), _Scripted(*figures, *([0.0] * 9)), {})
            result = train(discs.goal(), material, given, tmp_path / name, place=place)
            if name == "a":
                assert result.step == 20
                assert [row["dice"] for row in result.rows] == [0.1, 0.5, 0.4, 0.3]
                best = result.sha256
        stopped = replace(recipe, steps=40, patience=1)
        (tmp_path / "c").mkdir()
        material = Material(discs.Discs(), _Scripted(0.1, 0.5, 0.4), {})
        assert train(discs.goal(), material, stopped, tmp_path / "c", place=place).sha256 == best


def test_a_loss_that_is_no_number_stops_the_training(discs, tmp_path):
    from overread_lab.train.hardware import placed
    from overread_lab.train.loop import DivergedError, Goal, train

    broken = Goal(discs.goal().build, lambda output, target: output.mean() * float("nan"))
    with placed(threads=1, device="cpu") as place, pytest.raises(DivergedError, match="nan at step 1"):
        train(broken, discs.material(None, None), discs.RECIPE, tmp_path, place=place)
    assert not list(tmp_path.iterdir())


def test_two_processes_train_as_one(discs, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(
        "import importlib.util, sys, pathlib, dataclasses\n"
        f"spec = importlib.util.spec_from_file_location('discs_recipe', {str(FILE)!r})\n"
        "discs = importlib.util.module_from_spec(spec); spec.loader.exec_module(discs)\n"
        "from overread.runtime import Runtime\n"
        "from overread_lab.train.whole import Wish, train_whole\n"
        "recipe = dataclasses.replace(discs.RECIPE, steps=12, warmup_steps=2)\n"
        "goal = discs.goal\n"
        "def plain():\n"
        "    from overread_lab.train.loop import Goal\n"
        "    whole = goal()\n"
        "    return Goal(lambda: whole.build()[0], whole.loss)\n"
        "training = dataclasses.replace(discs.RECIPES[0], recipe=recipe, goal=plain)\n"
        "train_whole(training, Wish(data=pathlib.Path(), out=pathlib.Path(sys.argv[1])), runtime=Runtime(threads=1))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    for name, start in (("one", [sys.executable]), ("two", launch)):
        subprocess.run([*start, str(script), str(tmp_path / name)], env=environment, capture_output=True, check=True)
    # A mean over 8 and the mean of two means over 4 are equal but for rounding, which the steps enlarge a little;
    # weights themselves are not compared, because biases before a norm have no effect and drift with the rounding.
    networks = [Network.open(tmp_path / name / "discs.onnx", sha256=None, runtime=ONE) for name in ("one", "two")]
    images, _ = discs.Discs().draw(seed=9, step=0, places=range(8))
    one, two = (network(images) for network in networks)
    assert np.ptp(one) > 0.1
    np.testing.assert_allclose(two, one, atol=5e-3)
    losses = [json.loads((tmp_path / name / "training.json").read_text())["figures"]["loss"] for name in ("one", "two")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
