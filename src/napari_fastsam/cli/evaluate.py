"""``napari-fastsam evaluate``: how well a model finds what is drawn in annotated images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn
from rich.table import Table

from napari_fastsam.cli.common import Conf, Device, Imgsz, Iou, Strict, as_is, note, progress_bar, report_errors, shown
from napari_fastsam.cli.evaluate_clicks import ClickOptions, StartFrom, evaluate_clicks, print_clicks
from napari_fastsam.errors import DatasetError, ParameterError

if TYPE_CHECKING:
    from napari_fastsam.core.judging.scores import Evaluation, Figures, Summary
    from napari_fastsam.io.annotations.examples import Dataset, Example
    from napari_fastsam.model.network.segmenter import Model


@dataclass(frozen=True)
class Files:
    """Where results go, besides the terminal.

    Attributes
    ----------
    json, csv, plot
        None = not wanted.
    """

    json: Path | None
    csv: Path | None
    plot: Path | None

    def check(self) -> None:
        """Make their folders, and raise FastSAMError for a file that could not be written in the end."""
        from napari_fastsam.io.results.plots import check_picture
        from napari_fastsam.io.results.results import make_folder

        if self.plot is not None:
            check_picture(self.plot)
        for file in self.all:
            if file.is_dir():
                raise ParameterError(f"{file} is a folder; name a file in it")
            make_folder(file.parent)

    def check_against(self, read: Sequence[Path]) -> None:
        """Raise FastSAMError if one of them is read, or if two are one."""
        from napari_fastsam.io.results.overwriting import check_overwriting

        check_overwriting(self.all, read)

    @property
    def all(self) -> list[Path]:
        """Those that are wanted."""
        return [file for file in (self.json, self.csv, self.plot) if file is not None]

    def write(self, evaluation: Evaluation, about: dict[str, Any]) -> None:
        """Write those that are wanted, and say so."""
        from napari_fastsam.io.results.evaluations import write_json, write_plot, write_rows

        if self.json is not None:
            write_json(self.json, evaluation, about)
        if self.csv is not None:
            write_rows(self.csv, evaluation)
        if self.plot is not None:
            write_plot(self.plot, evaluation)
        for file in self.all:
            typer.echo(f"Written: {shown(file)}")


def evaluate(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A folder with images/ and labels/, a YOLO data.yaml, a COCO .json.")
    ],
    model: Annotated[
        str, typer.Option(help="nuclei, microscopy, FastSAM-s, FastSAM-x, your own model's name, or a file.")
    ] = "nuclei",
    conf: Conf = None,
    iou: Iou = None,
    imgsz: Imgsz = None,
    device: Device = "auto",
    split: Annotated[
        str | None, typer.Option(help=escape("Part of DATA: train, val or test. [default: val]"), show_default=False)
    ] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Use only the images held out in the model's training.")
    ] = False,
    no_prompts: Annotated[bool, typer.Option("--no-prompts", help="Skip clicks and boxes: faster.")] = False,
    clicks: Annotated[
        int | None, typer.Option(metavar="N", help="Judge corrections instead: up to N clicks on each object.")
    ] = None,
    start: Annotated[StartFrom, typer.Option(help="With --clicks: what objects start from.")] = StartFrom.point,
    per_image: Annotated[
        int | None, typer.Option(metavar="N", help="With --clicks: at most N objects of an image.", show_default=False)
    ] = None,
    corrections: Annotated[
        str | None,
        typer.Option(
            help=escape(
                "With --clicks: a correcting network's file, or gaussian-process. [default: the package's network]"
            ),
            show_default=False,
        ),
    ] = None,
    strict: Strict = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all numbers as JSON.")] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one row per image, or per object, as CSV.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw AP over IoU, or IoU over clicks.")] = None,
) -> None:
    """Judge a model by annotated images.

    AP is TP / (TP + FP + FN) at IoU 0.5, at 0.75, and its mean over 0.5 to 0.95.
    F1 and the IoU of matched objects are at IoU 0.5. Click and box: mean IoU of
    the answers to one of each an object. s: seconds an image. Rows are over all
    objects; below the line stands the mean over images.

    With --clicks a simulated user corrects each object where its mask is most
    wrong: IoU after k clicks; NoC, the clicks until the IoU is 0.80, 0.85, 0.90
    (N where it never is), and the share that never reaches 0.90.
    """
    files = Files(json, csv, plot)
    with report_errors():
        files.check()
        asked = no_prompts or any(value is not None for value in (conf, iou, imgsz))
        options = _click_options(clicks, start, per_image, corrections, asked)
        if options is not None:
            _judge_clicks(_read(data, split, strict), model, device, held_out, options, files)
            return
        network, dataset, examples = _prepare(_read(data, split, strict), model, device, held_out)
        files.check_against([network.path, *dataset.files])
        network.thresholds(conf, iou)
        network.imgsz_for((32, 32), imgsz)
        empty = _without_objects(dataset, examples)
        evaluation = _evaluated(network, examples, conf, iou, imgsz, not no_prompts)
        theirs = _by_ultralytics(network, examples, imgsz) if dataset.yaml is not None else None
        _print(evaluation, dataset, network, theirs, empty, held_out)
        about = {"version": _version(), "device": network.device, "data": _about(dataset, held_out)}
        files.write(evaluation, about if theirs is None else {**about, "ultralytics": theirs})


def _click_options(
    clicks: int | None, start: StartFrom, per_image: int | None, corrections: str | None, others: bool
) -> ClickOptions | None:
    """Return what is clicked on; None = nothing is. Refuse options, `others` among them, that would be ignored."""
    if clicks is not None:
        if others:
            raise ParameterError(
                "with --clicks a model is asked as its card says; leave out --conf, --iou, --imgsz and --no-prompts"
            )
        return ClickOptions(clicks, start, per_image, corrections)
    if start is not StartFrom.point or per_image is not None or corrections is not None:
        raise ParameterError("--start, --per-image and --corrections are about clicks; add --clicks 20")
    return None


def _read(data: Path, split: str | None, strict: bool) -> Dataset:
    """Find annotated images, and tell what is slightly off in them."""
    import napari_fastsam as fs

    dataset = fs.read_dataset(data, split, strict)
    note(dataset.remarks())
    return dataset


def _judge_clicks(
    dataset: Dataset, model: str, device: str, held_out: bool, options: ClickOptions, files: Files
) -> None:
    from napari_fastsam.io.results.click_evaluations import write_clicks_csv, write_clicks_json, write_clicks_plot

    evaluation, about = evaluate_clicks(dataset, model, device, held_out, options, files.check_against)
    print_clicks(evaluation, about["data"]["name"])
    if files.json is not None:
        write_clicks_json(files.json, evaluation, about)
    if files.csv is not None:
        write_clicks_csv(files.csv, evaluation)
    if files.plot is not None:
        write_clicks_plot(files.plot, evaluation)
    for file in files.all:
        typer.echo(f"Written: {shown(file)}")


def _version() -> str:
    from napari_fastsam.version import __version__

    return __version__


def _about(dataset: Dataset, held_out: bool) -> dict[str, Any]:
    return {"name": dataset.name, "path": str(dataset.path), "split": dataset.split, "held_out": held_out}


def _prepare(dataset: Dataset, model: str, device: str, held_out: bool) -> tuple[Model, Dataset, Sequence[Example]]:
    import napari_fastsam as fs

    network = fs.load_model(model, device=device)
    if not held_out:
        return network, dataset, dataset.examples
    names = set(network.card.validation_images)
    if not names:
        raise ParameterError(f"the card of {network.name} names no images that training held out; leave --held-out out")
    examples = [e for e in dataset.examples if e.name in names]
    if not examples:
        raise DatasetError(
            f"none of the {len(names)} images that the training of {network.name} held out is in {dataset.path}; name "
            "the data that it was trained on, or leave --held-out out"
        )
    return network, dataset, examples


def _without_objects(dataset: Dataset, examples: Sequence[Example]) -> list[str]:
    """Read all labels, so that one that is of no use is told now; return the images in which nothing is drawn."""
    with progress_bar(BarColumn(), MofNCompleteColumn()) as progress:
        empty = [e.name for e in progress.track(examples, description="Reading") if not e.labels().any()]
    if len(empty) == len(examples):
        raise DatasetError(f"no image of {dataset.path} has an object drawn in it; there is nothing to judge by")
    return empty


def _evaluated(
    network: Model, examples: Sequence[Example], conf: float | None, iou: float | None, imgsz: int | None, prompts: bool
) -> Evaluation:
    import napari_fastsam as fs

    with progress_bar(BarColumn(), MofNCompleteColumn()) as progress:
        task = progress.add_task("Evaluating", total=len(examples))
        return fs.evaluate(
            network, examples, conf=conf, iou=iou, imgsz=imgsz, prompts=prompts,
            progress=lambda done, _: progress.update(task, completed=done),
        )  # fmt: skip


def _by_ultralytics(network: Model, examples: Sequence[Example], imgsz: int | None) -> dict[str, float]:
    from napari_fastsam.model.judging.yolo_validation import validate

    with progress_bar() as progress:
        progress.add_task("Ultralytics' validator", total=None)
        return validate(network, examples, [e.truth.file for e in examples], imgsz=imgsz)


def _print(
    evaluation: Evaluation,
    dataset: Dataset,
    network: Model,
    theirs: dict[str, float] | None,
    empty: list[str],
    held_out: bool,
) -> None:
    Console().print(_table(evaluation, dataset))
    held = set(network.card.validation_images) & {row.name for row in evaluation.images}
    if held and not held_out:
        typer.echo(
            f"{len(held)} of the {len(evaluation.images)} images were held out when {shown(network.name)} was trained; "
            "--held-out judges by them alone"
        )
    if empty:
        one = len(empty) == 1
        typer.echo(f"{len(empty)} image{'' if one else 's'} without an object: {shown(', '.join(empty[:3]))}"
                   + (", …" if len(empty) > 3 else ""))  # fmt: skip
    if theirs is not None:
        typer.echo(
            "Ultralytics' FastSAM validator: "
            f"box mAP50 {theirs['box_map50']:.3f}, mAP50-95 {theirs['box_map']:.3f}; "
            f"mask mAP50 {theirs['mask_map50']:.3f}, mAP50-95 {theirs['mask_map']:.3f}"
        )


def _table(evaluation: Evaluation, dataset: Dataset) -> Table:
    settings = evaluation.settings
    shown = "" if settings["imgsz"] is None else f", imgsz {settings['imgsz']}"
    part = f", {dataset.split}" if dataset.split else ""
    title = f"{evaluation.model} on {dataset.name}{part} (conf {settings['conf']:g}, iou {settings['iou']:g}{shown})"
    # one column between numbers: all of it fits a terminal of 80
    table = Table(title=as_is(title), box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    everything = evaluation.summary()
    prompts = any(row.click_iou for row in evaluation.images)
    table.add_column("", overflow="fold")
    for heading in (
        "images",
        "objects",
        "AP50",
        "AP75",
        "AP",
        "F1",
        "IoU",
        *(("click", "box") if prompts else ()),
        "s",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    _add(table, "all", everything, prompts)
    for group in evaluation.groups:
        _add(table, group or "(no kind)", evaluation.summary(group), prompts)
    table.add_section()
    # clicks, boxes and seconds are means over objects and images already
    table.add_row("by image", "", "", *_cells(everything.by_image))
    return table


def _add(table: Table, name: str, summary: Summary, prompts: bool) -> None:
    counts = (str(summary.images), str(summary.objects))
    answers = [_share(summary.click_iou), _share(summary.box_iou)] if prompts else []
    table.add_row(as_is(name), *counts, *_cells(summary.pooled), *answers, f"{summary.seconds:.3f}")


def _cells(figures: Figures) -> list[str]:
    return [_share(value) for value in figures.named().values()]


def _share(value: float) -> str:
    return f"{value:.3f}" if value == value else "–"
