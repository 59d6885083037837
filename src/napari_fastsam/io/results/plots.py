"""Curves as pictures: one for all that was measured, and one for each group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.errors import ParameterError
from napari_fastsam.io.results.results import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURES = (".png", ".svg", ".pdf")
"""Kinds of picture, by the file's ending."""

ALL: dict[str, Any] = {"color": "black", "linewidth": 2.5}
"""How the curve of all looks."""

GROUP: dict[str, Any] = {"linewidth": 1.2}
"""How that of a group looks."""


def check_picture(path: Path) -> None:
    """Raise ParameterError if a picture cannot be written under that name."""
    if path.suffix.casefold() not in PICTURES:
        raise ParameterError(f"the plot {path.name} would be of an unknown kind; end its name in {', '.join(PICTURES)}")


def write_curves(path: Path, draw: Callable[[Axes], object]) -> None:
    """Write a picture of curves with a grid and a legend.

    Parameters
    ----------
    path
        A name that ends in one of `PICTURES`; replaced if it exists.
    draw
        Draws the curves and names the axes.

    Raises
    ------
    ParameterError
        If the name ends in something else.
    OutputError
        If the file cannot be written.
    """
    check_picture(path)
    # without pyplot: no window, and no figure that stays
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    write_whole(path, lambda file: figure.savefig(file, format=path.suffix[1:].casefold(), dpi=150))
