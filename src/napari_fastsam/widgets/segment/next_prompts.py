"""What the prompts that a person makes next will mean, as the dock's buttons say it."""

from __future__ import annotations

from typing import Any

from napari_fastsam.layers.prompts import new as new_prompts
from napari_fastsam.layers.prompts.new import COUNTER_EXAMPLE, EXAMPLE, NEGATIVE, POSITIVE


class NextPrompts:
    """Reads and sets what the layers of prompts say about the next one.

    Parameters
    ----------
    controls
        The dock's: ``points`` and ``shapes`` choose the layers; ``next_point`` and ``example`` show what is next.
    """

    def __init__(self, controls: Any) -> None:
        self._controls = controls

    @property
    def there_are_layers(self) -> bool:
        """Whether there is any layer for prompts."""
        return self._controls.points.value is not None or self._controls.shapes.value is not None

    def toggle_polarity(self) -> None:
        """Make the next points, and those selected, negative or positive; the next shapes prompts."""
        negative = new_prompts.next_polarity(self._controls.points.value) == POSITIVE
        self._set_polarity(NEGATIVE if negative else POSITIVE)

    def toggle_example(self) -> None:
        """Make the next points and shapes, and those selected, examples or counter-examples."""
        points, shapes = self._controls.points.value, self._controls.shapes.value
        now = new_prompts.next_polarity(shapes if points is None else points)
        self._set_polarity(COUNTER_EXAMPLE if now == EXAMPLE else EXAMPLE)

    def toggle_object(self) -> None:
        """Let the next points describe one object together, or each an object of its own."""
        points = self._controls.points.value
        together = new_prompts.object_number(points) == 0
        new_prompts.set_object_number(points, new_prompts.largest_object_number(points) + 1 if together else 0)
        self.show()

    def show(self, *_: Any) -> None:
        """Let the buttons say what is next."""
        points, buttons = self._controls.points.value, self._controls.next_point
        polarity = POSITIVE if points is None else new_prompts.next_polarity(points)
        number = 0 if points is None else new_prompts.object_number(points)
        buttons.polarity.text = "− negative" if polarity == NEGATIVE else "+ positive"
        buttons.object.text = f"object {number}" if number else "each its own"
        shows = polarity in (EXAMPLE, COUNTER_EXAMPLE)
        self._controls.example.text = f"★ {polarity}" if shows else "example"

    def _set_polarity(self, polarity: str) -> None:
        points, shapes = self._controls.points.value, self._controls.shapes.value
        if points is not None:
            new_prompts.set_polarity(points, polarity)
        if shapes is not None:
            # a shape cannot be negative
            new_prompts.set_polarity(shapes, POSITIVE if polarity == NEGATIVE else polarity)
        self.show()
