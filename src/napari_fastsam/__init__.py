"""Point, box or outline an object in napari and have it in a Labels layer: FastSAM, live.

The public Python face. Nothing heavy is imported until it is used: neither torch nor napari nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_fastsam.version import __version__

if TYPE_CHECKING:
    from napari_fastsam.core.classes.classifier import Classifier
    from napari_fastsam.core.classes.learning import DescribedObjects, classify, learn_classes
    from napari_fastsam.core.likeness.exemplars import Exemplars
    from napari_fastsam.core.likeness.text import TextEncoder
    from napari_fastsam.core.objects.instances import Instances
    from napari_fastsam.core.planes.linking import Linking, Links, follow, link
    from napari_fastsam.core.prompts.compat import select_like_ultralytics, select_texts_like_ultralytics
    from napari_fastsam.core.prompts.examples import exemplars_of
    from napari_fastsam.core.prompts.prompts import Prompts
    from napari_fastsam.core.prompts.selection import Selection, select
    from napari_fastsam.errors import FastSAMError
    from napari_fastsam.io.annotations.datasets import read_dataset
    from napari_fastsam.io.classifiers import load_classifier, save_classifier
    from napari_fastsam.io.exemplars import load_exemplars, save_exemplars
    from napari_fastsam.model.asking.deprecated import answer, answer_large, segment_tiled
    from napari_fastsam.model.asking.describing import describe_labels
    from napari_fastsam.model.asking.prediction import Prediction
    from napari_fastsam.model.asking.segment import paint, predict, segment
    from napari_fastsam.model.asking.stack import segment_stack
    from napari_fastsam.model.judging.validation import evaluate
    from napari_fastsam.model.network.segmenter import Model, load_model
    from napari_fastsam.model.text.encoder import load_text_encoder

_HOME = {
    "Classifier": "core.classes.classifier",
    "DescribedObjects": "core.classes.learning",
    "Exemplars": "core.likeness.exemplars",
    "FastSAMError": "errors",
    "Instances": "core.objects.instances",
    "Linking": "core.planes.linking",
    "Links": "core.planes.linking",
    "Model": "model.network.segmenter",
    "Prediction": "model.asking.prediction",
    "Prompts": "core.prompts.prompts",
    "Selection": "core.prompts.selection",
    "TextEncoder": "core.likeness.text",
    "answer": "model.asking.deprecated",
    "answer_large": "model.asking.deprecated",
    "classify": "core.classes.learning",
    "describe_labels": "model.asking.describing",
    "evaluate": "model.judging.validation",
    "exemplars_of": "core.prompts.examples",
    "follow": "core.planes.linking",
    "link": "core.planes.linking",
    "learn_classes": "core.classes.learning",
    "load_classifier": "io.classifiers",
    "load_exemplars": "io.exemplars",
    "load_model": "model.network.segmenter",
    "load_text_encoder": "model.text.encoder",
    "paint": "model.asking.segment",
    "predict": "model.asking.segment",
    "read_dataset": "io.annotations.datasets",
    "save_classifier": "io.classifiers",
    "save_exemplars": "io.exemplars",
    "segment": "model.asking.segment",
    "segment_stack": "model.asking.stack",
    "segment_tiled": "model.asking.deprecated",
    "select": "core.prompts.selection",
    "select_like_ultralytics": "core.prompts.compat",
    "select_texts_like_ultralytics": "core.prompts.compat",
}

__all__ = [
    "Classifier",
    "DescribedObjects",
    "Exemplars",
    "FastSAMError",
    "Instances",
    "Linking",
    "Links",
    "Model",
    "Prediction",
    "Prompts",
    "Selection",
    "TextEncoder",
    "__version__",
    "answer",
    "answer_large",
    "classify",
    "describe_labels",
    "evaluate",
    "exemplars_of",
    "follow",
    "learn_classes",
    "link",
    "load_classifier",
    "load_exemplars",
    "load_model",
    "load_text_encoder",
    "paint",
    "predict",
    "read_dataset",
    "save_classifier",
    "save_exemplars",
    "segment",
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
