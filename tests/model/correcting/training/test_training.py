"""Training from label images: what is learnt from, that it learns, and that nothing is lost or half written."""

import json

import numpy as np
import pytest
import torch

from napari_fastsam.errors import LabelsError, ModelError, ParameterError
from napari_fastsam.model.correcting.training.clicking import ClickMaps, deep_cells, next_clicks
from napari_fastsam.model.correcting.training.first_masks import first_masks
from napari_fastsam.model.correcting.training.images import LabelledPicture, TrainingImages
from napari_fastsam.model.correcting.training.preparation import labelled_pictures, split
from napari_fastsam.model.correcting.training.rollout import Rollout
from napari_fastsam.model.correcting.training.training import CorrectionTraining, train_corrections
from napari_fastsam.model.correcting.training.variation import drawn_anew, vary
from napari_fastsam.model.correcting.weights import TASK, load_corrector, read_weights

CPU = torch.device("cpu")
SMALL = CorrectionTraining(seconds=2.0, batch=8, cells=32, widths=(8, 8, 8), device="cpu")


def disks(seed, group="disks"):
    """Bright disks of many sizes on dark noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:120, :140]
    labels = np.zeros((120, 140), np.int32)
    for number in range(1, 9):
        row, column, radius = rng.uniform(0, 120), rng.uniform(0, 140), rng.uniform(4, 16)
        labels[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = 10 * number
    grey = rng.normal(40, 8, labels.shape) + 120 * (labels > 0)
    rgb = np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return LabelledPicture.of(f"disks-{seed}", group, rgb, labels)


@pytest.fixture(scope="module")
def images():
    torch.manual_seed(0)
    return TrainingImages([disks(0), disks(1)], CPU)


def test_the_table_of_objects_knows_where_they_lie():
    labels = np.zeros((40, 50), np.int32)
    labels[5:15, 8:20] = 7
    labels[30:32, 0:2] = 9  # too small to learn from
    picture = LabelledPicture.of("one", "", np.zeros((40, 50, 3), np.uint8), labels)
    ((label, *corners, area, row, column),) = picture.objects.tolist()
    assert corners == [5, 8, 15, 20]
    assert area == 120
    assert (picture.labels == label).sum() == 120
    assert labels[int(row), int(column)] == 7


def test_an_image_without_background_has_all_its_objects():
    labels = np.repeat(np.repeat(np.array([[1, 2], [3, 4]], np.int32), 20, 0), 20, 1)
    assert len(LabelledPicture.of("full", "", np.zeros((40, 40, 3), np.uint8), labels).objects) == 4


def test_a_plain_window_shows_its_object_and_its_picture(images):
    every = torch.arange(len(images.objects))
    windows = images.windows(every, 64, plain=True)
    areas, seen = images.objects[:, 6], windows.cover.sum((1, 2, 3)) + windows.beyond
    sides = (images.objects[:, 4:6] - images.objects[:, 2:4]).amax(1).clamp_min(5) / 0.5 / 64
    assert seen * sides**2 == pytest.approx(areas, rel=0.05)
    inside = (windows.picture.mean(1, keepdim=True) * windows.cover).sum() / windows.cover.sum()
    assert inside > 0.5  # disks are bright, all else is dark
    assert bool((windows.labels[:, :, 32, 32] >= 0).all())


def test_turned_windows_keep_picture_and_labels_together(images):
    torch.manual_seed(1)
    windows = images.windows(images.draw(64), 48)
    bright, drawn = windows.picture.mean(1, keepdim=True) > 0.4, windows.labels > 0
    agree = ((bright == drawn) & (windows.inside > 0)).sum() / windows.inside.sum()
    assert agree > 0.93


def test_varied_and_drawn_pictures_are_pictures(images):
    torch.manual_seed(2)
    windows = images.windows(images.draw(32), 48)
    drawn = drawn_anew(windows)
    for picture in (vary(windows.picture), drawn.picture):
        assert picture.shape == (32, 3, 48, 48)
        assert bool(torch.isfinite(picture).all())
        assert 0 <= float(picture.min()) < float(picture.max()) <= 1
    grown = drawn.cover.sum((1, 2, 3)) - windows.cover.sum((1, 2, 3))
    assert float(grown.min()) > -60  # only the edge is resampled
    assert float(grown.max()) > 60  # and some have grown


def test_first_masks_are_near_the_truth_or_none(images):
    torch.manual_seed(3)
    windows = images.windows(images.draw(128), 48)
    masks, known = first_masks(windows)
    shared = torch.minimum(masks, windows.cover).sum((1, 2, 3))
    assert not masks[~known].any()
    assert 0.5 < known.float().mean() < 0.85
    assert float((shared > 0)[known].float().mean()) > 0.9
    assert float((masks - windows.cover).abs()[known].mean()) > 0.005


def test_clicks_lie_on_errors():
    truth, mask = torch.zeros(2, 1, 32, 32), torch.zeros(2, 1, 32, 32)
    truth[:, :, 8:24, 8:24] = 1
    mask[0, :, 8:24, 8:14] = 1
    mask[1, :, 4:28, 4:32] = 1
    no, exact = torch.zeros(2, dtype=torch.bool), torch.zeros(2)
    at, positive, there = next_clicks(mask, truth, exact, no)
    assert positive.tolist() == [True, False]
    assert there.all()
    assert truth[0, 0, at[0, 0], at[0, 1]] == 1
    assert mask[0, 0, at[0, 0], at[0, 1]] == 0
    assert truth[1, 0, at[1, 0], at[1, 1]] == 0
    assert mask[1, 0, at[1, 0], at[1, 1]] == 1
    _, _, there = next_clicks(truth, truth, exact, no)
    assert not there.any()
    _, depth = deep_cells(torch.zeros(2, 1, 32, 32), exact)
    assert depth.tolist() == [0, 0]


def test_clicks_are_drawn_as_they_are_shown_later():
    from napari_fastsam.core.correcting.clicks import read_clicks
    from napari_fastsam.core.correcting.windows import CorrectionWindow, read_picture
    from napari_fastsam.model.correcting.inputs import WindowInput

    window = CorrectionWindow(15.5, 15.5, 32)
    plane = np.zeros((32, 32, 3), np.uint8)
    made, _ = read_clicks([(4, 9), (20, 21)], [1, 0], (32, 32))
    shown = WindowInput.of(window, read_picture(plane, window, 32), None, made).channels()
    maps = ClickMaps(1, 32, CPU)
    yes = torch.ones(1, dtype=torch.bool)
    maps.add(torch.tensor([[4, 9]]), yes, yes)
    maps.add(torch.tensor([[20, 21]]), ~yes, yes)
    assert maps.maps[0].numpy() == pytest.approx(shown[6:], abs=1e-5)


def test_windows_make_room_after_their_clicks(images):
    torch.manual_seed(4)
    rollout = Rollout(images, 8, 32)
    seen = set()
    for _ in range(12):
        rollout.renew()
        assert rollout.inputs().shape == (8, 10, 32, 32)
        seen |= {round(float(v), 3) for v in rollout.windows.beyond + rollout.windows.cover.sum((1, 2, 3))}
        rollout.answer(torch.full((8, 1, 32, 32), -2.0))
    assert len(seen) > 12
    assert int(rollout.clicked.max()) > 1


def test_it_learns_and_writes_weights_with_their_card(tmp_path):
    events = []
    file = tmp_path / "mine.pt"
    train_corrections([disks(s) for s in range(3)], file, SMALL, held_out=[disks(9)], on_event=events.append)
    predictor, card = load_corrector(file), json.loads(file.with_suffix(".json").read_text())
    assert predictor.cells == 32
    assert card["task"] == TASK
    assert card["validation_images"] == ["disks-9"]
    assert "3 images (disks)" in card["training_data"]
    assert 0 <= card["metrics"]["iou_1"] <= 1  # how good it is depends on what a busy machine did in the time
    assert next(event["event"] for event in events) == "start"
    assert events[-1]["event"] == "done"
    assert not list(tmp_path.glob("*.training"))
    assert not list(tmp_path.glob(".*"))


def test_loss_falls():
    """One batch is learnt by heart: what is drawn anew each step would hide it in noise."""
    from napari_fastsam.model.correcting.network import CorrectionNetwork
    from napari_fastsam.model.correcting.training.training import loss_of

    torch.manual_seed(0)
    images = TrainingImages([disks(s) for s in range(3)], CPU)
    rollout, network = Rollout(images, 16, 32), CorrectionNetwork((8, 8, 8))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    rollout.renew()
    inputs, losses = rollout.inputs(), []
    for _ in range(60):
        logits, quality = network(inputs)
        loss, _ = loss_of(logits, quality, rollout)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_a_training_that_broke_off_goes_on(tmp_path):
    file, events = tmp_path / "mine.pt", []
    with pytest.raises(ModelError, match=r"no .*to go on from"):
        train_corrections([disks(0)], file, SMALL, resume=True)
    from napari_fastsam.model.correcting.network import CorrectionNetwork
    from napari_fastsam.model.correcting.training.training import _TrainingRun

    run = _TrainingRun(CorrectionNetwork(SMALL.widths), SMALL.cells, SMALL, file.with_suffix(".training"))
    run.step, run.windows, run.seconds = 50, 400, 1.5
    run.save()
    train_corrections([disks(0)], file, SMALL, resume=True, on_event=events.append)
    assert events[0]["seconds_done"] == 1.5
    assert "windows" in json.loads(file.with_suffix(".json").read_text())["training_data"]


def test_a_checkpoint_of_another_size_or_damaged_is_refused(tmp_path):
    file = tmp_path / "mine.pt"
    file.with_suffix(".training").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be resumed from"):
        train_corrections([disks(0)], file, SMALL, resume=True)
    assert not file.exists()


def test_stopping_writes_what_was_learnt_and_weights_can_be_gone_on_from(tmp_path):
    first, second = tmp_path / "first.pt", tmp_path / "second.pt"
    train_corrections([disks(0)], first, SMALL, stop=lambda: True)
    train_corrections([disks(0)], second, SMALL, base=first, stop=lambda: True)
    assert read_weights(second)[0].widths == SMALL.widths
    assert json.loads(second.with_suffix(".json").read_text())["base"] == "first"


def test_what_cannot_be_trained_is_told(tmp_path):
    empty = LabelledPicture.of("empty", "", np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.int32))
    with pytest.raises(ParameterError, match="no objects"):
        train_corrections([empty], tmp_path / "a.pt", SMALL)
    with pytest.raises(ParameterError, match=r"ends in \.pt"):
        train_corrections([disks(0)], tmp_path / "a.onnx", SMALL)
    for wrong in ({"seconds": 0}, {"batch": 1}, {"cells": 50}, {"learning_rate": 2.0}):
        with pytest.raises(ParameterError):
            CorrectionTraining(**wrong)


def test_images_are_held_out_by_name_or_by_share():
    pictures = [disks(seed) for seed in range(20)]
    learnt, out = split(pictures, 0.1)
    assert (len(learnt), len(out)) == (18, 2)
    learnt, out = split(pictures, 0.1, {"disks-3", "disks-7", "unknown"})
    assert [picture.name for picture in out] == ["disks-3", "disks-7"]
    with pytest.raises(ParameterError, match="all images are held out"):
        split(pictures, 0.1, {picture.name for picture in pictures})


def test_images_are_read_as_the_network_sees_them():
    class Example:
        name, group = "sixteen bit", "kind"

        def image(self):
            return (np.arange(900, dtype=np.uint16) * 70).reshape(30, 30)

        def labels(self):
            labels = np.zeros((30, 30), np.int32)
            labels[5:12, 5:12] = 3
            return labels

    (picture,) = labelled_pictures([Example()])
    assert picture.rgb.dtype == np.uint8
    assert picture.rgb.min() == 0
    assert picture.rgb.max() == 255
    assert (picture.name, picture.group) == ("sixteen bit", "kind")
    assert len(picture.objects) == 1


def test_labels_of_another_shape_are_refused_by_name():
    with pytest.raises(LabelsError, match="cells_3"):
        LabelledPicture.of("cells_3", "", np.zeros((8, 9, 3), np.uint8), np.zeros((9, 8), int))


def test_background_is_learnt_as_background_beside_negative_numbers():
    labels = np.zeros((20, 20), int)
    labels[2:8, 2:8], labels[10:16, 10:16] = -3, 5
    picture = LabelledPicture.of("a", "", np.zeros((20, 20, 3), np.uint8), labels)
    assert np.array_equal(picture.labels == 0, labels == 0)
    assert picture.objects[:, 5].tolist() == [36, 36]
