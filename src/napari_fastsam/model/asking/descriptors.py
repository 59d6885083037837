"""What embeds objects, for searches by words and by examples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

from napari_fastsam.core.likeness.descriptors import describe_instances, descriptor_kind
from napari_fastsam.core.likeness.text import TextEncoder, crop_kind, crop_maker
from napari_fastsam.core.objects.embeddings import Embed
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.prompts import Prompts

Descriptors: TypeAlias = Callable[[Instances], Sequence[tuple[Hashable, Embed]]]
"""Returns what embeds objects: what tells each kind of embedding from others, and what makes it."""


def descriptors_of(
    prompts: Prompts, text_encoder: TextEncoder | None, instances: Instances
) -> list[tuple[Hashable, Embed]]:
    """Return what embeds objects for a search by words or examples."""
    return descriptors_for(text_encoder if prompts.texts else None, prompts.has_examples, instances)


def descriptors_for(
    text_encoder: TextEncoder | None, examples: bool, instances: Instances
) -> list[tuple[Hashable, Embed]]:
    """Return what embeds objects for words, if there is an encoder, and for examples, if any may come."""
    descriptors: list[tuple[Hashable, Embed]] = []
    if text_encoder is not None:
        descriptors.append((crop_kind(text_encoder), crop_maker(text_encoder)))
    if examples:
        descriptors.append((descriptor_kind(instances), describe_instances))
    return descriptors


def no_descriptors(instances: Instances) -> list[tuple[Hashable, Embed]]:
    """Return no descriptors: the objects are not embedded."""
    return []
