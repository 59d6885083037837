"""What the dock *Train* says, and what it says to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_fastsam.layers.training.pairs import Counted
from napari_fastsam.widgets.train.events import Batch, Epoch, Started
from napari_fastsam.widgets.train.process import TrainingOutcome

READY = "Ready. “Train” writes the pairs to a folder and trains in the background; napari stays usable."
NO_LAYERS = "Open an image and label the objects in it (or let FastSAM find them and correct them), then add the pair."
NO_LABELS = "There is no Labels layer yet: label the objects of the image in one, or let FastSAM find and correct them."
NO_PAIRS = "No pairs yet: choose an image and its labels above, then “Add pair”."
NOTHING_ACCEPTED = "Nothing was accepted in the dock FastSAM yet: find objects there, then “Add to labels”."
ALREADY_THERE = "This pair is in the list already."
CHANGED = "This image and its labels were in the list already: they are there once, as you chose now."
USE_IT = "Use it now"
NOT_NOW = "Not now"
NOT_WHILE_BUSY = "Wait for the work under way, or cancel it."
AUTO = "auto: chosen from your images when training begins; what and why then stands here."
CHOSEN = "Chosen for this training:"
WRITING = "Writing the training images …"
STARTING = "Starting the training process …"
STOPPING = "Stopping after this batch; the best so far is kept. “Stop now” ends it at once and may lose it."
CANCELLED = "Cancelled before training began; nothing was kept."


def from_session(count: int) -> str:
    """Say what was taken over from the dock FastSAM."""
    pairs = "1 image was" if count == 1 else f"{count} images were"
    return f"{pairs} added with what you accepted; what you took away is background, and the rest is not decided."


def counted(count: Counted) -> str:
    """Say how much there is to learn from."""
    if not count.images:
        return "no objects yet"
    images = f"{count.images} image{'s' * (count.images != 1)}"
    return f"{images} · {count.objects:,} object{'s' * (count.objects != 1)}"


def total(counts: Sequence[Counted]) -> str:
    """Say what all pairs together have."""
    return "In all: " + counted(Counted(sum(c.images for c in counts), sum(c.objects for c in counts)))


def started(event: Started) -> str:
    """Say what is being trained."""
    held = f", {event.validation} held out to measure" if event.validation else ""
    return f"Training on {event.images} image{'s' * (event.images != 1)}{held}: {event.epochs} epochs."


def progress(event: Batch | Epoch, best: Epoch | None, seconds_left: float | None) -> str:
    """Say how far training is, how good, and how long it still takes."""
    lines = [f"Epoch {event.epoch} of {event.epochs}"]
    if isinstance(event, Batch):
        lines[0] += f", batch {event.batch} of {event.batches}"
    if best is not None:
        lines.append(f"best so far {_measures(best.ap50, best.ap)} (epoch {best.epoch})")
    if seconds_left is not None:
        lines.append(f"{duration(seconds_left)} left")
    return " · ".join(lines)


def writing(name: str) -> str:
    """Say which image is written."""
    return f"Writing {name} …"


def saved(folder: Path) -> str:
    """Say where the images are, and what to do with them."""
    return f"Written to {folder}. On the command line: napari-fastsam train {folder.name} -o my-model.pt"


def went_wrong(error: Exception) -> str:
    """Say that something happened that nobody thought of."""
    return f"Something went wrong ({type(error).__name__}: {error}); nothing was trained."


def finished(name: str, outcome: TrainingOutcome, held_out: int) -> str:
    """Say how training ended; `held_out` images measured it."""
    if outcome.done is None:
        if outcome.killed:
            return "Training was ended by force; no model was kept."
        return outcome.failure
    measured = _measures(outcome.done.ap50, outcome.done.ap)
    held = f" on {held_out} image{'s' * (held_out != 1)} held out"
    on = held if held_out else " on its own training images, so too good"
    text = f"“{name}” is trained" if not outcome.stopped else f"Stopped; the best so far is “{name}”"
    return f"{text}: {measured}{on}. Use it now? “{USE_IT}” segments with it at once; it stays in the model list."


def settings_said(event: Started) -> tuple[str, ...]:
    """Return why the settings are as they are; without reasons, what they are."""
    return event.messages or tuple(_plain(event.settings))


def duration(seconds: float) -> str:
    """Return a length of time as a person would say it."""
    if seconds < 50:
        return f"about {max(5, round(seconds / 5) * 5)} s"
    if seconds < 90 * 60:
        return f"about {max(1, round(seconds / 60))} min"
    return f"about {seconds / 3600:.1f} h"


def _measures(ap50: float | None, ap: float | None) -> str:
    if ap50 is None or ap is None:
        return "not measured"
    return f"AP50 {ap50:.2f}, mean AP {ap:.2f}"


def _plain(settings: Mapping[str, object]) -> list[str]:
    return [f"{name}: {value}" for name, value in settings.items()]
