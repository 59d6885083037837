"""The options of ``napari-fastsam segment``: what each is called, and what its help says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from napari_fastsam.cli.reading_options import ReadingCommand


class BoxFormat(StrEnum):
    """How the four numbers of a box are meant."""

    xywh = "xywh"
    xyxy = "xyxy"


Images = Annotated[list[Path], typer.Argument(metavar="IMAGE", help="TIFF, PNG, JPEG, …")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the results.")]
ModelName = Annotated[
    str, typer.Option(help="nuclei, microscopy, FastSAM-s, FastSAM-x, your own model's name, or a file.")
]
MinArea = Annotated[float | None, typer.Option(help="Smallest object, in pixels.")]
MaxArea = Annotated[float | None, typer.Option(help="Largest object, in pixels.")]
Points = Annotated[str | None, typer.Option(metavar="JSON", help=escape("'[[x, y], …]': one object at each point."))]
PointLabels = Annotated[
    str | None, typer.Option(metavar="JSON", help=escape("'[1, 0, …]': 1 = the object is here, 0 = it is not."))
]
Objects = Annotated[
    str | None,
    typer.Option(metavar="JSON", help=escape("'[1, 1, 0, …]': points with one number above 0 are one object.")),
]
Boxes = Annotated[
    str | None, typer.Option(metavar="JSON", help=escape("'[[x, y, width, height], …]': one object in each box."))
]
BoxFormatOption = Annotated[BoxFormat, typer.Option(help="The four numbers of a box.")]
Outlines = Annotated[
    str | None, typer.Option(metavar="JSON", help=escape("'[[[x, y], …], …]': one object in each outline."))
]
Scribbles = Annotated[
    str | None, typer.Option(metavar="JSON", help=escape("'[[[x, y], …], …]': one object along each scribble."))
]
PromptFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Prompts of any kind, as JSON; rows before columns.")
]
Texts = Annotated[
    list[str] | None, typer.Option(metavar="WORDS", help="All objects that look like these words; repeatable.")
]
TextThreshold = Annotated[
    float | None, typer.Option(help="Lowest similarity to a text. [default: where they split]", show_default=False)
]
TextBest = Annotated[bool, typer.Option("--text-best", help="Only the most similar object of each text.")]
TextEncoderName = Annotated[str, typer.Option(help="CLIP's name, or a file.")]
Examples = Annotated[
    str | None, typer.Option(metavar="JSON", help=escape("'[[x, y], …]': all objects that look like these."))
]
CounterExamples = Annotated[
    str | None, typer.Option(metavar="JSON", help=escape("'[[x, y], …]': … and not like these."))
]
ExemplarFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Saved examples from another image.")]
SaveExemplars = Annotated[Path | None, typer.Option(metavar="FILE", help="Save the examples of the first image.")]
ExampleThreshold = Annotated[
    float | None,
    typer.Option(help="Lowest likeness to the examples. [default: by their number]", show_default=False),
]
Classes = Annotated[bool, typer.Option("--classes", help="One label number per text, instead of one per object.")]
PlaneIndex = Annotated[
    str | None, typer.Option(metavar="INDEX", help="Plane of a stack, from 0; '2,0' where it has two axes.")
]
Refine = Annotated[
    bool, typer.Option(help="Whether points of one object shape its mask, or only choose among proposals.")
]
FineEdges = Annotated[
    bool, typer.Option("--fine-edges", help="Draw the edges of proposed objects anew, at full resolution; slower.")
]
Proposals = Annotated[
    Path | None,
    typer.Option(
        metavar="LABELS",
        help="Labels of another program, a file or a folder with one for each image: prompts choose among these too.",
    ),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=escape("What to write, as napari-fastsam formats lists it; repeatable. [default: tiff]"),
        show_default=False,
    ),
]
Overlay = Annotated[bool, typer.Option("--overlay", help="Also write a PNG with the outlines.")]

_LISTS = {
    "--points", "--point-labels", "--objects", "--boxes", "--outlines", "--scribbles", "--examples",
    "--counter-examples",
}  # fmt: skip


class SegmentCommand(ReadingCommand):
    """A command whose lists of prompts are given once each: of one that is repeated, only the last would count."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse a list that is given twice."""
        given = [arg.partition("=")[0] for arg in args]
        if twice := next((name for name in given if name in _LISTS and given.count(name) > 1), None):
            raise typer.BadParameter(
                "it is given twice; put all into one list, '[[…], […]]'", ctx=ctx, param_hint=f"'{twice}'"
            )
        return super().parse_args(ctx, args)
