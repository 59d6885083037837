"""Stage one with the bundled model, on real images and on ones that nobody would expect."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files

import imageio.v3 as iio
import numpy as np
import pytest
import torch

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import match
from napari_fastsam.errors import DeviceError, ImageError, ModelError, ParameterError
from napari_fastsam.model.network.device import resolve_device
from napari_fastsam.model.network.segmenter import MAX_NATIVE_PIXELS, Model


@pytest.fixture(scope="module")
def grey(picture: Callable[[str], np.ndarray]) -> np.ndarray:
    """(256, 256) uint8 up to 108, with two dozen nuclei."""
    return picture("sparse")


class TestFinding:
    @pytest.mark.parametrize(("stem", "least"), [("sparse", 0.5), ("dense", 0.45), ("wide", 0.45), ("tissue", 0.3)])
    def test_objects_found_are_objects_drawn(
        self, nuclei: Model, picture: Callable[[str], np.ndarray], stem: str, least: float
    ) -> None:
        found = nuclei.segment(picture(stem), iou=0.5)
        (matching,) = match(found.to_labels(), picture(f"{stem}_labels"), (0.5,))
        assert matching.average_precision >= least
        assert matching.mean_matched_iou >= 0.65

    def test_the_face_of_instances(self, nuclei: Model, picture: Callable[[str], np.ndarray]) -> None:
        image = picture("wide")
        found = nuclei.segment(image)
        assert found.shape == image.shape[:2]
        assert found.boxes.shape == (len(found), 4)
        assert found.boxes.dtype == found.scores.dtype == np.float32
        assert (np.diff(found.scores) <= 0).all()
        assert (found.scores > 0.25).all()
        for i in range(len(found)):
            mask = found.mask(i)
            assert mask.shape == found.shape
            assert mask.dtype == bool
            assert mask.any()
            rows, columns = np.nonzero(mask)
            y0, x0, y1, x1 = found.boxes[i]
            assert y0 - 1 <= rows.min()
            assert rows.max() <= y1
            assert x0 - 1 <= columns.min()
            assert columns.max() <= x1
        labels = found.to_labels()
        assert labels.dtype == np.int32
        assert labels.shape == found.shape
        assert labels.max() <= len(found)

    @pytest.mark.parametrize(("conf", "iou"), [(0.05, 0.9), (0.1, 0.3), (0.25, 0.7), (0.6, 0.5), (0.25, 0.02)])
    def test_thresholds_later_are_thresholds_before(
        self, nuclei: Model, picture: Callable[[str], np.ndarray], conf: float, iou: float
    ) -> None:
        image = picture("dense")
        kept = nuclei.propose(nuclei.rgb8(image)).instances(conf, iou)
        fresh = nuclei.segment(image, conf=conf, iou=iou)
        assert len(fresh) > 5
        np.testing.assert_array_equal(kept.boxes, fresh.boxes)
        np.testing.assert_array_equal(kept.scores, fresh.scores)
        assert all((a.pixels == b.pixels).all() for a, b in zip(kept.masks, fresh.masks, strict=True))

    def test_the_same_image_twice_is_the_same_answer(self, nuclei: Model, picture: Callable[[str], np.ndarray]) -> None:
        first, second = (nuclei.segment(picture("sparse")) for _ in range(2))
        np.testing.assert_array_equal(first.to_labels(), second.to_labels())

    @pytest.mark.parametrize("kind", ["uint16", "int32", "float32", "float64", "rgb", "rgba", "float rgb"])
    def test_what_matters_is_the_picture_and_not_its_type(self, nuclei: Model, grey: np.ndarray, kind: str) -> None:
        rgb = np.repeat(grey[..., None], 3, axis=2)
        image = {
            "rgb": rgb,
            "rgba": np.concatenate([rgb, np.zeros_like(rgb[..., :1])], axis=2),
            "float rgb": rgb / 255,
        }.get(kind)
        image = grey.astype(kind) * 3 if image is None else image
        limits, same = ((0, 765), (0, 255)) if image.ndim == 2 else (None, None)
        expected = nuclei.segment(grey, contrast_limits=same)
        found = nuclei.segment(image, contrast_limits=limits)
        assert len(found) == len(expected) >= 12
        np.testing.assert_array_equal(found.to_labels(), expected.to_labels())

    def test_the_contrast_window_decides(self, nuclei: Model, grey: np.ndarray) -> None:
        dim = grey // 12
        assert len(nuclei.segment(dim, contrast_limits=(0, 10))) >= 12
        assert len(nuclei.segment(dim, contrast_limits=(200, 255))) == 0

    def test_an_image_that_is_read_only_and_not_contiguous(self, nuclei: Model, grey: np.ndarray) -> None:
        image = np.repeat(grey[..., None], 6, axis=2)[:, ::2, ::2]
        image.setflags(write=False)
        expected = nuclei.segment(np.ascontiguousarray(image)).to_labels()
        np.testing.assert_array_equal(nuclei.segment(image).to_labels(), expected)
        contiguous = np.ascontiguousarray(image[:96, :96])
        contiguous.setflags(write=False)
        assert nuclei.propose(contiguous).shape == (96, 96)

    def test_a_dask_array_is_computed(self, nuclei: Model, grey: np.ndarray) -> None:
        import dask.array as da

        lazy = da.from_array(np.array(grey), chunks=50)
        np.testing.assert_array_equal(nuclei.segment(lazy).to_labels(), nuclei.segment(grey).to_labels())


class TestOddImages:
    @pytest.mark.parametrize("imgsz", [None, 32, 320])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (2, 1), (1, 500)])
    def test_next_to_no_pixels(self, nuclei: Model, shape: tuple[int, ...], imgsz: int | None) -> None:
        found = nuclei.segment(np.full(shape, 100, np.uint8), imgsz=imgsz)
        assert found.shape == shape[:2]
        assert found.to_labels().shape == shape[:2]

    @pytest.mark.parametrize("imgsz", [None, 1024, 32])
    def test_a_strip_takes_the_memory_of_a_strip(
        self, nuclei: Model, picture: Callable[[str], np.ndarray], imgsz: int | None
    ) -> None:
        strip = np.tile(picture("dense")[100:120].astype(np.uint16), (1, 58))[:, :20_000]
        tracemalloc.start()
        try:
            found = nuclei.segment(strip, imgsz=imgsz)
            labels = found.to_labels()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert labels.shape == (20, 20_000)
        assert peak < 130e6  # a square of this side would take 20 GB
        if imgsz is None:  # at its own scale what is in it is seen
            assert len(found) >= 200

    @pytest.mark.parametrize("value", [0, 255])
    def test_a_constant_image_holds_nothing(self, nuclei: Model, value: int) -> None:
        found = nuclei.segment(np.full((64, 96), value, np.uint8))
        assert len(found) == 0
        assert not found.to_labels().any()
        assert len(found.filter(conf=0.5, iou=0.5, min_area=3)) == 0

    def test_nan_is_background(self, nuclei: Model, grey: np.ndarray) -> None:
        image = grey.astype(np.float32)
        image[:, :128] = np.nan
        found = nuclei.segment(image)
        assert len(found) >= 6
        assert not found.to_labels()[:, :120].any()

    @pytest.mark.parametrize(
        "image",
        [
            np.full((8, 8), np.nan),
            np.zeros((0, 8)),
            np.zeros((8, 0, 3)),
            np.zeros((3, 8, 8)),
            np.zeros((8, 8), complex),
        ],
        ids=["all NaN", "no rows", "no columns", "a stack", "complex"],
    )
    def test_what_cannot_be_segmented_is_refused(self, nuclei: Model, image: np.ndarray) -> None:
        with pytest.raises(ImageError):
            nuclei.segment(image)


class TestInputSize:
    @pytest.mark.parametrize(
        "imgsz", [0, 31, -64, 8193, 640.5, float("nan"), float("inf"), True, "640", [640]], ids=repr
    )
    def test_a_size_that_cannot_be(self, nuclei: Model, imgsz: object) -> None:
        with pytest.raises(ParameterError, match=r"imgsz is .*expected a whole number of pixels from 32 to 8192"):
            nuclei.segment(np.zeros((64, 64), np.uint8), imgsz=imgsz)  # type: ignore[arg-type]

    @pytest.mark.parametrize(("imgsz", "expected"), [(32, 32), (33, 64), (640.0, 640), (np.int64(1000), 1024)])
    def test_it_is_rounded_up_to_whole_strides(self, nuclei: Model, imgsz: int, expected: int) -> None:
        assert nuclei.imgsz_for((50, 60), imgsz) == expected

    @pytest.mark.parametrize(
        ("shape", "expected"),
        [((256, 256), 256), ((520, 696), 704), ((1, 1), 32), ((20, 20_000), 20_000), ((4096, 4096), 4096)],
    )
    def test_none_is_the_images_own_scale(self, nuclei: Model, shape: tuple[int, int], expected: int) -> None:
        assert nuclei.imgsz_for(shape) == expected

    @pytest.mark.parametrize("shape", [(9000, 9000), (100_000, 300), (1, 16_000_000), (5000, 4000)])
    def test_none_stays_within_what_memory_may_hold(self, nuclei: Model, shape: tuple[int, int]) -> None:
        longest = nuclei.imgsz_for(shape)
        shortest = max(32, longest * min(shape) / max(shape))
        assert longest * shortest <= MAX_NATIVE_PIXELS * 1.02
        assert longest * shortest >= MAX_NATIVE_PIXELS * 0.5

    @pytest.mark.parametrize(("conf", "iou"), [(-0.1, 0.7), (1.5, 0.7), (0.25, -1), (0.25, float("nan"))])
    def test_thresholds_out_of_range(self, nuclei: Model, conf: float, iou: float) -> None:
        with pytest.raises(ParameterError):
            nuclei.segment(np.zeros((64, 64), np.uint8), conf=conf, iou=iou)


class TestDevice:
    @pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "mps:0", ""])
    def test_no_such_device(self, device: str) -> None:
        with pytest.raises(DeviceError, match="expected auto, cpu, cuda, cuda:N or mps"):
            resolve_device(device)

    @pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps"])
    def test_a_device_that_is_not_there(self, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        with pytest.raises(DeviceError, match=f"device '{device}' was asked for, but torch .*use 'auto' or 'cpu'"):
            fs.load_model("nuclei", device)
        assert resolve_device("auto") == "cpu"

    @pytest.mark.parametrize(("device", "name"), [(torch.device("cpu"), "cpu"), (torch.device("cpu", 0), "cpu")])
    def test_torchs_own_devices_are_taken(self, device: torch.device, name: str) -> None:
        assert fs.load_model("nuclei", device=device).device == name

    @pytest.mark.parametrize("device", [0, "0", torch.device("cuda", 0)])
    def test_a_gpu_by_its_number(self, device: object, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        assert resolve_device(device) == "cuda:0"

    def test_a_gpu_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        assert resolve_device("auto") == "cuda"
        assert resolve_device("cuda:0") == "cuda:0"
        with pytest.raises(DeviceError, match="there are 1 CUDA GPUs, counted from 0"):
            resolve_device("cuda:1")

    def test_a_missing_device_is_no_fault_of_the_model(self) -> None:
        assert not issubclass(DeviceError, ModelError)


def test_the_bundled_model_knows_itself(nuclei: Model) -> None:
    assert nuclei.name == "nuclei"
    assert nuclei.path.is_file()
    assert nuclei.device == "cpu"
    assert nuclei.card.origin == "file"


def test_two_threads_may_ask_at_once(nuclei: Model, picture: Callable[[str], np.ndarray]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    names = ["sparse", "wide"] * 3
    alone = {name: nuclei.segment(picture(name)).to_labels() for name in set(names)}
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda name: nuclei.segment(picture(name)).to_labels(), names))
    for name, labels in zip(names, together, strict=True):
        assert match(labels, alone[name], (0.95,))[0].average_precision == 1


@pytest.mark.parametrize("where", ["a scale bar", "saturated rows", "rows that stand for nothing"])
def test_what_is_no_part_of_the_picture_changes_little_of_what_is_found(where: str) -> None:
    """A few pixels that no detector has measured: 65535 or -32768 in a picture of up to 5100."""
    plane = iio.imread(files("napari_fastsam") / "sample_data" / "fluorescence_nuclei.png").astype(np.int32) * 20
    model = fs.load_model("nuclei", "cpu")
    before = len(model.segment(plane))
    if where == "a scale bar":
        plane[500:506, 30:110] = 65535
    elif where == "saturated rows":
        plane[300:303] = 65535
    else:
        plane[:4] = -32768
    assert before > 90
    assert len(model.segment(plane)) == pytest.approx(before, abs=8)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
    ids=["of a GPU", "of torch", "of Python"],
)
def test_too_little_memory_is_said_with_what_to_do_and_the_model_goes_on(nuclei, grey, error):
    """A network that finds no memory once, as when another program has taken it."""
    real, left = nuclei.network, [error]

    def network(batch):
        if left:
            raise left.pop()
        return real(batch)

    short = replace(nuclei, network=network)
    with pytest.raises(DeviceError, match=r"not enough memory for the network at \d+ pixels; choose a smaller"):
        short.segment(grey)
    assert len(short.segment(grey)) == len(nuclei.segment(grey))


def test_where_torch_is_gone_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"torch cannot be imported, .*; install it again: pip install"):
        fs.load_model("nuclei", device="cpu")
