"""Exported models: the same instances, errors that say what to do, and nothing left behind."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from napari_fastsam.core.likeness.descriptors import FORM, descriptor_kind
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.examples import exemplars_of
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import select
from napari_fastsam.errors import DeviceError, ModelError, ParameterError, PromptError
from napari_fastsam.model.asking.segment import segment
from napari_fastsam.model.export import export
from napari_fastsam.model.export.export import Exported, export_model
from napari_fastsam.model.network.exported import ExportedNetwork, load_exported
from napari_fastsam.model.network.segmenter import Model, load_model
from napari_fastsam.model.weights import weights
from napari_fastsam.model.weights.formats import FORMATS, format_named
from napari_fastsam.model.weights.trust import LIST_VARIABLE, list_path, trust

PICTURES = ("dense", "sparse", "tissue", "wide")
RUN_HERE = ("onnx", "openvino", "torchscript")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """The bundled model in each format that this machine runs; ``fixed`` takes 256 × 256 pixels only."""
    folder = tmp_path_factory.mktemp("exports")
    made = {name: export_model("nuclei", name, folder, imgsz=64) for name in RUN_HERE}
    made["fixed"] = export_model("nuclei", "onnx", folder / "fixed.onnx", imgsz=250, dynamic=False)
    return made


@pytest.fixture
def damaged(exports: dict[str, Exported], tmp_path: Path) -> Callable[[str], Path]:
    """Copy an export, to be damaged; gives the copy."""

    def copy(name: str) -> Path:
        source = exports[name].path
        target = tmp_path / source.name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
        return target

    return copy


def mean_iou(found: Instances, others: Instances) -> float:
    """Mean over all instances of both of the best mask IoU with one of the other."""
    best = [
        max((mask.iou(other) for other in b.masks), default=0.0)
        for a, b in ((found, others), (others, found))
        for mask in a.masks
    ]
    assert best
    return float(np.mean(best))


def everything_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture
def _own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of trusted exports for one test."""
    monkeypatch.setenv(LIST_VARIABLE, str(tmp_path / "own" / "list.txt"))


class TestTrust:
    """Programs run only where the user has vouched for just these bytes."""

    @pytest.mark.usefixtures("_own_list")
    def test_a_program_of_somebody_else_is_not_opened(self, exports: dict[str, Exported]) -> None:
        path = exports["torchscript"].path
        with pytest.raises(ModelError, match=r"was not opened: .* TorchScript is, or may hold, a program") as caught:
            load_model(path, "cpu")
        assert f"napari-fastsam models trust {path}" in str(caught.value)

    @pytest.mark.usefixtures("_own_list")
    def test_it_is_opened_once_the_user_vouches_for_it(self, exports: dict[str, Exported]) -> None:
        path = exports["torchscript"].path
        assert trust(path) == trust(path) == weights.sha256_of(path)
        assert list_path().read_text() == f"{weights.sha256_of(path)}  nuclei.torchscript\n"
        assert load_model(path, "cpu").device == "cpu"

    def test_what_was_exported_here_is_trusted_until_it_changes(self, damaged: Callable[[str], Path]) -> None:
        path = damaged("torchscript")
        assert load_model(path, "cpu").device == "cpu"
        with path.open("ab") as file:
            file.write(b"\0")
        with pytest.raises(ModelError, match="or has changed since"):
            load_model(path, "cpu")

    def test_a_card_does_not_vouch_for_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "x.torchscript"
        path.write_bytes(b"PK a program")
        card = {"name": "x", "task": "segment", "sha256": weights.sha256_of(path), "notes": "Exported here, honestly"}
        path.with_name("x.torchscript.json").write_text(json.dumps(card))
        with pytest.raises(ModelError, match="was not opened"):
            load_model(path, "cpu")

    @pytest.mark.parametrize("name", ["onnx", "openvino"])
    @pytest.mark.usefixtures("_own_list")
    def test_data_needs_no_trust(self, exports: dict[str, Exported], name: str) -> None:
        assert load_model(exports[name].path, "cpu").device == "cpu"
        assert not list_path().exists()


class TestTheSameInstances:
    @pytest.mark.parametrize("name", RUN_HERE)
    def test_on_real_images_of_several_sizes(
        self, exports: dict[str, Exported], nuclei: Model, picture: Callable[[str], np.ndarray], name: str
    ) -> None:
        model = load_model(exports[name].path, "cpu")
        assert model.fixed_input is None
        assert model.device == "cpu"
        for stem in PICTURES:
            image = picture(stem)
            expected, found = nuclei.segment(image), model.segment(image)
            assert len(found) == len(expected) > 10
            assert mean_iou(found, expected) >= 0.999

    @pytest.mark.parametrize("name", RUN_HERE)
    def test_at_prompts_with_closer_looks(
        self, exports: dict[str, Exported], nuclei: Model, fluorescence: np.ndarray, name: str
    ) -> None:
        prompts = Prompts(points=[[126, 94], [147, 244], [30, 30]], boxes=[[345, 442, 406, 494]])
        model = load_model(exports[name].path, "cpu")
        expected, found = segment(nuclei, fluorescence, prompts), segment(model, fluorescence, prompts)
        assert [s.found for s in found] == [s.found for s in expected]
        assert sum(s.found for s in found) >= 3
        for mine, other in zip(found, expected, strict=True):
            if other.mask is not None:
                assert mine.mask is not None
                assert (mine.mask & other.mask).sum() >= 0.99 * (mine.mask | other.mask).sum()

    def test_a_plane_of_just_the_fixed_size(
        self, exports: dict[str, Exported], nuclei: Model, picture: Callable[[str], np.ndarray]
    ) -> None:
        model = load_model(exports["fixed"].path, "cpu")
        assert model.fixed_input == (256, 256)
        image = picture("sparse")
        assert image.shape[:2] == (256, 256)
        # left to itself, the checkpoint would bring the nuclei to the size that it knows, which a fixed input cannot
        assert mean_iou(model.segment(image), nuclei.segment(image, imgsz=256)) >= 0.999

    @pytest.mark.parametrize("crop", [(256, 200), (77, 31), (40, 256), (1, 1)])
    def test_smaller_planes_are_padded_to_the_fixed_size(
        self, exports: dict[str, Exported], nuclei: Model, picture: Callable[[str], np.ndarray], crop: tuple[int, int]
    ) -> None:
        model = load_model(exports["fixed"].path, "cpu")
        # the network in torch, padded in the same way
        reference = dataclasses.replace(nuclei, fixed_input=(256, 256))
        image = picture("dense")[: crop[0], : crop[1]]
        found, expected = model.propose(model.rgb8(image)), reference.propose(reference.rgb8(image))
        assert found.letterbox == expected.letterbox
        assert found.letterbox.input == (256, 256)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
        objects, others = found.instances(0.25, 0.7), expected.instances(0.25, 0.7)
        assert objects.shape == crop
        if len(others):
            assert mean_iou(objects, others) >= 0.999

    def test_larger_planes_are_shown_smaller(self, exports: dict[str, Exported], fluorescence: np.ndarray) -> None:
        model = load_model(exports["fixed"].path, "cpu")
        proposals = model.propose(model.rgb8(fluorescence))
        assert proposals.letterbox.content == (191, 256)
        assert len(proposals.instances(0.25, 0.7)) > 10

    def test_a_fixed_size_looks_closer_within_it(self, exports: dict[str, Exported], fluorescence: np.ndarray) -> None:
        model = load_model(exports["fixed"].path, "cpu")
        # so large that its closer look is shown at more than the fixed size, and nothing fits it
        (selection,) = segment(model, fluorescence, Prompts(boxes=[[2, 2, 30, 690]]))
        assert selection.prompt.kind == "box"

    def test_examples_go_by_form_and_colour_alone(
        self, exports: dict[str, Exported], nuclei: Model, fluorescence: np.ndarray
    ) -> None:
        model, prompts = load_model(exports["onnx"].path, "cpu"), Prompts(examples=[[126, 94]])
        found = model.segment(fluorescence)
        assert descriptor_kind(found) == "pooled-1:none"
        kept, unanswered = exemplars_of(found, prompts)
        assert kept.examples.shape == (1, FORM)
        assert not unanswered
        alike = [s for s in select(found, prompts) if s.found]
        assert 1 <= len(alike) < len(found)
        assert any(s.mask is not None and s.mask[126, 94] for s in alike)
        of_checkpoint, _ = exemplars_of(nuclei.segment(fluorescence), prompts)
        with pytest.raises(PromptError, match="mark examples again"):
            select(found, Prompts(exemplars=of_checkpoint))

    def test_half_weights_are_near(self, nuclei: Model, picture: Callable[[str], np.ndarray], tmp_path: Path) -> None:
        for name in ("onnx", "openvino"):
            made = export_model("nuclei", name, tmp_path, imgsz=64, half=True)
            assert made.bytes < 1.1 * nuclei.path.stat().st_size, "a checkpoint has 16-bit weights"
            image = picture("wide")
            assert mean_iou(load_model(made.path, "cpu").segment(image), nuclei.segment(image)) >= 0.98
            assert "16-bit weights" in json.loads(made.card.read_text())["notes"]


class TestTheSizeOfTheInput:
    def test_more_than_the_fixed_size_is_refused(self, exports: dict[str, Exported]) -> None:
        model = load_model(exports["fixed"].path, "cpu")
        with pytest.raises(ParameterError, match=r"imgsz is 320, but fixed\.onnx was exported for 256 pixels"):
            model.imgsz_for((100, 100), 320)
        with pytest.raises(ParameterError, match="imgsz is 257"):
            model.segment(np.zeros((9, 9), np.uint8), imgsz=257)
        assert model.imgsz_for((100, 100), 256) == model.imgsz_for((100, 100), 250) == 256
        assert model.imgsz_for((100, 100), 64) == 64
        assert model.imgsz_for((1000, 900)) == 256

    def test_any_where_it_is_not_fixed(self, exports: dict[str, Exported]) -> None:
        model = load_model(exports["onnx"].path, "cpu")
        assert model.segment(np.zeros((9, 30), np.uint8), imgsz=1024).shape == (9, 30)

    def test_what_was_exported_says_so(self, exports: dict[str, Exported]) -> None:
        assert exports["fixed"].imgsz == 256
        assert exports["onnx"].imgsz is None

    @pytest.mark.parametrize(("own", "expected"), [(None, 1024), (640, 640)])
    def test_the_cards_size_where_none_is_named(self, nuclei: Model, own: int | None, expected: int) -> None:
        assert export._side(None, dataclasses.replace(nuclei.card, imgsz=own)) == expected

    @pytest.mark.parametrize("imgsz", [0, 31, 8193, 64.5, True])
    def test_sizes_that_are_none(self, imgsz: Any, tmp_path: Path) -> None:
        with pytest.raises(
            ParameterError, match=f"imgsz is {imgsz}; expected a whole number of pixels from 32 to 8192"
        ):
            export_model("nuclei", "onnx", tmp_path, imgsz=imgsz)


class TestCards:
    def test_it_goes_along(self, exports: dict[str, Exported], nuclei: Model) -> None:
        for made in exports.values():
            assert made.card == made.path.with_name(made.path.name + ".json")
            card = load_model(made.path, "cpu").card
            assert card.origin == "file"
            assert card.sha256 == weights.sha256_of(made.path)
            assert nuclei.card.notes in card.notes
            assert weights.sha256_of(nuclei.path) in card.notes
            assert made.format.title in card.notes
            unchanged = {"notes": "", "sha256": None}
            assert dataclasses.replace(card, **unchanged) == dataclasses.replace(nuclei.card, **unchanged)

    def test_of_a_checkpoint_without_one(self, nuclei: Model, tmp_path: Path) -> None:
        source = tmp_path / "mine.pt"
        shutil.copyfile(nuclei.path, source)
        made = export_model(source, "torchscript", tmp_path, imgsz=64)
        expected, card = load_model(source, "cpu").card, load_model(made.path, "cpu").card
        assert expected.origin == "unknown"
        assert (card.name, card.imgsz, card.licence) == ("mine", expected.imgsz, expected.licence)

    def test_a_foreign_export_says_its_size_itself(self, exports: dict[str, Exported], tmp_path: Path) -> None:
        for name, imgsz in (("onnx", 64), ("torchscript", 64), ("openvino", 64), ("fixed", 256)):
            path = exports[name].path
            target = tmp_path / f"foreign-{path.name}"
            (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)
            card = load_model(target, "cpu").card
            assert card.origin == "unknown"
            assert card.imgsz == imgsz
            assert card.licence.startswith("AGPL-3.0")


class TestRefused:
    @pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
    @pytest.mark.parametrize("name", ["onnx", "torchscript"])
    def test_a_truncated_file(self, damaged: Callable[[str], Path], name: str, share: float) -> None:
        path = damaged(name)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        trust(path)
        with pytest.raises(ModelError, match=rf"{path.name} is truncated, damaged, or not a model for"):
            load_model(path, "cpu")

    @pytest.mark.parametrize("part", [".xml", ".bin"])
    @pytest.mark.parametrize("how", ["truncated", "missing"])
    def test_a_damaged_folder(self, damaged: Callable[[str], Path], part: str, how: str) -> None:
        path = damaged("openvino")
        (file,) = path.glob(f"*{part}")
        whole = file.read_bytes()
        file.unlink() if how == "missing" else file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match=r"nuclei_openvino_model is damaged or was not made"):
            load_model(path, "cpu")

    def test_a_damaged_note_of_the_maker_does_no_harm(
        self, damaged: Callable[[str], Path], picture: Callable[[str], np.ndarray], nuclei: Model
    ) -> None:
        path = damaged("openvino")
        (path / "metadata.yaml").write_text("names: [", encoding="utf-8")
        model = load_model(path, "cpu")
        assert model.segment(picture("sparse"), imgsz=256).shape == (256, 256)

    @pytest.mark.parametrize(
        "outputs",
        [
            {"output0": (1, 37, 84)},  # a detector
            {"output0": (1, 300, 38), "output1": (1, 32, 16, 16)},  # with nms
            {"output0": (1, 36, 84), "output1": (1, 32, 16, 16)},  # no class
            {"output0": (1, 37, 84), "output1": (1, 32, 32, 32)},
            {"output0": (2, 37, 84), "output1": (2, 32, 16, 16)},
            {"output0": (37, 84), "output1": (32, 16, 16)},
        ],
        ids=str,
    )
    def test_another_kind_of_onnx(self, tmp_path: Path, outputs: dict[str, tuple[int, ...]]) -> None:
        path = constant_onnx(tmp_path / "other.onnx", outputs)
        with pytest.raises(ModelError, match=r"other\.onnx does not answer like a YOLO segmentation model"):
            load_model(path, "cpu")

    def test_what_the_others_lack_is_enough(self, tmp_path: Path) -> None:
        path = constant_onnx(tmp_path / "like.onnx", {"output0": (1, 37, 84), "output1": (1, 32, 16, 16)})
        assert len(load_model(path, "cpu").segment(np.zeros((64, 64), np.uint8))) == 0

    def test_an_onnx_that_takes_no_image(self, tmp_path: Path) -> None:
        shapes = {"output0": (1, 37, 84), "output1": (1, 32, 16, 16)}
        path = constant_onnx(tmp_path / "other.onnx", shapes, takes=(1, 10))
        with pytest.raises(ModelError, match=r"other\.onnx does not answer like"):
            load_model(path, "cpu")
        path = constant_onnx(tmp_path / "grey.onnx", shapes, takes=(1, 1, 64, 64))
        with pytest.raises(ModelError, match=r"grey\.onnx does not answer like"):
            load_model(path, "cpu")
        path = constant_onnx(tmp_path / "odd.onnx", shapes, takes=(1, 3, 60, 64))
        with pytest.raises(ModelError, match=r"takes 60 × 64 pixels; expected multiples of 32"):
            load_model(path, "cpu")

    def test_a_module_that_is_no_network_of_ours(self, tmp_path: Path) -> None:
        path = tmp_path / "other.torchscript"
        with pytest.warns(FutureWarning, match=r"torch\.jit"):
            torch.jit.trace(torch.nn.Conv2d(3, 1, 3), torch.zeros(1, 3, 64, 64)).save(path)
        trust(path)
        with pytest.raises(ModelError, match="does not answer like a YOLO segmentation model"):
            load_model(path, "cpu")

    @pytest.mark.parametrize(
        ("name", "module", "extra"), [("onnx", "onnxruntime", "onnx"), ("openvino", "openvino", "openvino")]
    )
    def test_without_the_library_that_runs_it(
        self, exports: dict[str, Exported], monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str
    ) -> None:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ModelError, match=rf"which needs {module}; run: pip install 'napari-fastsam\[{extra}\]'"):
            load_model(exports[name].path, "cpu")

    @pytest.mark.parametrize(
        "name", [f.name for f in FORMATS if f.name not in ("onnx", "openvino", "torchscript", "xilinx")]
    )
    def test_formats_whose_library_is_not_here(self, tmp_path: Path, name: str) -> None:
        format_ = format_named(name)
        path = tmp_path / f"x{format_.suffix}"
        path.mkdir() if format_.folder else path.touch()
        trust(path)
        with pytest.raises(ModelError, match=r"is a model for .* run: pip install \w|truncated, damaged"):
            load_model(path, "cpu")

    def test_nothing_is_installed_behind_the_persons_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nuclei: Model
    ) -> None:
        from ultralytics.utils import checks

        # as where somebody else imported ultralytics before us
        monkeypatch.setattr(checks, "AUTOINSTALL", True)
        monkeypatch.setattr(checks.subprocess, "check_output", lambda *a, **k: pytest.fail("it installs something"))
        path = tmp_path / "x.mnn"
        path.touch()
        trust(path)
        with pytest.raises(ModelError, match=r"cannot be run here .*MNN.*; run: pip install MNN"):
            load_exported(path, dataclasses.replace(format_named("mnn"), to_run=()), "cpu")
        assert checks.AUTOINSTALL is True

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_a_device_that_is_not_there(self, exports: dict[str, Exported]) -> None:
        with pytest.raises(DeviceError, match="sees no CUDA GPU"):
            load_model(exports["onnx"].path, "cuda")

    def test_a_device_that_the_library_does_not_know(
        self, exports: dict[str, Exported], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        for name in ("onnx", "openvino"):
            with pytest.raises(DeviceError, match=r"device 'cuda' was asked for, but .* runs on 'cpu'; use 'auto'"):
                load_model(exports[name].path, "cuda")
            assert load_model(exports[name].path, "auto").device == "cpu"

    def test_a_failure_while_it_runs_names_the_file(self) -> None:
        def fail(batch: torch.Tensor) -> Any:
            raise RuntimeError("out of memory\nand more")

        network = ExportedNetwork(Path("some.engine"), format_named("engine"), "cpu", None, {}, fail)
        with pytest.raises(
            ModelError, match=r"TensorRT failed on an input of 32 × 64 pixels \(RuntimeError: out of mem"
        ):
            network(torch.zeros(1, 3, 32, 64))

    def test_outputs_in_the_other_order(self) -> None:
        first, second = torch.zeros(1, 32, 8, 8), torch.zeros(1, 37, 21)
        network = ExportedNetwork(Path("x.mnn"), format_named("mnn"), "cpu", None, {}, lambda _: [first, second])
        ((predictions, prototypes),) = network(torch.zeros(1, 3, 32, 32))
        assert predictions is second
        assert prototypes is first


class TestOtherRuntimes:
    """Formats that ultralytics' own backends run; NCNN and MNN were tried by hand, their libraries are not here."""

    @pytest.fixture
    def backend(self, nuclei: Model, monkeypatch: pytest.MonkeyPatch) -> None:
        class Backend:
            """The network in torch, which reads memory as if channels came first, as NCNN does."""

            device = torch.device("cpu")
            metadata = {"imgsz": [256, 256], "args": {"dynamic": False}, "license": "none"}  # noqa: RUF012

            def __init__(self, path: str, device: torch.device, verbose: bool) -> None:
                assert Path(path).name == "x.mnn"
                assert not verbose

            def __call__(self, batch: torch.Tensor) -> list[torch.Tensor]:
                flat = torch.as_strided(batch, (batch.numel(),), (1,))
                (predictions, prototypes), *_ = nuclei.network(flat.reshape(batch.shape))
                return [predictions, prototypes]

        monkeypatch.setattr("ultralytics.nn.autobackend.AutoBackend", Backend)
        monkeypatch.setitem(sys.modules, "MNN", sys)

    @pytest.mark.usefixtures("backend")
    def test_their_memory_and_their_notes(
        self, nuclei: Model, tmp_path: Path, picture: Callable[[str], np.ndarray]
    ) -> None:
        (tmp_path / "x.mnn").touch()
        trust(tmp_path / "x.mnn")
        model = load_model(tmp_path / "x.mnn", "cpu")
        assert model.fixed_input == (256, 256)
        assert model.card.licence == "none"
        image = picture("sparse")
        # of the file nothing is known, so it is used as ultralytics would
        plain = dataclasses.replace(nuclei, card=dataclasses.replace(nuclei.card, window="type", box_pixels="index"))
        assert mean_iou(model.segment(image), plain.segment(image, imgsz=256, conf=0.25, iou=0.7)) >= 0.999


class TestExporting:
    def test_nothing_is_left_anywhere(self, nuclei: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folders = {name: tmp_path / name for name in ("here", "beside", "temporary", "home", "out")}
        for folder in folders.values():
            folder.mkdir()
        source = folders["beside"] / "it's.my.pt model.pt"
        shutil.copyfile(nuclei.path, source)
        monkeypatch.chdir(folders["here"])
        monkeypatch.setenv("TMPDIR", str(folders["temporary"]))
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.setenv("HOME", str(folders["home"]))
        before = nuclei.path.parent, everything_in(nuclei.path.parent)
        for name in ("onnx", "openvino", "torchscript"):
            made = export_model(source, name, folders["out"], imgsz=64)
            assert made.source == source
        assert everything_in(folders["here"]) == everything_in(folders["temporary"]) == set()
        assert everything_in(folders["home"]) == set()
        assert everything_in(folders["beside"]) == {source.name}
        assert {p.name for p in folders["out"].iterdir()} == {
            f"{source.stem}{format_named(n).suffix}{end}" for n in RUN_HERE for end in ("", ".json")
        }
        assert everything_in(before[0]) == before[1]
        assert len(load_model(made.path, "cpu").segment(np.zeros((40, 40), np.uint8))) == 0

    def test_nothing_is_sent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Openvino's converter tells its makers of each conversion, where the module that does so is there."""
        spy = tmp_path / "path" / "openvino_telemetry.py"
        spy.parent.mkdir()
        spy.write_text(f"open({str(tmp_path / 'it told')!r}, 'w').close()\n")
        monkeypatch.setenv("PYTHONPATH", str(spy.parent))
        export_model("nuclei", "openvino", tmp_path, imgsz=64)
        assert not (tmp_path / "it told").exists()

    @pytest.mark.parametrize("name", RUN_HERE)
    def test_running_it_leaves_and_sends_nothing(self, exports: dict[str, Exported], tmp_path: Path, name: str) -> None:
        """ONNX Runtime 1.32 keeps a file of statistics, and sends them, where it is not told to leave that."""
        home, cache = tmp_path / "home", tmp_path / "cache"
        home.mkdir()
        code = f"""
import os
import numpy as np
before = dict(os.environ)
import napari_fastsam as fs
fs.load_model({str(exports[name].path)!r}, "cpu").segment(np.zeros((64, 64), np.uint8))
assert dict(os.environ) == before
import sys, torch
assert torch.get_num_threads() > 1 or os.cpu_count() == 1
print([name for name in ("torchvision", "triton", "matplotlib") if name in sys.modules])
"""
        kept = ("YOLO_", "OMP_", "XDG_", "ORT_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(kept)}
        environment |= {"HOME": str(home), "TMPDIR": str(home), "NAPARI_FASTSAM_CACHE": str(cache)}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, cwd=home
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "[]", "not needed, and a danger beside OpenGL"
        assert done.stderr == ""
        assert everything_in(home) == set()

    def test_no_path_of_this_machine_is_in_the_file(self, exports: dict[str, Exported]) -> None:
        content = exports["onnx"].path.read_bytes()
        for text in (str(Path.home()), str(weights.BUNDLED_FOLDER), "napari-fastsam-"):
            if len(text) > 5:
                assert text.encode() not in content

    def test_here_is_where_it_goes_if_nothing_else_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        made = export_model("nuclei", "torchscript", imgsz=64)
        assert made.path.name == "nuclei.torchscript"
        assert everything_in(tmp_path) == {"nuclei.torchscript", "nuclei.torchscript.json"}

    @pytest.mark.parametrize("name", ["onnx", "openvino"])
    def test_what_is_there_is_replaced_whole(self, tmp_path: Path, name: str) -> None:
        target = tmp_path / f"x{format_named(name).suffix}"
        if name == "openvino":
            target.mkdir()
            (target / "of another model.xml").touch()
        else:
            target.write_text("old")
        made = export_model("nuclei", name, target, imgsz=64)
        assert made.replaced
        assert load_model(target, "cpu").fixed_input is None
        assert not (target / "of another model.xml").exists()
        assert {p.name for p in tmp_path.iterdir()} == {target.name, f"{target.name}.json"}

    @pytest.mark.parametrize("name", ["onnx", "openvino"])
    def test_a_full_disk_leaves_what_was_there(
        self, exports: dict[str, Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        def full(*args: Any, **more: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        source = exports[name].path
        target = tmp_path / source.name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
        before = everything_in(tmp_path)
        monkeypatch.setattr(export, "_made", lambda *a: (source, {}))
        monkeypatch.setattr(shutil, "copytree" if source.is_dir() else "copyfile", full)
        with pytest.raises(ModelError, match=r"cannot be written: No space left on device; make room"):
            export_model("nuclei", name, tmp_path)
        monkeypatch.undo()
        assert everything_in(tmp_path) == before
        assert load_model(target, "cpu").name

    def test_a_folder_that_cannot_be_put_there_leaves_the_old_one(
        self, exports: dict[str, Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target = tmp_path / "x_openvino_model"
        shutil.copytree(exports["openvino"].path, target)
        before, rename = everything_in(tmp_path), Path.rename

        def fails(self: Path, other: Path) -> Path:
            if self.name == "new":
                raise OSError(errno.EIO, "Input/output error")
            return rename(self, other)

        monkeypatch.setattr(Path, "rename", fails)
        with pytest.raises(ModelError, match="cannot be written: Input/output error"):
            export._put(exports["openvino"].path, target)
        assert everything_in(tmp_path) == before

    @pytest.mark.parametrize(
        ("output", "message"),
        [
            ("x.pt", r"output is '.*x\.pt'; expected a folder that is there, or a name that ends in \.onnx"),
            (".onnx", "expected a folder that is there, or a name"),
            ("missing/x.onnx", "there is no folder .*missing"),
            ("a folder.onnx/x", "expected a folder that is there"),
        ],
    )
    def test_places_that_are_none(self, tmp_path: Path, output: str, message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            export_model("nuclei", "onnx", tmp_path / output)

    def test_a_file_where_a_folder_is_made(self, tmp_path: Path) -> None:
        (tmp_path / "x_openvino_model").touch()
        with pytest.raises(ParameterError, match="is no folder; choose another output"):
            export_model("nuclei", "openvino", tmp_path / "x_openvino_model")
        (tmp_path / "nuclei.onnx").mkdir()
        with pytest.raises(ParameterError, match="is a folder; choose another output"):
            export_model("nuclei", "onnx", tmp_path)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"format": "ncnn", "dynamic": True}, "NCNN takes images of one size only"),
            ({"format": "litert", "half": True}, "LiteRT cannot hold 16-bit floats"),
            ({"format": "imx"}, "Sony IMX500 is made of 8-bit integers.* name some as a YOLO data.yaml with data"),
            ({"format": "onnx", "data": "data.yaml"}, "ONNX needs no example images; leave data out"),
            ({"format": "imx", "data": "missing.yaml"}, "data is 'missing.yaml', and there is no such file"),
        ],
    )
    def test_options_that_do_not_fit(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            export_model("nuclei", **options)

    def test_an_exported_model_is_not_exported(self, exports: dict[str, Exported], tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"is an exported model; name the checkpoint, a \.pt file"):
            export_model(exports["onnx"].path, "openvino", tmp_path)

    def test_a_checkpoint_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "x.pt").write_bytes(b"nothing")
        with pytest.raises(ModelError, match=r"x\.pt is truncated, damaged") as caught:
            export_model(tmp_path / "x.pt", "torchscript", tmp_path)
        assert "napari-fastsam-" not in str(caught.value)
        assert everything_in(tmp_path) == {"x.pt"}

    def test_a_hostile_checkpoint_does_not_run(self, tmp_path: Path) -> None:
        torch.save({"model": Payload(tmp_path / "it ran")}, tmp_path / "x.pt")
        with pytest.raises(ModelError, match="was not loaded"):
            export_model(tmp_path / "x.pt", "torchscript", tmp_path)
        assert not (tmp_path / "it ran").exists()

    def test_what_ultralytics_refuses_is_told(self, tmp_path: Path) -> None:
        if torch.cuda.is_available():
            pytest.skip("it can here")
        with pytest.raises(ModelError, match=r"could not be exported for TorchScript \(.*only supported on GPU"):
            export_model("nuclei", "torchscript", tmp_path, half=True)

    @pytest.mark.parametrize("name", ["ncnn", "coreml"])
    def test_a_missing_library_is_named_before_anything_is_done(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr(export.subprocess, "run", lambda *a, **k: pytest.fail("it began"))
        for module in ("ncnn", "coremltools"):
            monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(
            ModelError, match=r"exporting for .* needs .*, which (is|are) not installed; run: pip install"
        ):
            export_model("nuclei", name, tmp_path)
        assert everything_in(tmp_path) == set()

    @pytest.fixture
    def crashing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        script = tmp_path / "python"
        script.write_text("#!/bin/sh\necho 'one line' >&2\necho 'Segmentation fault' >&2\nexit 139\n")
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))
        yield
        script.unlink()

    @pytest.mark.usefixtures("crashing")
    def test_a_converter_that_crashes(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"the converter ended with status 139 \(Segmentation fault\)"):
            export_model("nuclei", "torchscript", tmp_path)
        assert everything_in(tmp_path) == {"python"}


class Payload:
    """What a hostile file holds: unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.path), "w")


def constant_onnx(path: Path, outputs: dict[str, tuple[int, ...]], takes: tuple[int, ...] = (1, 3, 64, 64)) -> Path:
    """Write an ONNX model that answers zeros of given shapes, whatever it is shown."""
    number = onnx.TensorProto.FLOAT
    nodes = [
        onnx.helper.make_node(
            "Constant", [], [name], value=onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name)
        )
        for name, shape in outputs.items()
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "constant",
        [onnx.helper.make_tensor_value_info("images", number, takes)],
        [onnx.helper.make_tensor_value_info(name, number, shape) for name, shape in outputs.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path
