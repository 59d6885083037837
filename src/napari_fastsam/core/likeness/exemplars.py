"""Examples: what some objects look like, and which others look like them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.descriptors import describe_instances
from napari_fastsam.core.likeness.likeness import Population
from napari_fastsam.core.objects.embeddings import embeddings_of
from napari_fastsam.core.objects.instances import Instances
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

    def to_json(self) -> dict[str, Any]:
        """Return the examples as values that JSON knows."""
        tables = {name: getattr(self, name).tolist() for name in ("examples", "counter_examples")}
        return {"kind": self.kind, **tables}

    @classmethod
    def from_json(cls, content: Any) -> Exemplars:
        """Return the examples that `to_json` made values of.

        Raises
        ------
        PromptError
            If there is no example, or a value is not what is expected there.
        """
        try:
            examples = content["examples"]
            if not isinstance(examples, list) or not examples:
                raise PromptError("there is no list with an example in it")
            counter_examples = content["counter_examples"] or np.zeros((0, len(examples[0])))
            tables: Any = examples, counter_examples
            return cls(str(content["kind"]), *tables)
        except (KeyError, TypeError) as error:
            raise PromptError(f"these are no examples: {error!r}") from error


def example_likeness(instances: Instances, exemplars: Exemplars) -> NDArray[np.float64]:
    """Return how like the examples each object is.

    Parameters
    ----------
    instances
        The plane's N objects; they know their image.
    exemplars
        What `core.prompts.examples.exemplars_of` says of these objects and some prompts.

    Returns
    -------
    numpy.ndarray
        (N,) 1 = like the examples, 0 = like the plane's average object. All zeros without an example.
    """
    vectors = embeddings_of(instances, exemplars.kind, describe_instances)
    return Population.of(vectors).likeness(exemplars.examples, exemplars.counter_examples)


def are_among(instances: Instances, exemplars: Exemplars, rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which of N objects are (E, D) examples or counter-examples of a set themselves: (N,)."""
    known = {row.tobytes() for row in rows}
    vectors = embeddings_of(instances, exemplars.kind, describe_instances)
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
