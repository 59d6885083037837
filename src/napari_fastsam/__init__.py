"""Point, box or outline an object in napari and have it in a Labels layer: FastSAM, live.

The public Python face. Nothing heavy is imported until it is used: neither torch nor napari nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_fastsam.core.compat import select_like_ultralytics, select_texts_like_ultralytics
    from napari_fastsam.core.exemplars import Exemplars, exemplars_of
    from napari_fastsam.core.instances import Instances
    from napari_fastsam.core.linking import Linking, Links, follow, link
    from napari_fastsam.core.prompts import Prompts
    from napari_fastsam.core.selection import Selection, select
    from napari_fastsam.core.text import TextEncoder
    from napari_fastsam.errors import FastSAMError
    from napari_fastsam.io.datasets import read_dataset
    from napari_fastsam.io.exemplars import load_exemplars, save_exemplars
    from napari_fastsam.model.answer import answer, paint
    from napari_fastsam.model.large import answer_large
    from napari_fastsam.model.segmenter import Model, load_model
    from napari_fastsam.model.stack import segment_stack
    from napari_fastsam.model.text_encoder import load_text_encoder
    from napari_fastsam.model.tiled import segment_tiled
    from napari_fastsam.model.validation import evaluate

try:
    __version__ = version("napari-fastsam")
except PackageNotFoundError:  # run from the sources without an installation
    __version__ = "0.0.0"

_HOME = {
    "Exemplars": "core.exemplars",
    "FastSAMError": "errors",
    "Instances": "core.instances",
    "Linking": "core.linking",
    "Links": "core.linking",
    "Model": "model.segmenter",
    "Prompts": "core.prompts",
    "Selection": "core.selection",
    "TextEncoder": "core.text",
    "answer": "model.answer",
    "answer_large": "model.large",
    "evaluate": "model.validation",
    "exemplars_of": "core.exemplars",
    "follow": "core.linking",
    "link": "core.linking",
    "load_exemplars": "io.exemplars",
    "load_model": "model.segmenter",
    "load_text_encoder": "model.text_encoder",
    "paint": "model.answer",
    "read_dataset": "io.datasets",
    "save_exemplars": "io.exemplars",
    "segment_stack": "model.stack",
    "segment_tiled": "model.tiled",
    "select": "core.selection",
    "select_like_ultralytics": "core.compat",
    "select_texts_like_ultralytics": "core.compat",
}

__all__ = [
    "Exemplars",
    "FastSAMError",
    "Instances",
    "Linking",
    "Links",
    "Model",
    "Prompts",
    "Selection",
    "TextEncoder",
    "__version__",
    "answer",
    "answer_large",
    "evaluate",
    "exemplars_of",
    "follow",
    "link",
    "load_exemplars",
    "load_model",
    "load_text_encoder",
    "paint",
    "read_dataset",
    "save_exemplars",
    "segment_stack",
    "segment_tiled",
    "select",
    "select_like_ultralytics",
    "select_texts_like_ultralytics",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
