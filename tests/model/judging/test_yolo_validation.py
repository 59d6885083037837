"""Ultralytics' FastSAM validator, run so that it leaves nothing behind."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from napari_fastsam.errors import DatasetError, ImageError, ModelError
from napari_fastsam.model.judging.yolo_validation import validate
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.model.network.ultralytics_ import imported


@dataclass(frozen=True)
class Drawn:
    """An annotated image with its outlines in a file."""

    name: str
    pixels: Any
    file: Path
    group: str = ""

    def image(self) -> np.ndarray:
        return self.pixels

    def labels(self) -> np.ndarray:
        raise AssertionError("the validator reads outlines")


@pytest.fixture
def drawn(tmp_path: Path, picture: Callable[[str], np.ndarray]) -> list[Drawn]:
    return [Drawn(s, picture(s), outlines(tmp_path / f"{s}.txt", picture(f"{s}_labels"))) for s in ("dense", "tissue")]


def outlines(file: Path, labels: np.ndarray, number: int = 0) -> Path:
    with imported():
        import cv2
    size = np.array(labels.shape[::-1])
    lines = []
    for value in np.unique(labels[labels > 0]):
        found, _ = cv2.findContours((labels == value).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        contour = max(found, key=len)[:, 0] / size
        if len(contour) > 2:
            lines.append(f"{number} {' '.join(f'{v:.6f}' for v in contour.ravel())}")
    file.write_text("\n".join(lines))
    return file


def run(model: Model, images: list[Drawn], **settings: Any) -> dict[str, float]:
    return validate(model, images, [i.file for i in images], **settings)


def test_numbers_are_those_that_ultralytics_gives(
    nuclei: Model, drawn: list[Drawn], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with imported():
        from ultralytics import FastSAM
        from ultralytics.data import utils
    monkeypatch.setattr(utils, "check_font", lambda _: None)  # would look for one on the network
    for i, image in enumerate(drawn):
        for folder, suffix in (("images", "png"), ("labels", "txt")):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            file = tmp_path / "data" / folder / f"{i}.{suffix}"
            if suffix == "png":
                iio.imwrite(file, nuclei.rgb8(image.pixels))
            else:
                file.write_text(image.file.read_text())
    yaml = tmp_path / "data" / "data.yaml"
    yaml.write_text(f"path: {tmp_path / 'data'}\ntrain: images\nval: images\nnames: [nucleus]\n")

    theirs = FastSAM(str(nuclei.path)).val(
        data=str(yaml), imgsz=256, single_cls=True, batch=4, device="cpu", plots=False, verbose=False,
        project=str(tmp_path / "runs"),
    )  # fmt: skip

    found = run(nuclei, drawn, imgsz=256)
    assert found == {
        "box_map50": pytest.approx(theirs.box.map50),
        "box_map": pytest.approx(theirs.box.map),
        "mask_map50": pytest.approx(theirs.seg.map50),
        "mask_map": pytest.approx(theirs.seg.map),
    }
    assert found["box_map50"] > found["box_map"] > 0.05


def test_classes_count_as_one_and_numbers_just_outside_are_cut(nuclei: Model, drawn: list[Drawn]) -> None:
    expected = run(nuclei, drawn, imgsz=256)
    for image in drawn:
        lines = image.file.read_text().splitlines()
        image.file.write_text("\n".join(f"{i % 7} {line.partition(' ')[2]}" for i, line in enumerate(lines)) + "\n")
    assert run(nuclei, drawn, imgsz=256) == expected
    text = drawn[0].file.read_text()
    drawn[0].file.write_text(text.replace(" 0.000000", " -0.003"))
    assert " -0.003" in drawn[0].file.read_text()
    assert run(nuclei, drawn, imgsz=256) == expected


def test_sixteen_bits_are_shown_as_prediction_shows_them(nuclei: Model, drawn: list[Drawn]) -> None:
    eight = drawn[0].pixels
    stretched = eight.astype(np.uint16) * 257
    low, high = (float(v) for v in np.percentile(eight, (0.1, 99.9)))
    as_seen = np.clip((eight.astype(float) - low) * 255 / (high - low), 0, 255).round().astype(np.uint8)
    same = [run(nuclei, [Drawn("a", p, drawn[0].file)], imgsz=256) for p in (stretched, as_seen)]
    assert same[0]["mask_map50"] == pytest.approx(same[1]["mask_map50"], abs=0.02)
    assert same[0]["mask_map50"] > 0.05


def test_a_model_exported_for_one_size_is_shown_that_size(nuclei: Model, drawn: list[Drawn]) -> None:
    fixed = replace(nuclei, fixed_input=(128, 128))
    assert run(fixed, drawn) == run(nuclei, drawn, imgsz=128) != run(nuclei, drawn, imgsz=256)


def test_nothing_is_left_behind_fetched_or_said(
    nuclei: Model, drawn: list[Drawn], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    from ultralytics.engine import validator
    from ultralytics.utils import LOGGER, callbacks

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", lambda *a: pytest.fail(f"asked for {a}"))
    before = (
        sorted(tmp_path.rglob("*")),
        validator.check_det_dataset,
        callbacks.add_integration_callbacks,
        LOGGER.level,
    )
    run(nuclei, drawn, imgsz=128)
    after = (
        sorted(tmp_path.rglob("*")),
        validator.check_det_dataset,
        callbacks.add_integration_callbacks,
        LOGGER.level,
    )
    assert after == before
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("ultralytics").level == LOGGER.level


def test_what_it_cannot_use_is_named(nuclei: Model, drawn: list[Drawn], tmp_path: Path) -> None:
    (tmp_path / "no numbers.txt").write_text("0 a b c d e f\n")
    with pytest.raises(DatasetError, match=r"no numbers\.txt cannot be read"):
        run(nuclei, [Drawn("a", drawn[0].pixels, tmp_path / "no numbers.txt")])
    with pytest.raises(DatasetError, match=r"away\.txt cannot be read"):
        run(nuclei, [Drawn("a", drawn[0].pixels, tmp_path / "away.txt")])
    with pytest.raises(ImageError, match=r"^stack: "):
        run(nuclei, [Drawn("stack", np.zeros((5, 6, 7)), drawn[0].file)])


def test_a_failure_inside_is_told_as_one_of_ours(
    nuclei: Model, drawn: list[Drawn], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ultralytics.models.fastsam import FastSAMValidator

    def break_off(*_: Any) -> None:
        raise RuntimeError("out of\nmemory")

    monkeypatch.setattr(FastSAMValidator, "init_metrics", break_off)
    with pytest.raises(ModelError, match="ultralytics' validator failed: out of memory"):
        run(nuclei, drawn, imgsz=128)
