"""Which objects the examples of some prompts are, and what these look like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.descriptors import describe_instances, descriptor_kind
from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.objects.embeddings import embeddings_of
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.boxes import BoxQuery
from napari_fastsam.core.prompts.points import PointGroup
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.queries import PromptRef, Query
from napari_fastsam.core.prompts.ranking import Pool
from napari_fastsam.errors import PromptError


def exemplars_of(instances: Instances, prompts: Prompts) -> tuple[Exemplars, list[str]]:
    """Return what the examples of some prompts look like.

    Parameters
    ----------
    instances
        The plane's objects; they know their image.
    prompts
        Its examples and counter-examples, points and boxes, and what it has from other images.

    Returns
    -------
    exemplars
        All of them.
    unanswered
        A sentence for each example that lies on no object, and one if an object is both example and counter-example.

    Raises
    ------
    PromptError
        If examples from another image were described in another way.
    ParameterError
        If the instances do not know their image.
    """
    kind = descriptor_kind(instances)
    vectors = embeddings_of(instances, kind, describe_instances)
    given = prompts.exemplars
    if given is not None and given.kind != kind:
        raise PromptError(
            f"the examples are described as {given.kind!r}, by another model or version, and the objects here as "
            f"{kind!r}; mark examples again with this model"
        )
    width = vectors.shape[1] if given is None else given.examples.shape[1]
    if len(vectors) and vectors.shape[1] != width:
        raise PromptError(
            f"the examples have {width} numbers each and the objects here {vectors.shape[1]}, though both are "
            f"described as {kind!r}; mark examples again with this model"
        )
    unanswered: list[str] = []
    found: dict[str, dict[bytes, NDArray[np.float32]]] = {}
    for name in ("examples", "counter_examples"):
        chosen, sentences = _objects(instances, prompts, name)
        unanswered += sentences
        rows = ([] if given is None else list(getattr(given, name))) + [vectors[i] for i in chosen]
        found[name] = {row.tobytes(): row for row in rows}  # what was kept may be marked as well
    contradicted = found["examples"].keys() & found["counter_examples"].keys()
    if contradicted:
        unanswered.append(
            f"objects that are both example and counter-example, which count as neither: {len(contradicted)}"
        )
    kept = {name: [row for key, row in rows.items() if key not in contradicted] for name, rows in found.items()}
    tables = {name: np.array(rows, np.float32).reshape(len(rows), width) for name, rows in kept.items()}
    return Exemplars(kind, **tables), unanswered


def _objects(instances: Instances, prompts: Prompts, name: str) -> tuple[list[int], list[str]]:
    """Return the objects that examples or counter-examples lie on, each once, and sentences about those on none."""
    # an example means the object that a prompt at its place means
    points, boxes = getattr(prompts, name), getattr(prompts, f"{name[:-1]}_boxes")
    pool = Pool(instances)
    called = name[:-1].replace("_", "-")
    asked: list[tuple[str, Query]] = []
    for i, point in enumerate(points):
        query = PointGroup(PromptRef("point", (i,)), point[None], positive=point[None])
        asked.append((f"{called} {i + 1}", query))
    for i, box in enumerate(boxes):
        asked.append((f"{called} box {i + 1}", BoxQuery(PromptRef("box", (i,)), box)))
    rankings = [(which, query.rank(pool)) for which, query in asked]
    chosen = dict.fromkeys(r.candidates[0].index for _, r in rankings if r.candidates)
    unanswered = [f"{which}: {ranking.reason}" for which, ranking in rankings if not ranking.candidates]
    return [i for i in chosen if i is not None], unanswered
