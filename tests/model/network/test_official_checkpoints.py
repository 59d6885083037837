"""Checkpoints as ultralytics writes them: read without its loader, they are the same networks to the last bit."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_fastsam.cli import app
from napari_fastsam.errors import ModelError
from napari_fastsam.model.network.checkpoint import prepared
from napari_fastsam.model.network.segmenter import Model, load_model

RGB = np.random.default_rng(0).integers(0, 255, (128, 128, 3)).astype(np.uint8)

Save = Callable[[Any, Path], None]


def _trained(name: str, classes: int | None = 1) -> Any:
    """Return a network as if it had been trained: nothing in it is what it began as."""
    from ultralytics.nn.tasks import SegmentationModel

    torch.manual_seed(0)
    network = SegmentationModel(f"{name}.yaml", nc=classes, verbose=False)
    network.names = {i: f"kind {i}" for i in range(network.yaml["nc"])}
    network.args = {"imgsz": 128}
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(layer.weight, 0.8, 1.2)
    return network.eval()


def _as_they_read_it(path: Path) -> Any:
    """Read a file with torch's unrestricted loader, as ultralytics does, and make it ready as always."""
    content = torch.load(path, map_location="cpu", weights_only=False)
    network = content["model"] if content.get("ema") is None else content["ema"]
    return prepared(getattr(network, "module", network), "cpu")


def _assert_same(path: Path) -> Model:
    unwrapped = path.with_name("unwrapped.pt")
    ours, theirs = load_model(path, "cpu"), _as_they_read_it(unwrapped if unwrapped.exists() else path)
    batch = torch.from_numpy(RGB).permute(2, 0, 1)[None].float().div_(255)
    with torch.inference_mode():
        (found, found_prototypes), *_ = ours.network(batch)
        (expected, expected_prototypes), *_ = theirs(batch)
    assert torch.equal(found, expected)
    assert torch.equal(found_prototypes, expected_prototypes)
    assert ours.network.names == theirs.names
    reference = Model("theirs", path, "cpu", ours.card, theirs, source=ours.source)
    instances, wanted = (m.segment(RGB, imgsz=128, conf=0.0, iou=0.7) for m in (ours, reference))
    np.testing.assert_array_equal(instances.scores, wanted.scores)
    np.testing.assert_array_equal(instances.boxes, wanted.boxes)
    assert len(instances) > 0
    return ours


def _by_half(network: Any, path: Path) -> None:
    torch.save({"epoch": -1, "model": deepcopy(network).half(), "ema": None, "train_args": {"imgsz": 128}}, path)


def _whole(network: Any, path: Path) -> None:
    torch.save({"model": network}, path)


def _averaged(network: Any, path: Path) -> None:
    torch.save({"model": None, "ema": deepcopy(network).half(), "updates": 7, "optimizer": None}, path)


def _with_optimizer(network: Any, path: Path) -> None:
    from ultralytics.utils.torch_utils import convert_optimizer_state_dict_to_fp16

    optimizer = torch.optim.AdamW(network.parameters())
    sum(p.sum() for p in network.parameters() if p.requires_grad).backward()
    optimizer.step()
    state = convert_optimizer_state_dict_to_fp16(deepcopy(optimizer.state_dict()))
    metrics = {"fitness": np.float64(0.5), "curve": np.arange(3), "path": Path("runs")}
    more = {"optimizer": state, "scaler": {}, "best_fitness": np.float32(0.25), "train_metrics": metrics}
    torch.save({"epoch": 3, "model": None, "ema": network, **more}, path)


def _by_its_own_save(network: Any, path: Path) -> None:
    from ultralytics import YOLO

    yolo = YOLO("yolov8n-seg.yaml", verbose=False)
    yolo.model = network
    yolo.save(path)


def _with_its_loss(network: Any, path: Path) -> None:
    from ultralytics.utils import DEFAULT_CFG

    network.args = DEFAULT_CFG
    network.criterion = network.init_criterion()
    torch.save({"model": network, "ema": None}, path)


def _data_parallel(network: Any, path: Path) -> None:
    torch.save({"model": torch.nn.DataParallel(network), "ema": None}, path)


def _distributed(network: Any, path: Path) -> None:
    _whole(network, path.with_name("unwrapped.pt"))  # theirs is not read without such a group
    torch.distributed.init_process_group("gloo", f"file://{path}.store", rank=0, world_size=1)
    try:
        wrapped = torch.nn.parallel.DistributedDataParallel(network)
        torch.save({"model": wrapped, "ema": None}, path)
    finally:
        torch.distributed.destroy_process_group()


def _fused(network: Any, path: Path) -> None:
    torch.save({"model": network.fuse(verbose=False), "ema": None}, path)


def _in_the_middle_of_training(network: Any, path: Path) -> None:
    torch.save({"model": network.train(), "ema": None}, path)


def _under_other_layers_settings(network: Any, path: Path) -> None:
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eps, layer.momentum = 1e-5, 0.1
    torch.save({"model": network, "ema": None}, path)


SAVES = (
    _by_half, _whole, _averaged, _with_optimizer, _by_its_own_save, _with_its_loss, _data_parallel, _distributed,
    _fused, _in_the_middle_of_training, _under_other_layers_settings,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("yolov8n-seg", 1),  # FastSAM is one of these
        ("yolov8s-seg", 1),
        ("yolov8n-seg", 80),
        ("yolov8n-seg-p6", 1),
        ("yolov9c-seg", 1),
        ("yolo11n-seg", 1),
        ("yolo11m-seg", 2),
        ("yolo12n-seg", 1),
        ("yolo26n-seg", 1),
        ("yolo26n-seg", 3),
    ],
)
def test_every_architecture(name: str, classes: int, tmp_path: Path) -> None:
    _by_half(_trained(name, classes), tmp_path / "model.pt")
    _assert_same(tmp_path / "model.pt")


@pytest.mark.parametrize("save", SAVES, ids=lambda save: save.__name__.strip("_"))
def test_every_way_of_saving(save: Save, tmp_path: Path) -> None:
    save(_trained("yolov8n-seg"), tmp_path / "model.pt")
    model = _assert_same(tmp_path / "model.pt")
    assert model.network.names == {0: "kind 0"}


def test_the_bundled_file(nuclei: Model) -> None:
    _assert_same(nuclei.path)


@pytest.mark.parametrize("name", ["yolov8n-seg", "yolo11n-seg", "yolo26n-seg"])
def test_an_activation_from_the_list(name: str, tmp_path: Path) -> None:
    from ultralytics.nn.tasks import SegmentationModel, yaml_model_load

    described = yaml_model_load(f"{name}.yaml") | {"activation": "torch.nn.LeakyReLU(0.1)"}
    torch.manual_seed(0)
    network = SegmentationModel(described, nc=1, verbose=False).eval()
    _whole(network, tmp_path / "model.pt")
    _assert_same(tmp_path / "model.pt")


def _rewritten(path: Path, changes: dict[bytes, bytes]) -> None:
    """Let a checkpoint name things as another version of ultralytics did."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            if name.endswith("data.pkl"):
                for now, then in changes.items():
                    assert now in content
                    content = content.replace(now, then)
            archive.writestr(name, content)


def test_names_of_the_first_versions(tmp_path: Path) -> None:
    """Before 8.0.44 all layers were in one module, and the settings in ultralytics.yolo."""
    from ultralytics.utils import IterableSimpleNamespace

    network = _trained("yolov8n-seg")
    network.args = IterableSimpleNamespace(imgsz=128, task="segment")
    for layer in network.modules():
        for key in ("legacy", "n", "format", "max_det", "task", "nc"):
            if key in layer.__dict__ and not hasattr(type(layer), key) and type(layer).__name__ != "Segment":
                del layer.__dict__[key]
    path = tmp_path / "model.pt"
    _by_half(network, path)
    modules = {f"ultralytics.nn.modules.{m}\n".encode(): b"ultralytics.nn.modules\n" for m in ("conv", "block", "head")}
    _rewritten(path, modules)
    _assert_same(path)
    _rewritten(path, {b"ultralytics.utils\nIterable": b"ultralytics.yolo.utils\nIterable"})
    assert load_model(path, "cpu").segment(RGB, imgsz=128, conf=0.0).shape == (128, 128)


class TestConverted:
    @pytest.mark.parametrize("name", ["yolov8n-seg", "yolo26n-seg"])
    def test_it_is_the_same_network(self, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path, output = tmp_path / "model.pt", tmp_path / "plain.pt"
        _by_half(_trained(name), path)
        with pytest.raises(SystemExit) as ended:
            app(["models", "convert", str(path), "-o", str(output)])
        assert ended.value.code == 0
        assert capsys.readouterr().out.strip() == str(output)
        before, after = (load_model(p, "cpu") for p in (path, output))
        for ours, theirs in zip(before.network.state_dict().items(), after.network.state_dict().items(), strict=True):
            assert ours[0] == theirs[0]
            assert torch.equal(ours[1], theirs[1])
        assert after.card.imgsz == before.card.imgsz == 128
        assert after.network.names == {0: "kind 0"}

    def test_nothing_but_plain_values_is_in_it(self, tmp_path: Path) -> None:
        from napari_fastsam.model.network.checkpoint import convert

        _whole(_trained("yolov8n-seg"), tmp_path / "model.pt")
        convert(tmp_path / "model.pt", tmp_path / "plain.pt")
        torch.load(tmp_path / "plain.pt", weights_only=True)

    def test_a_file_that_names_what_is_not_read(self, tmp_path: Path) -> None:
        from fractions import Fraction

        from napari_fastsam.model.network.checkpoint import convert

        path = tmp_path / "model.pt"
        torch.save({"model": _trained("yolov8n-seg"), "ema": None, "share": Fraction(1, 3)}, path)
        with pytest.raises(ModelError, match=r"names 'fractions\.Fraction'.*napari-fastsam models convert .*model\.pt"):
            load_model(path, "cpu")
        convert(path, tmp_path / "plain.pt")
        assert load_model(tmp_path / "plain.pt", "cpu").segment(RGB, imgsz=128, conf=0.0).shape == (128, 128)

    def test_weights_that_somebody_wrote_with_ultralytics(self, tmp_path: Path) -> None:
        """As docs/security.md says how to."""
        network = _trained("yolov8n-seg")
        weights = {f"module.{name}": value for name, value in network.state_dict().items()}
        torch.save({"model": weights, "yaml": network.yaml, "names": network.names}, tmp_path / "plain.pt")
        _whole(network, tmp_path / "model.pt")
        expected, found = (
            load_model(tmp_path / name, "cpu").propose(RGB, 128, 0.0) for name in ("model.pt", "plain.pt")
        )
        np.testing.assert_array_equal(found.scores, expected.scores)
        np.testing.assert_array_equal(found.boxes_input, expected.boxes_input)

    def test_weights_without_a_description_are_told_apart(self, tmp_path: Path) -> None:
        torch.save({"model": _trained("yolov8n-seg").state_dict()}, tmp_path / "weights.pt")
        with pytest.raises(ModelError, match="weights without a description of the network"):
            load_model(tmp_path / "weights.pt", "cpu")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda c: c["model"].pop("model.0.conv.weight"), "lack 'model.0.conv.weight'"),
            (lambda c: c["model"].update(more=torch.zeros(1)), "have 'more'"),
            (lambda c: c["model"].update({"model.0.conv.weight": torch.zeros(3)}), r"model.0.conv.weight is \(3,\)"),
            (lambda c: c.update(stride=[8, float("nan"), 32]), "strides"),
            (lambda c: c.update(stride=[8, 16]), "2 strides for 3 levels"),
            (lambda c: c["layers"].pop("model.0"), "no layer model.0"),
            (lambda c: c["layers"].update({"model.99": ["Conv", {}, []]}), "layers that its description does not say"),
            (lambda c: c["yaml"].pop("head"), "its head is not a list"),
        ],
    )
    def test_what_does_not_go_together(self, change: Callable[[Any], Any], said: str, tmp_path: Path) -> None:
        from napari_fastsam.model.network.checkpoint import convert

        _whole(_trained("yolov8n-seg"), tmp_path / "model.pt")
        convert(tmp_path / "model.pt", tmp_path / "plain.pt")
        content = torch.load(tmp_path / "plain.pt", weights_only=True)
        change(content)
        torch.save(content, tmp_path / "plain.pt")
        with pytest.raises(ModelError, match=said):
            load_model(tmp_path / "plain.pt", "cpu")

    def test_the_file_itself_is_not_overwritten(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "model.pt"
        path.write_bytes(b"x")
        with pytest.raises(SystemExit) as ended:
            app(["models", "convert", str(path), "-o", str(path)])
        assert ended.value.code == 2
        assert "choose another name" in " ".join(capsys.readouterr().err.split())
