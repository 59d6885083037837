"""What the dock *Review* says."""

from __future__ import annotations

from napari_fastsam.core.review.error_rate import LEVEL, ErrorEstimate
from napari_fastsam.layers.review.review import ReviewedObject

NO_LAYER = "Choose a Labels layer whose objects are to be checked."
NO_OBJECTS = "This layer has no objects yet."
OBJECTS_NOW = "There are objects now: press Begin anew to check them."
LOOKING = "Looking for doubtful objects …"
ALL_CHECKED = "All objects are checked."
NOTHING_TO_TAKE_BACK = "There is no answer to take back."
SAVED = "Saved {file}. It stays on this computer."
CANCELLED = "Cancelled. Choose the layer again to go on."
BY_BRUSH = (
    "Paint label {label} right with napari's tools, then press R. "
    "Open the dock FastSAM to correct it with clicks instead."
)
BY_CLICKS = "Click what is missing of label {label}, or what is too much, then Add to labels (Shift-Enter)."


def headline(said: ErrorEstimate) -> str:
    """Say how many objects are wrong."""
    if not said.objects:
        return NO_OBJECTS
    if said.checked == said.objects:
        verb = "is" if 1 in (said.found, said.objects) else "are"
        return f"{said.found:,} of {_objects(said.objects)} {verb} wrong: all are checked."
    if said.wrong != said.wrong:
        found = f", {said.found:,} wrong" if said.checked else ""
        return f"{said.checked:,} of {_objects(said.objects)} checked{found}. No estimate yet."
    return (
        f"About {round(said.wrong):,} ({said.low:,} to {said.high:,}) of {_objects(said.objects)} are wrong; "
        f"{said.found:,} found."
    )


def details(said: ErrorEstimate, counts: dict[str, int]) -> tuple[str, ...]:
    """Say what the estimate rests on."""
    if not said.objects:
        return ()
    answered = ", ".join(f"{count:,} {answer}" for answer, count in counts.items()) or "none"
    begins = "How many are wrong in all is estimated once one that was picked at random is checked."
    return (
        f"Checked: {said.checked:,} of {said.objects:,} ({answered}).",
        *([begins] if said.wrong != said.wrong else []),
        f"The interval holds the true number in {LEVEL:.0%} of reviews at least. It rests on "
        f"{_objects(said.sampled)} picked at random, and counts the doubtful ones that were checked.",
        f"Still wrong: {max(said.low - said.found, 0):,} to {max(said.high - said.found, 0):,}.",
    )


def about(shown: ReviewedObject) -> str:
    """Say which object is shown, and why."""
    picked = "picked at random" if shown.at_random else shown.reason
    further = f"; {shown.reason}" if shown.at_random and shown.reason else ""
    return f"Label {shown.label}: {picked}{further}"


def _objects(count: int) -> str:
    return f"{count:,} object" if count == 1 else f"{count:,} objects"
