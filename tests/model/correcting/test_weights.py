"""The file of a correcting network: read with care, written for others, and what happens without it."""

import warnings

import numpy as np
import pytest
import torch

from napari_fastsam.core.correcting.clicks import read_clicks
from napari_fastsam.core.correcting.windows import CorrectionWindow, read_picture
from napari_fastsam.errors import ModelError
from napari_fastsam.model.correcting import weights
from napari_fastsam.model.correcting.corrector import GaussianProcess
from napari_fastsam.model.correcting.inputs import WindowInput
from napari_fastsam.model.correcting.network import CorrectionNetwork


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = CorrectionNetwork((8, 8, 12))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network.eval()


@pytest.fixture
def file(tmp_path, network):
    path = tmp_path / "mine.pt"
    torch.save(weights.weights_content(network, network.state_dict(), 32), path)
    return path


def inputs():
    plane = np.random.default_rng(0).integers(0, 256, (80, 80, 3)).astype(np.uint8)
    window = CorrectionWindow(30, 40, 50)
    made, _ = read_clicks([(30, 40), (20, 20)], [1, 0], (80, 80))
    return [WindowInput.of(window, read_picture(plane, window, 32), None, made)] * 2


def test_what_is_written_is_read_and_answers_the_same(file, network):
    predictor = weights.load_corrector(file)
    logits, quality = predictor(inputs())
    with torch.inference_mode():
        wanted, expected = network(torch.from_numpy(np.stack([one.channels() for one in inputs()])))
    assert predictor.cells == 32
    assert logits == pytest.approx(wanted[:, 0].numpy(), abs=0.05)  # half precision
    assert quality == pytest.approx(expected.sigmoid().numpy(), abs=0.01)
    assert file.stat().st_size < 2.2 * sum(p.numel() for p in network.parameters()) + 40_000


def test_a_damaged_file_is_refused(file):
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(ModelError, match="truncated, damaged or not safe"):
        weights.load_corrector(file)


class Evil:
    def __reduce__(self):
        return (print, ("I ran",))


def test_a_file_that_would_run_code_is_refused(tmp_path, capsys):
    path = tmp_path / "evil.pt"
    torch.save({"format": 1, "state": Evil()}, path)
    with pytest.raises(ModelError, match="not safe"):
        weights.load_corrector(path)
    assert "I ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"widths": [8, 8, 10**6]}, "widths"),
        ({"widths": "8, 8"}, "widths"),
        ({"side": 33}, "33 cells"),
        ({"disk": 5.0}, "draws clicks"),
        ({"state": {}}, "missing"),
        ({"state": {"a": 1}}, "no tensors"),
        ({"widths": [8, 8, 16]}, "shape"),
    ],
)
def test_a_file_of_another_kind_says_what_is_wrong(file, change, said):
    content = torch.load(file, weights_only=True)
    torch.save(content | change, file)
    with pytest.raises(ModelError, match=said):
        weights.load_corrector(file)


def test_numbers_that_are_none_are_refused(file):
    content = torch.load(file, weights_only=True)
    content["state"]["stem.bias"][0] = float("nan")
    torch.save(content, file)
    with pytest.raises(ModelError, match="not finite"):
        weights.load_corrector(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.pt"):
        weights.load_corrector(tmp_path / "nowhere.pt")


def test_one_beside_the_own_models_is_found_by_name(file, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_FASTSAM_MODELS", str(tmp_path))
    assert weights.load_corrector("mine").name == "mine"


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_without_its_weights_the_gaussian_process_answers_and_that_is_said_once(damage, file, tmp_path, monkeypatch):
    path = file if damage == "damaged" else tmp_path / "gone.pt"
    if damage == "damaged":
        path.write_bytes(b"not weights")
    monkeypatch.setattr(weights, "BUNDLED_CORRECTIONS", path)
    weights.default_corrector.cache_clear()
    with pytest.warns(RuntimeWarning, match="Gaussian process"):
        assert isinstance(weights.default_corrector(), GaussianProcess)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(weights.default_corrector(), GaussianProcess)
    weights.default_corrector.cache_clear()
