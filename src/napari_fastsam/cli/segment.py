"""``napari-fastsam segment``: objects of image files, all or those at prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn
from rich.table import Table

from napari_fastsam.cli import segment_options as option
from napari_fastsam.cli.common import (
    DOUBTFUL,
    FAILED,
    Conf,
    Device,
    Imgsz,
    Iou,
    as_is,
    progress_bar,
    report_errors,
    shown,
    tell,
)
from napari_fastsam.cli.reading_options import (
    Channels,
    Contrast,
    PixelSize,
    Scene,
    as_parameters,
    parse_channels,
)
from napari_fastsam.errors import FastSAMError, ImageError, ParameterError

if TYPE_CHECKING:
    from napari_fastsam.batch import Job, Outcome
    from napari_fastsam.core.prompts.prompts import Prompts


def segment(
    images: option.Images,
    output: option.Output = Path(),
    model: option.ModelName = "nuclei",
    device: Device = "auto",
    imgsz: Imgsz = None,
    conf: Conf = None,
    iou: Iou = None,
    min_area: option.MinArea = None,
    max_area: option.MaxArea = None,
    points: option.Points = None,
    point_labels: option.PointLabels = None,
    objects: option.Objects = None,
    boxes: option.Boxes = None,
    box_format: option.BoxFormatOption = option.BoxFormat.xywh,
    outlines: option.Outlines = None,
    scribbles: option.Scribbles = None,
    prompts: option.PromptFile = None,
    text: option.Texts = None,
    text_threshold: option.TextThreshold = None,
    text_best: option.TextBest = False,
    text_encoder: option.TextEncoderName = "ViT-B/32",
    examples: option.Examples = None,
    counter_examples: option.CounterExamples = None,
    exemplars: option.ExemplarFile = None,
    save_exemplars: option.SaveExemplars = None,
    example_threshold: option.ExampleThreshold = None,
    classes: option.Classes = False,
    plane: option.PlaneIndex = None,
    channels: Channels = None,
    contrast: Contrast = None,
    scene: Scene = None,
    pixel_size: PixelSize = None,
    refine: option.Refine = True,
    fine_edges: option.FineEdges = False,
    proposals: option.Proposals = None,
    formats: option.Formats = None,
    overlay: option.Overlay = False,
) -> None:
    """Find objects in images and write a label TIFF for each, NAME_labels.tif, or other formats.

    Without prompts all objects are found. Otherwise each prompt gets one object:
    label 1 belongs to the first point labelled 1; then come boxes, outlines and scribbles.
    Points inside a box refine its object and have none of their own.
    Points with one number, positive and negative ones, shape one object; alone they draw it.
    With texts or examples, all objects that look like them are found, and boxes limit the search.
    """
    with report_errors():
        drawn: dict[str, Any] = {
            "points": points, "point_labels": point_labels, "objects": objects, "boxes": boxes,
            "box_format": box_format.value, "outlines": outlines, "scribbles": scribbles,
            "texts": text or [], "examples": examples, "counter_examples": counter_examples,
        }  # fmt: skip
        asked = _prompts(prompts, exemplars, **drawn)
        job, targets = _prepare(
            images, output, model, device, imgsz, (conf, iou, min_area, max_area), asked, plane,
            parse_channels(channels), (*(formats or ["tiff"]), *(["overlay"] if overlay else [])),
            ([exemplars, prompts, proposals], [save_exemplars]),
        )  # fmt: skip
        job = _reading(
            replace(job, refine=refine, fine_edges=fine_edges, others=proposals), contrast, scene, pixel_size
        )
        job = _searching(job, text_threshold, text_best, text_encoder, example_threshold, classes, device)
        _save_exemplars(targets, job, save_exemplars)
    _exit_with(_segment_each(targets, job), len(targets))


def _segment_each(targets: Mapping[Path, Path], job: Job) -> list[Outcome]:
    """Segment images and write their labels; a failure is told, and the others go on."""
    from napari_fastsam.batch import segment_file

    outcomes: list[Outcome] = []
    with progress_bar(BarColumn(), MofNCompleteColumn(), shown=len(targets) > 1) as progress:
        for image, target in progress.track(targets.items(), description="Segmenting"):
            try:
                outcomes.append(segment_file(image, target, job))
            except FastSAMError as error:
                tell(error)
            except Exception as error:  # noqa: BLE001 - whatever an image raises, the others are none the worse for it
                tell(_of_image(image, error))
            else:
                _print_outcome(outcomes[-1])
    return outcomes


def _of_image(image: Path, error: Exception) -> ImageError:
    """Return what went wrong with an image as an error that names it."""
    what = "there is not enough memory for it" if isinstance(error, MemoryError) else type(error).__name__
    return ImageError(f"{image} cannot be segmented: {what}{f', {error}' if str(error) else ''}")


def _prepare(
    images: Sequence[Path],
    output: Path,
    model: str,
    device: str,
    imgsz: int | None,
    thresholds: tuple[float | None, float | None, float | None, float | None],
    prompts: Prompts | None,
    plane: str | None,
    channels: tuple[int | str, ...],
    formats: tuple[str, ...],
    files: tuple[list[Path | None], list[Path | None]],
) -> tuple[Job, dict[Path, Path]]:
    """Check every option before the first image is read; return the job, and where each image's labels go."""
    import napari_fastsam as fs
    from napari_fastsam.batch import Job, targets_for
    from napari_fastsam.io.results.results import make_folder
    from napari_fastsam.model.asking.thresholds import Thresholds

    given = {key: value for key, value in zip(("conf", "iou"), thresholds[:2], strict=True) if value is not None}
    limits = Thresholds(**given, min_area=thresholds[2], max_area=thresholds[3])
    chosen_plane = _parse_plane(plane)
    read, written = ([file for file in some if file is not None] for some in files)
    targets = targets_for(images, output, formats=formats, reads=read, writes=written)
    make_folder(output)
    network = fs.load_model(model, device=device)
    network.imgsz_for((32, 32), imgsz)
    conf, iou = network.thresholds(*thresholds[:2])
    limits = replace(limits, conf=conf, iou=iou)
    return Job(network, prompts, limits, imgsz, chosen_plane, formats, channels=channels), targets


def _reading(job: Job, contrast: str | None, scene: int | None, pixel_size: float | None) -> Job:
    """Return the job with how its images are read."""
    asked = as_parameters(None, contrast, scene, pixel_size)
    rule, limits = asked.get("contrast"), asked.get("contrast_limits")
    if limits is not None and len(job.channels) > 1:
        raise ParameterError(
            f"contrast is {contrast!r} but several channels are combined, each with limits of its own; leave it out"
        )
    model = job.model if rule is None else job.model.shown_by(rule)
    return replace(job, model=model, contrast_limits=limits, scene=scene, pixel_size=pixel_size)


def _searching(
    job: Job,
    text_threshold: float | None,
    text_best: bool,
    text_encoder: str,
    example_threshold: float | None,
    classes: bool,
    device: str,
) -> Job:
    """Return the job with how it searches by words and examples, if it does."""
    if job.prompts is None or not job.prompts.searches:
        if text_best or classes or text_threshold is not None or example_threshold is not None:
            raise ParameterError(
                "--text-threshold, --text-best, --example-threshold and --classes are about words and examples; add "
                "--text or --examples"
            )
        return job
    import napari_fastsam as fs
    from napari_fastsam.core.likeness.search import Search

    search = Search(text_threshold, text_best, example_threshold)
    network = fs.load_text_encoder(text_encoder, device) if job.prompts.texts else None
    if network is not None:
        network.encode_texts(job.prompts.texts)  # what cannot be read is told before the first image
    return replace(job, search=search, text_encoder=network, text_encoder_name=text_encoder, classes=classes)


def _prompts(file: Path | None, exemplars: Path | None, **options: Any) -> Prompts | None:
    """Return what is asked for by options and in a file, checked; None = everything."""
    import napari_fastsam as fs
    from napari_fastsam.io.prompt_text import parse_prompts
    from napari_fastsam.io.prompts import load_prompts, together

    saved = None if exemplars is None else fs.load_exemplars(exemplars)
    return together(None if file is None else load_prompts(file), parse_prompts(**options, exemplars=saved))


def _save_exemplars(images: Iterable[Path], job: Job, target: Path | None) -> None:
    """Save what the examples of the first image look like, if that is asked for."""
    if target is None:
        return
    import napari_fastsam as fs
    from napari_fastsam.core.image.channels import COLOURED

    if job.prompts is None or not job.prompts.has_examples:
        raise ParameterError("there are no examples to save; give some with --examples")
    limits = job.thresholds
    plane = job.source(next(iter(images))).plane(job.plane)[:, :]
    coloured = COLOURED if len(job.channels) > 1 else job.contrast_limits
    instances = job.model.segment(plane, job.imgsz, limits.conf, limits.iou, contrast_limits=coloured)
    exemplars, unanswered = fs.exemplars_of(instances, job.prompts)
    for sentence in unanswered:
        typer.echo(f"  {shown(sentence)}")
    fs.save_exemplars(exemplars, target)
    count = len(exemplars.examples)
    typer.echo(f"{shown(target)}: {count} example{'' if count == 1 else 's'}")


def _parse_plane(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ParameterError(f"plane is {text!r}; expected a number from 0, or one an axis such as 2,0") from error


def _print_outcome(outcome: Outcome) -> None:
    objects = f"{outcome.objects} object{'' if outcome.objects == 1 else 's'}"
    replaced = " (replaced)" if outcome.replaced else ""
    lines = [f"{outcome.image}: {objects} in {outcome.seconds:.2f} s, {outcome.labels}{replaced}"]
    lines += [f"  {name}: {count}" for name, count in outcome.alike.items()]
    lines += [f"  {s.prompt}: {s.reason}" for s in outcome.refined]
    lines += [f"  {s.prompt}: nothing found, {s.reason}" for s in outcome.unanswered]
    lines += [f"  {s.prompt}: its object is covered by that of another prompt" for s in outcome.covered]
    lines += [f"  {remark}" for remark in outcome.remarks]
    for line in lines:
        typer.echo(shown(line))


def _exit_with(outcomes: Sequence[Outcome], count: int) -> None:
    """Say how it went, where there were several images, and end with the status that tells it to programs."""
    if count > 1:
        _print_summary(outcomes, failed=count - len(outcomes))
    if len(outcomes) < count:
        raise typer.Exit(FAILED)
    if any(outcome.remarks for outcome in outcomes):
        raise typer.Exit(DOUBTFUL)


def _print_summary(outcomes: Sequence[Outcome], failed: int) -> None:
    done = f"{len(outcomes)} image{'' if len(outcomes) == 1 else 's'}"
    table = Table(title=f"{done}, {failed} failed" if failed else done)
    told = any(outcome.remarks for outcome in outcomes)
    table.add_column("image", overflow="fold")
    for heading in ("objects", "seconds", "prompts without object"):
        table.add_column(heading, justify="right")
    if told:
        table.add_column("remarks", overflow="fold")
    for outcome in outcomes:
        numbers = (str(outcome.objects), f"{outcome.seconds:.2f}", str(len(outcome.unanswered)))
        table.add_row(as_is(outcome.image), *numbers, *([as_is("; ".join(outcome.remarks))] if told else []))
    table.add_section()
    totals = (
        sum(o.objects for o in outcomes),
        sum(o.seconds for o in outcomes),
        sum(len(o.unanswered) for o in outcomes),
    )
    table.add_row("all", str(totals[0]), f"{totals[1]:.2f}", str(totals[2]))
    Console().print(table)
