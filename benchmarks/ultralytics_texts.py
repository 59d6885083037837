"""Ultralytics' own text path, given the encoder that ours is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ultralytics.engine.results import Results
from ultralytics.models.fastsam.predict import FastSAMPredictor

from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.compat import snap_boxes


class Adapter:
    """An encoder of ours in the form in which ultralytics calls CLIP."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._pictures: list[np.ndarray] = []

    def image_preprocess(self, picture: Any) -> torch.Tensor:
        self._pictures.append(np.asarray(picture))
        return torch.zeros(1)

    def encode_image(self, _: torch.Tensor) -> torch.Tensor:
        pictures, self._pictures = self._pictures, []
        return torch.from_numpy(self._encoder.encode_images(pictures))

    def tokenize(self, texts: list[str]) -> list[str]:
        return texts

    def encode_text(self, texts: list[str]) -> torch.Tensor:
        return torch.from_numpy(self._encoder.encode_texts(texts))


def prompted(instances: Instances, rgb: np.ndarray, texts: list[str], encoder: TextEncoder) -> np.ndarray:
    """Return the (K, 4) boxes ``y0, x0, y1, x1``, snapped to the border, of what ultralytics answers."""
    predictor = FastSAMPredictor.__new__(FastSAMPredictor)
    predictor.device = torch.device("cpu")
    predictor.clip = Adapter(encoder)
    boxes = np.concatenate(
        [snap_boxes(instances)[:, [1, 0, 3, 2]], instances.scores[:, None], np.zeros((len(instances), 1), np.float32)],
        axis=1,
    )
    masks = np.stack([instances.mask(i) for i in range(len(instances))])
    result = Results(
        np.ascontiguousarray(rgb[..., ::-1]), path="", names={0: "object"}, boxes=torch.from_numpy(boxes),
        masks=torch.from_numpy(masks.astype(np.uint8)),
    )  # fmt: skip
    (answer,) = predictor.prompt(result, texts=texts)
    return answer.boxes.xyxy.numpy()[:, [1, 0, 3, 2]]
