"""In which ways objects are described, for searches by words and by examples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

from napari_fastsam.core.likeness.descriptors import describe_instances, descriptor_kind
from napari_fastsam.core.likeness.text import TextEncoder, crop_kind, crop_maker
from napari_fastsam.core.objects.embeddings import Describe
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.prompts import Prompts

Ways: TypeAlias = Callable[[Instances], Sequence[tuple[Hashable, Describe]]]
"""Says how objects are to be described: what tells each description from others, and what makes it."""


def ways_of(
    prompts: Prompts, text_encoder: TextEncoder | None, instances: Instances
) -> list[tuple[Hashable, Describe]]:
    """Return the descriptions of objects that a search by words or examples compares, and what makes each."""
    return ways_for(text_encoder if prompts.texts else None, prompts.has_examples, instances)


def ways_for(text_encoder: TextEncoder | None, examples: bool, instances: Instances) -> list[tuple[Hashable, Describe]]:
    """Return how objects are described for words, if there is an encoder, and for examples, if any may come."""
    ways: list[tuple[Hashable, Describe]] = []
    if text_encoder is not None:
        ways.append((crop_kind(text_encoder), crop_maker(text_encoder)))
    if examples:
        ways.append((descriptor_kind(instances), describe_instances))
    return ways


def undescribed(instances: Instances) -> list[tuple[Hashable, Describe]]:
    """Describe objects in no way."""
    return []
