"""Examples as values that can be kept and applied to another image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Exemplars:
    """What some examples look like.

    Attributes
    ----------
    kind
        Which description: examples are compared with objects that are described in the same way only.
    examples, counter_examples
        (E, D) and (C, D) descriptions.
    """

    kind: str
    examples: NDArray[np.float32]
    counter_examples: NDArray[np.float32]
