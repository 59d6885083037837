"""How the objects of a result came about, for the metadata of the Labels layer that takes them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.planes.channels import channel_limits
from napari_fastsam.model.correcting.weights import default_corrector
from napari_fastsam.version import __version__


def provenance_of(result: Result, model_sha256: str) -> Provenance:
    """Return how the objects of a result came about.

    Parameters
    ----------
    result
        What was found.
    model_sha256
        Of the model's file.
    """
    request, controls = result.request, result.request.controls
    prompts = request.read.prompts if controls.task == "prompts" else None
    return Provenance(
        version=__version__,
        image=controls.image.name,
        plane=list(request.plane.index),
        level=request.plane.level,
        region=list(request.plane.region),
        model=controls.model,
        model_sha256=model_sha256,
        task=controls.task,
        imgsz=controls.imgsz,
        **asdict(controls.thresholds),
        contrast_limits=None if controls.channels else request.contrast_limits,
        channels=[channel.position for channel in controls.channels],
        channel_limits=channel_limits(controls.channels),
        channel_layers=[channel.image.name for channel in controls.channels if channel.axis is None],
        diameter=controls.tiling.diameter,
        scale=controls.tiling.scale,
        prompts=None if prompts is None else prompts.to_json(),
        refine=None if prompts is None else True,
        corrector=None if prompts is None else default_corrector().name,
        fine_edges=controls.fine_edges,
        others=None if controls.others is None else controls.others.name,
        **_search(controls, prompts),
        **_stack(request),
    )


def _stack(request: Request) -> dict[str, Any]:
    """Return along which axis planes were taken together, and the prompts of each that has some."""
    stack = request.stack
    if stack is None:
        return {}
    prompts = {str(position): single.read.prompts.to_json() for position, single in stack.by_position.items()}
    return {"stack_axis": stack.axis, "linking": asdict(request.controls.linking), "prompts_by_plane": prompts}


def _search(controls: Controls, prompts: Prompts | None) -> dict[str, Any]:
    """Return how words and examples were compared with objects, where some were."""
    if prompts is None or not prompts.searches:
        return {}
    return {
        "text_encoder": controls.text_encoder if prompts.texts else None,
        "text_threshold": controls.search.text_threshold,
        "text_best": controls.search.best_only,
        "example_threshold": controls.search.example_threshold,
        "classes": controls.classes,
    }
