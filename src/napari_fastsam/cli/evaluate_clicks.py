"""``napari-fastsam evaluate --clicks``: how many clicks the objects of annotated images take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn
from rich.table import Table

from napari_fastsam.cli.common import progress_bar
from napari_fastsam.core.judging.click_scores import ROUNDS, TARGETS
from napari_fastsam.errors import DatasetError, ParameterError

if TYPE_CHECKING:
    from napari_fastsam.core.judging.click_scores import ClickEvaluation, ClickSummary
    from napari_fastsam.io.annotations.examples import Dataset, Example
    from napari_fastsam.model.correcting.corrector import WindowPredictor
    from napari_fastsam.model.network.segmenter import Model


class StartFrom(StrEnum):
    """What an object starts from."""

    point = "point"
    box = "box"
    nothing = "nothing"


@dataclass(frozen=True)
class ClickOptions:
    """What is clicked on, and how.

    Attributes
    ----------
    clicks, start, per_image
        As in `model.judging.click_validation.evaluate_clicks`.
    corrections
        The correcting network's file or name; "gaussian-process" = without a network; None = the package's.
    """

    clicks: int
    start: StartFrom
    per_image: int | None
    corrections: str | None


def evaluate_clicks(
    dataset: Dataset,
    model: str,
    device: str,
    held_out: bool,
    options: ClickOptions,
    check: Callable[[Sequence[Path]], object],
) -> tuple[ClickEvaluation, dict[str, Any]]:
    """Click on the objects of a dataset; return how that went, and what is to be told of it.

    `check` is called with all files that are read, before the first click: what is written must be none of them.
    """
    import napari_fastsam as fs
    from napari_fastsam.model.judging.click_validation import evaluate_clicks as judge
    from napari_fastsam.version import __version__

    network = None if options.start is StartFrom.nothing else fs.load_model(model, device=device)
    corrector = _corrector(options.corrections)
    named = Path(options.corrections or "").expanduser()
    check([*dataset.files, *([] if network is None else [network.path]), *([named] if named.is_file() else [])])
    examples = held_out_of_both(dataset, network, corrector) if held_out else dataset.examples
    with progress_bar(BarColumn(), MofNCompleteColumn()) as progress:
        task = progress.add_task("Clicking", total=len(examples))
        evaluation = judge(
            network, corrector, examples, clicks=options.clicks, start=options.start.value,
            per_image=options.per_image, progress=lambda done, _: progress.update(task, completed=done),
        )  # fmt: skip
    if not evaluation.objects:
        raise DatasetError(
            f"no image of {dataset.path} has an object of 40 pixels or more; there is nothing to click on"
        )
    data_said = {"name": dataset.name, "path": str(dataset.path), "split": dataset.split, "held_out": held_out}
    return evaluation, {"version": __version__, "data": data_said}


def print_clicks(evaluation: ClickEvaluation, name: str) -> None:
    """Print the tables."""
    with_model = f"{evaluation.model}, " if evaluation.model else ""
    title = f"{name} from {evaluation.start} ({with_model}{evaluation.corrector}, up to {evaluation.limit} clicks)"
    headings = [
        "objects", *(f"IoU@{k}" for k in evaluation.counts), *(f"NoC{t * 100:.0f}" for t in TARGETS), "never90"
    ]  # fmt: skip
    Console().print(_table(title, headings, evaluation, _figures))
    rounds = [f"mSA@{k}" for k in ROUNDS]
    Console().print(_table("after rounds of one click of either sign", rounds, evaluation, _rounds))
    typer.echo(f"{1000 * evaluation.seconds:.0f} ms a click (median)")


def _table(title: str, headings: Sequence[str], evaluation: ClickEvaluation, cells: Any) -> Table:
    # one column between numbers: all of it fits a terminal of 80
    table = Table(title=escape(title), box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("", overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("all", *cells(evaluation.summary(), evaluation))
    for group in evaluation.groups:
        table.add_row(escape(group or "(no kind)"), *cells(evaluation.summary(group), evaluation))
    if evaluation.groups:
        table.add_section()
        table.add_row("mean over kinds", *cells(evaluation.by_group(), evaluation))
    return table


def _figures(summary: ClickSummary, evaluation: ClickEvaluation) -> list[str]:
    return [
        str(summary.objects),
        *(_number(summary.after(k), 3) for k in evaluation.counts),
        *(_number(summary.clicks_to[target], 1) for target in TARGETS),
        _number(summary.never[0.90], 2),
    ]


def _rounds(summary: ClickSummary, _: ClickEvaluation) -> list[str]:
    return [_number(value, 3) for value in summary.accuracy]


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if value == value else "–"


def _corrector(named: str | None) -> WindowPredictor:
    from napari_fastsam.model.correcting.corrector import GaussianProcess
    from napari_fastsam.model.correcting.weights import BUNDLED_CORRECTIONS, load_corrector

    if named == "gaussian-process":
        return GaussianProcess()
    return load_corrector(BUNDLED_CORRECTIONS if named is None else named)


def held_out_of_both(dataset: Dataset, network: Model | None, corrector: WindowPredictor) -> list[Example]:
    """Return the images that neither the model nor the correcting network has learnt from, as their cards say."""
    cards = [getattr(network, "card", None), getattr(corrector, "card", None)]
    names = [set(card.validation_images) for card in cards if card is not None and card.validation_images]
    if not names:
        raise ParameterError("no card names images that training held out; leave --held-out out")
    examples = [e for e in dataset.examples if all(e.name in some for some in names)]
    if not examples:
        raise DatasetError(
            f"no image of {dataset.path} was held out of the training of both the model and the correcting network; "
            f"leave out --held-out, but then they may be judged on images that they were trained on"
        )
    return examples
