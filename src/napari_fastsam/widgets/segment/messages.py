"""What the dock says, and what it says to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_fastsam.layers.answers.marking import unanswered_points
from napari_fastsam.widgets.common.text import counted

if TYPE_CHECKING:
    from napari_fastsam.core.likeness.exemplars import Exemplars
    from napari_fastsam.layers.answers.request import Request
    from napari_fastsam.layers.answers.results import SeenTiles
    from napari_fastsam.layers.answers.session import Result
    from napari_fastsam.layers.labels.write import Committed
    from napari_fastsam.layers.labels.written import Corrected
    from napari_fastsam.model.weights.weights import Weights

_NAMED = 5
"""Labels that are named; of more, the first."""

NO_IMAGE = "No image yet: open one (File ▸ Open, or File ▸ Open Sample ▸ napari-fastsam)."
NO_PROMPT_LAYERS = "Ready. Click an object in the image, or choose Everything."
NO_PROMPTS = "Ready. Choose a tool, then click an object or draw around it."
WITH_TOOL = {
    None: NO_PROMPTS,
    "point": "Ready. Click an object in the image.",
    "box": "Ready. Drag a box around an object.",
    "outline": "Ready. Draw an outline around an object, holding the mouse button.",
    "scribble": "Ready. Draw a line over an object, holding the mouse button.",
}
"""What to do next where nothing was drawn yet, by the tool that is chosen."""

NO_POINTS_LAYER = "Nothing was drawn yet: choose a tool, or click an object in the image."
ONLY_NEGATIVE = "Only negative points here: they say where the object is not. Add a positive one, or a box."
NO_EXAMPLE = "Only counter-examples here: mark an object of the kind you want as an example (Shift-X)."
NO_EXAMPLES_TO_KEEP = "No examples on this plane yet: “example” (Shift-X), then click one."
EXAMPLES_FORGOTTEN = "Searching without the examples that were kept."
NOTHING_TO_MEASURE = "Choose an image, and beside “Add to labels” the Labels layer to measure."
EXPORTING = "Another file is being written; wait until it is done, or cancel it in the activity dock."
NOT_EXPORTED = "The file was not written."
NOTHING_TO_EXPORT = "Choose the Labels layer to export beside “Add to labels”."
NOTHING_TO_ADD = "Nothing to add yet: click an object in the image, or choose Everything."
NOTHING_TO_CORRECT = "Choose the Labels layer to correct beside “Add to labels”."
NO_LABEL_CHOSEN = (
    "Which label? Point at it and press a key, select shapes that were drawn around some, or pick one in the layer."
)
NOTHING_TO_CLEAR = "There are no prompts on this plane."
NOTHING_UNDER_CURSOR = "No object under the cursor that the network has seen."
NOTHING_TO_UNDO = "There is nothing to take back."
NOTHING_TO_REDO = "There is nothing to redo."
NEXT_PROMPTS = "click further ones, or Add to labels"
NEXT_EVERYTHING = "Add to labels, or click what was missed"
NOTHING_AT_PROMPTS = "No object there. Details say why."
LARGE_SEARCH = (
    "Words and examples are compared with every object of this large plane: press Run (Shift-R) to find them, or "
    "choose the region “view” to search there at once."
)
LARGE_PLANE = "A large plane, segmented in tiles: Run (Shift-R) finds everything, starting with what is in view."
ALREADY_ADDED = (
    "These objects were added to the Labels layer: another plane or threshold finds others. Run once more shows these "
    "again; those that are labelled are not added twice."
)
STILL_FOLLOWING = (
    "The objects are still being followed through the planes, and are added whole: wait until that is done, or cancel "
    "it and add them as far as they were followed."
)
STILL_LINKING = (
    "Objects can be added once all planes are segmented and linked: Run (Shift-R) continues where it stopped."
)
CANCELLED = "Cancelled. Run starts it again."
DOWNLOAD_CANCELLED = "The download was cancelled; nothing of it is left. “nuclei” works without."
STILL_BUSY = "Wait until the current work is done, or cancel it, then download."
LOADING_FIRST = "The model is being loaded; it runs as soon as that is done."


def live_is_off(request: Request) -> str:
    """Say how to see what changed while the preview does not follow."""
    return no_prompts(request) if request.is_empty else "Live is off: Run (Shift-R) shows what is asked for now."


def no_prompts(request: Request, tool: str | None = None) -> str:
    """Say what to do where nothing is asked for, with the tool that is chosen."""
    if any(request.read.rows[field] for field in ("counter_examples", "counter_example_boxes")):
        return NO_EXAMPLE
    chosen = request.controls.points is not None or request.controls.shapes is not None
    return WITH_TOOL[tool] if chosen else NO_PROMPT_LAYERS


def summary(result: Result) -> str:
    """Say what was found, and what to do next."""
    text = f"{shaped(result)}{counted(result.count)}"
    controls, stack = result.request.controls, result.request.stack
    if stack is not None and not result.waiting:
        text += f" on {stack.count} planes"
    if result.tiles is not None:
        return _in_tiles(result, result.tiles)
    if result.missing:
        return f"{text} · looking closer …"
    if result.waiting:
        return f"{text} · looking at more planes …"
    if result.missing_embeddings:
        return f"{text} · describing objects …"
    everything = controls.task == "everything"
    idle = _idle(result)
    if result.count:
        if idle:
            return f"{text} · {idle}"
        if shaped(result):  # there is enough to read
            return text
        return f"{text} · {NEXT_EVERYTHING if everything else NEXT_PROMPTS}"
    if everything:
        return f"{text}. Nothing found: {_loosen(result)}"
    if not (result.request.read.prompts.point_labels == 1).any() and _only_points(result):
        return ONLY_NEGATIVE
    if idle:
        return f"{text} · {idle}"
    return f"{text}. {NOTHING_AT_PROMPTS}" if result.unanswered else text


def took(result: Result, network_seconds: float) -> str:
    """Say how long an answer took; `network_seconds` 0 means that the network had nothing to do."""
    network = f"The network took {network_seconds:.2f} s" if network_seconds else "The image was seen before"
    return f"{network}; choosing objects took {max(1, round(result.seconds * 1e3))} ms."


def _in_tiles(result: Result, seen: SeenTiles) -> str:
    """Say what was found on a large plane, what clicks did, how much of it was added, and how much is left to add."""
    run, left, added = seen.run, len(seen.offer), seen.offer.taken
    size = "" if run.diameter is None else f" · objects of about {run.diameter:.0f} px"
    text = f"{shaped(result)}{counted(seen.total)} · {seen.done} of {len(run)} tiles{size}"
    if added:
        text += f" · {added} of {seen.total} were added"
        text += f"; Add to labels adds the other {left}" if left else ""
    if result.missing:
        return f"{text} · looking closer …"
    if idle := _idle(result):
        text += f" · {idle}"
    return text if seen.complete else f"{text}. Run goes on."


def _idle(result: Result) -> str:
    """Name the negative points that lie in no object; of many, the first."""
    names = unanswered_points(result)
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more} (−): no object there, move or delete"


def shaped(result: Result) -> str:
    """Say what clicks did to the current object, or that it is a label."""
    current = result.current
    if current is None or not (current.refined or current.replaces):
        return ""
    did = current.reason if current.refined else "current: clicks correct it, Add to labels replaces it"
    return f"{current.prompt[:1].upper()}{current.prompt[1:]}: {did} · "


def added(committed: Committed, layer_name: str, result: Result, replaced: Sequence[int] = ()) -> str:
    """Say what went into a Labels layer, which labels were replaced, and what of a result did not yet."""
    new = len(committed.ids) - len(replaced)
    text = f"Added {counted(new)} to “{layer_name}”" if new or not replaced else ""
    if replaced:
        which = f"label{'s' * (len(replaced) > 1)} {', '.join(map(str, sorted(replaced)))}"
        text = f"{text}, and replaced {which} there" if text else f"Replaced {which} of “{layer_name}”"
    text += "; Ctrl+Z there takes them back." if committed.undoable else ", which is too large for napari to edit."
    if committed.covered:
        text += f" {counted(len(committed.covered))} lay wholly under labels that were kept."
    if committed.slivers:
        text += (
            f" {counted(len(committed.slivers))} would have been less than a quarter of what was found, beside labels "
            "that were kept: not added."
        )
    if result.tiles is not None and not result.complete:
        seen = result.tiles
        text += (
            f" {seen.done} of {len(seen.run)} tiles were seen: what the others bring is shown as it comes, and Add to "
            "labels adds it."
        )
    elif result.missing_embeddings:
        text += " What is searched for by words and examples was not found yet, and is not in the layer."
    elif result.waiting:
        text += " They go no further than they were followed: not all planes were seen."
    elif result.missing:
        text += " Prompts that the network has not answered yet stay."
    return text


def new_target(layer_name: str, image_name: str) -> str:
    """Say that objects of another image go into a new layer."""
    return f"Objects of this image go into a new layer: “{layer_name}” was chosen for “{image_name}”."


def areas_contradict(smallest: str, largest: str) -> str:
    """Say that no object can have an area."""
    return f"The smallest area, {smallest}, is above the largest, {largest}: nothing passes. Change one (Advanced)."


def recipe_saved(path: str) -> str:
    """Say how to run a recipe."""
    return f"Saved. On other images: napari-fastsam run {path} IMAGES… -o FOLDER"


def correction_begun(verb: str, label: int, key: str) -> str:
    """Say how to go on with a merge or a split."""
    if verb == "merge_labels":
        return f"Merge: point at the label that becomes part of {label}, and press {key} again."
    return f"Split: point at the other part of label {label}, and press {key} again; here, it is parted at its waist."


def corrected(verb: str, did: Corrected, layer_name: str, undoable: bool) -> str:
    """Say what a correction did to labels."""
    which = f"label{'s' * (len(did.labels) > 1)} {', '.join(map(str, did.labels[:_NAMED]))}"
    which += " …" if len(did.labels) > _NAMED else ""
    if not did.pixels:
        return f"{verb.capitalize()}: nothing to change about {which}."
    new = f", new {', '.join(map(str, did.new))}" if did.new else ""
    undo = "; Ctrl+Z there takes it back." if undoable else ", which is too large for napari to edit."
    return f"{verb.capitalize()}: {which} of “{layer_name}”{new} · {did.pixels} px{undo}"


def exporting(layer_name: str, file_name: str) -> str:
    """Say that a layer is being written."""
    return f"Writing “{layer_name}” to {file_name} …"


def exported(layer_name: str, path: str) -> str:
    """Say what was written."""
    return f"Wrote “{layer_name}” to {path}."


def measured(count: int, layer_name: str, in_table: bool) -> str:
    """Say what was measured, and where that is seen."""
    where = f"the features table shows “{layer_name}”" if in_table else f"see the features of “{layer_name}”"
    return f"Measured {counted(count)}: {where}."


def model_missing(model: Weights) -> str:
    """Say how to get a model that is not on this computer."""
    return (
        f"{model.name} is not on this computer. “Download” fetches it once ({model.licence}), or put {model.file} "
        f"into {model.path.parent}; “nuclei” works without."
    )


def encoder_missing(encoder: Weights) -> str:
    """Say how to get a text model that is not on this computer."""
    return (
        f"Words need the text model {encoder.name}, which is not on this computer. “Download” below them fetches it "
        f"once ({encoder.licence}), or put {encoder.file} into {encoder.path.parent}; examples work without."
    )


def examples_saved(exemplars: Exemplars, path: str) -> str:
    """Say what went into a file of examples."""
    count, against = len(exemplars.examples), len(exemplars.counter_examples)
    more = f" and {against} counter-example{'s' * (against != 1)}" if against else ""
    return f"Saved {count} example{'s' * (count != 1)}{more} to {path}."


def _loosen(result: Result) -> str:
    thresholds = result.request.controls.thresholds
    if thresholds.min_area or thresholds.max_area:
        return "widen the areas, lower the confidence, or check the contrast limits."
    return "lower the confidence, give the object size, or check the contrast limits."


def _only_points(result: Result) -> bool:
    prompts = result.request.read.prompts
    return len(prompts) == len(prompts.points)
