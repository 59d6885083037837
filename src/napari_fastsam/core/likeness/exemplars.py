"""Examples: which objects they are, what they look like, and which others look like them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.descriptors import describe_instances, descriptor_kind
from napari_fastsam.core.likeness.likeness import Population
from napari_fastsam.core.objects.embeddings import described
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.ranking import Ranking, rank_by_box, rank_by_points
from napari_fastsam.errors import PromptError


@dataclass(frozen=True, eq=False)
class Exemplars:
    """What some objects look like, for use on other images.

    Attributes
    ----------
    kind
        Which description (`core.likeness.descriptors.descriptor_kind`): only objects that are described alike are
        comparable.
    examples, counter_examples
        (E, D) and (C, D) float32 descriptions of objects that are wanted, and that are not.

    Raises
    ------
    PromptError
        If the descriptions are no tables of one width with finite numbers.
    """

    kind: str
    examples: NDArray[np.float32]
    counter_examples: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in ("examples", "counter_examples"):
            object.__setattr__(self, name, _table(name, getattr(self, name)))
        if self.examples.shape[1] != self.counter_examples.shape[1]:
            raise PromptError(
                f"examples have {self.examples.shape[1]} numbers each and counter_examples "
                f"{self.counter_examples.shape[1]}; expected as many"
            )


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
    vectors = described(instances, kind, describe_instances)
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


def example_likeness(instances: Instances, exemplars: Exemplars) -> NDArray[np.float64]:
    """Return how like the examples each object is.

    Parameters
    ----------
    instances
        The plane's N objects; they know their image.
    exemplars
        What `exemplars_of` says of these objects and some prompts.

    Returns
    -------
    numpy.ndarray
        (N,) 1 = like the examples, 0 = like the plane's average object. All zeros without an example.
    """
    vectors = described(instances, exemplars.kind, describe_instances)
    return Population.of(vectors).likeness(exemplars.examples, exemplars.counter_examples)


def are_among(instances: Instances, exemplars: Exemplars, rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which of N objects are (E, D) examples or counter-examples of a set themselves: (N,)."""
    known = {row.tobytes() for row in rows}
    vectors = described(instances, exemplars.kind, describe_instances)
    return np.array([vector.tobytes() in known for vector in vectors], bool)


def _table(name: str, values: Any) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):
            table = np.asarray(values, np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise PromptError(f"{name} is no table ({error}); expected finite numbers in a row an example") from error
    if table.ndim != 2 or not np.isfinite(table).all():
        raise PromptError(
            f"{name} has shape {table.shape} and {np.count_nonzero(~np.isfinite(table))} values that are too large or "
            f"none; expected finite numbers in a row an example"
        )
    return table


def _objects(instances: Instances, prompts: Prompts, name: str) -> tuple[list[int], list[str]]:
    """Return the objects that examples or counter-examples lie on, each once, and sentences about those on none."""
    nothing_forbidden = np.zeros(len(instances), bool)
    no_points = np.zeros((0, 2))
    called = name[:-1].replace("_", "-")
    rankings: list[tuple[str, Ranking]] = []
    for i, point in enumerate(getattr(prompts, name), start=1):
        rankings.append((f"{called} {i}", rank_by_points(instances, point[None], nothing_forbidden)))
    for i, box in enumerate(getattr(prompts, f"{name[:-1]}_boxes"), start=1):
        rankings.append((f"{called} box {i}", rank_by_box(instances, box, no_points, nothing_forbidden)))
    chosen = dict.fromkeys(int(ranking.candidates[0]) for _, ranking in rankings if len(ranking.candidates))
    unanswered = [f"{which}: {ranking.reason}" for which, ranking in rankings if not len(ranking.candidates)]
    return list(chosen), unanswered
