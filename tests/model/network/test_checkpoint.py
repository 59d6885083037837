"""Files that are, and are not, checkpoints of a segmentation network."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_fastsam.core.image.geometry import Letterbox
from napari_fastsam.errors import ModelError
from napari_fastsam.model.network.checkpoint import card_of
from napari_fastsam.model.network.segmenter import Model, load_model
from napari_fastsam.model.weights.card import FASTSAM, Card
from napari_fastsam.model.weights.weights import known


class Payload:
    """What a hostile file holds: unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f"mkdir '{self.folder}'",)


@pytest.fixture(scope="module")
def yolo(nuclei: Model, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write an untrained checkpoint of one of ultralytics' architectures; gives its file."""
    from ultralytics import YOLO

    folder = tmp_path_factory.mktemp("yolo")

    def make(name: str, classes: int | None = None, **more: Any) -> Path:
        path = folder / f"{name}-{classes}.pt"
        if not path.exists():
            torch.manual_seed(0)
            network = YOLO(f"{name}.yaml", verbose=False).model
            if classes is not None:
                network = type(network)(f"{name}.yaml", nc=classes, verbose=False)
            torch.save({"model": network.half(), "ema": None, **more}, path)
        return path

    return make


class TestRefused:
    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"there is no file .*missing\.pt"):
            load_model(tmp_path / "missing.pt")

    @pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
    def test_a_truncated_file(self, nuclei: Model, tmp_path: Path, share: float) -> None:
        whole = nuclei.path.read_bytes()
        path = tmp_path / "part.pt"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ModelError, match=r"part\.pt is truncated, damaged") as caught:
            load_model(path)
        assert "/napari-fastsam-" not in str(caught.value), "the name of a file that the person does not know"

    @pytest.mark.parametrize(
        "content", [b"not a network\n" * 50, bytes(1000), b"PK\x03\x04" + bytes(500)], ids=["text", "zeros", "zip"]
    )
    def test_something_else_called_pt(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "notes.pt"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"notes\.pt is truncated, damaged, or holds something other"):
            load_model(path)

    def test_another_ending(self, tmp_path: Path) -> None:
        path = tmp_path / "model.weights"
        path.write_bytes(b"weights")
        with pytest.raises(ModelError, match=r"does not end in \.pt; expected .* exported from it \(.*\.onnx,"):
            load_model(path)

    @pytest.mark.parametrize(
        "how", ["torch.save", "torch.save, within", "old torch.save", "pickle", "pickle in a name of FastSAM"]
    )
    def test_a_hostile_file_does_not_run(self, tmp_path: Path, how: str, nuclei: Model) -> None:
        done = tmp_path / "it ran"
        path = tmp_path / ("FastSAM-s.pt" if "name" in how else "model.pt")
        payload: object = Payload(done)
        if how == "torch.save, within":
            payload = {"model": torch.nn.Conv2d(1, 1, 1), "ema": payload, "train_args": {"x": payload}}
        if how.startswith("pickle"):
            path.write_bytes(pickle.dumps(payload))
        else:
            torch.save(payload, path, _use_new_zipfile_serialization=how != "old torch.save")
        with pytest.raises(ModelError, match="was not loaded"):
            load_model(path)
        assert not done.exists()
        os.system(f"mkdir '{done}'")  # the payload does what this test believes
        assert done.exists()

    @pytest.mark.parametrize(
        "content",
        [
            [1, 2, 3],
            {"weights": torch.zeros(3)},
            {"model": torch.zeros(3)},
            {"model": torch.zeros(3), "ema": torch.zeros(3)},
            {"model": None},
            {"model": {"conv.weight": torch.zeros(3)}},
            torch.zeros(5),
            {"model": torch.nn.Conv2d(1, 1, 1)},
            {"model": torch.nn.Sequential()},
        ],
        ids=["list", "weights", "tensor", "two tensors", "none", "state dict", "bare tensor", "layer", "no layers"],
    )
    def test_a_file_of_torch_without_a_yolo_network(self, tmp_path: Path, content: object) -> None:
        path = tmp_path / "other.pt"
        torch.save(content, path)
        with pytest.raises(ModelError, match=r"other\.pt (holds|is)"):
            load_model(path)

    def test_a_network_for_another_task(self, yolo: Callable[..., Path]) -> None:
        with pytest.raises(ModelError, match="for the task 'detect'; FastSAM is a segmentation model"):
            load_model(yolo("yolov8n"))


class TestAccepted:
    @pytest.mark.parametrize(
        ("name", "classes"), [("yolov8n-seg", 1), ("yolov8n-seg", 3), ("yolo11n-seg", 1), ("yolo26n-seg", 1)]
    )
    def test_segmentation_networks_of_other_shapes(self, yolo: Callable[..., Path], name: str, classes: int) -> None:
        model = load_model(yolo(name, classes))
        rgb = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
        proposals = model.propose(rgb, imgsz=128, conf_floor=0.0)
        # one proposal a cell of each of the three scales: no suppression and no limit of 300 in the network
        assert len(proposals) == sum((96 // s) * (128 // s) for s in (8, 16, 32)) == 252
        assert proposals.coefficients.shape == (252, 32)
        assert proposals.prototypes.shape == (24, 32, 32)
        assert proposals.letterbox == Letterbox((96, 128), 128)
        assert ((proposals.scores >= 0) & (proposals.scores <= 1)).all()
        assert len(model.segment(rgb, imgsz=128, conf=0.0)) > 0

    def test_of_several_classes_the_best_score_counts(self, yolo: Callable[..., Path]) -> None:
        model = load_model(yolo("yolov8n-seg", 3))
        rgb = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
        with torch.no_grad():  # an untrained network says much the same of every class
            for level in model.network.model[-1].cv3:
                level[-1].bias.add_(torch.tensor([0.0, 1.0, 3.0]))
        batch = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            (predictions, _), *_ = model.network(batch)
        best = np.sort(predictions[0, 4:7].amax(0).numpy())[::-1]
        np.testing.assert_allclose(model.propose(rgb, 64, conf_floor=0.0).scores, best, atol=1e-6)

    @pytest.mark.parametrize("name", ["o'brien's model.pt", "yolov5s.pt", "spaß ü?&.pt", "FASTSAM.PT", " space .pt"])
    def test_any_name_is_the_file_of_that_name(
        self, nuclei: Model, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ultralytics.utils import downloads

        monkeypatch.setattr(downloads, "safe_download", lambda *a, **k: pytest.fail("it asks the network"))
        monkeypatch.setattr(downloads, "get_github_assets", lambda *a, **k: pytest.fail("it asks the network"))
        path = tmp_path / name
        shutil.copyfile(nuclei.path, path)
        assert load_model(path).path == path

    def test_a_relative_path_is_one_from_here(
        self, nuclei: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        shutil.copyfile(nuclei.path, "mine.pt")
        assert load_model("mine.pt").path == tmp_path / "mine.pt"

    def test_fastsams_own_file_in_the_cache(
        self, yolo: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entry = known("FastSAM-s")
        assert entry is not None
        cache.mkdir(parents=True)
        source = yolo("yolov8n-seg", 1)
        shutil.copyfile(source, cache / "FastSAM-s.pt")
        with pytest.raises(ModelError, match="bytes instead of 23,851,578"):
            load_model("FastSAM-s", "cpu")
        by_path = load_model(cache / "FastSAM-s.pt", "cpu")
        assert by_path.imgsz_for((4000, 3000)) == 1024

        import dataclasses

        from napari_fastsam.model.weights import weights

        stored = {"bytes": source.stat().st_size, "sha256": weights.sha256_of(source)}
        registry = tuple(dataclasses.replace(w, **stored) if w is entry else w for w in weights.REGISTRY)
        monkeypatch.setattr(weights, "REGISTRY", registry)
        by_name = load_model("FastSAM-s", "cpu")
        assert by_name.path == cache / "FastSAM-s.pt"
        assert by_name.card.name == "FastSAM-s"
        assert by_name.card.imgsz == FASTSAM.imgsz == 1024
        assert by_name.segment(np.zeros((20, 30), np.uint8), imgsz=64).shape == (20, 30)

    @pytest.mark.parametrize(
        ("arguments", "imgsz"),
        [({"imgsz": 640}, 640), ({"imgsz": 7}, 1024), ({"imgsz": "big"}, 1024), ({}, 1024), (None, 1024), ("x", 1024)],
    )
    def test_a_file_without_a_card_is_asked_for_its_training(self, arguments: object, imgsz: int) -> None:
        card = card_of({"train_args": arguments, "license": "MIT"}, Card(name="mine", origin="unknown"))
        assert card.imgsz == card.trained_imgsz == imgsz
        assert card.licence == "MIT"

    def test_the_training_size_of_a_real_file(self, yolo: Callable[..., Path]) -> None:
        path = yolo("yolov8n-seg", 2, train_args={"imgsz": 480}, license="AGPL-3.0")
        model = load_model(path)
        assert model.imgsz_for((300, 200)) == 480
        assert model.card.licence == "AGPL-3.0"

    def test_the_averaged_weights_come_first(self, yolo: Callable[..., Path], tmp_path: Path) -> None:
        content = torch.load(yolo("yolov8n-seg", 1), weights_only=False)
        other = torch.load(yolo("yolov8n-seg", 1), weights_only=False)["model"]
        with torch.no_grad():
            for parameter in content["model"].parameters():
                parameter.zero_()
        torch.save({"model": content["model"], "ema": other}, tmp_path / "both.pt")
        rgb = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
        expected = load_model(yolo("yolov8n-seg", 1)).propose(rgb, 64, 0.0)
        np.testing.assert_array_equal(load_model(tmp_path / "both.pt").propose(rgb, 64, 0.0).scores, expected.scores)
