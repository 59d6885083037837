"""What was exported answers as the checkpoint does; whom it is trusted from; its card."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporting import RUN_HERE, mean_iou
from napari_fastsam.core.likeness.descriptors import FORM, descriptor_kind
from napari_fastsam.core.prompts.examples import exemplars_of
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import select
from napari_fastsam.errors import ModelError, ParameterError, PromptError
from napari_fastsam.model.asking.segment import segment
from napari_fastsam.model.export import export
from napari_fastsam.model.export.export import Exported, export_model
from napari_fastsam.model.network.segmenter import Model, load_model
from napari_fastsam.model.weights import weights
from napari_fastsam.model.weights.trust import LIST_VARIABLE, list_path, trust

PICTURES = ("dense", "sparse", "tissue", "wide")


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
