"""Lengths and areas that the program has in pixels, to be read and typed in the units of an image."""

from __future__ import annotations

import math

from magicgui.widgets import FloatSpinBox, SpinBox

from napari_fastsam.widgets.common.wheel import scroll_past

_MOST_DECIMALS = 12


class InUnits:
    """Fields that show what others hold in pixels.

    Parameters
    ----------
    power
        1 = lengths, 2 = areas.
    pixels
        Hold the values, in pixels.
    zero
        What a field shows instead of 0.

    Attributes
    ----------
    fields
        One for each of `pixels`, in µm or µm², or in pixels.
    """

    def __init__(self, power: int, *pixels: FloatSpinBox | SpinBox, zero: str = "") -> None:
        self._power, self._pixels = power, pixels
        self._factor = 1.0
        self._unit = ""
        self.fields = [FloatSpinBox(value=0, min=0, max=1e9, step=1, tooltip=one.tooltip) for one in pixels]
        for field, one in zip(self.fields, pixels, strict=True):
            field.native.setSpecialValueText(zero)
            field.native.setMinimumWidth(70)
            field.native.setKeyboardTracking(False)  # or each digit that is typed would ask for another answer
            scroll_past(field.native)
            field.changed.connect(lambda value, one=one: self._typed(one, value))
            one.changed.connect(self._show)
        self.show_in(None)

    def show_in(self, micrometres: float | None) -> None:
        """Show µm, of which a pixel has so many; None = pixels."""
        self._factor = 1.0 if micrometres is None else micrometres**self._power
        self._unit = ("px", "px")[self._power - 1] if micrometres is None else ("µm", "µm²")[self._power - 1]
        pixel = math.floor(math.log10(self._factor))  # of electrons' images a pixel is some 0.00001 µm²
        for field in self.fields:
            field.native.setSuffix(f" {self._unit}")
            field.native.setSingleStep(10.0 ** min(pixel + 1, 0))
            with field.changed.blocked():  # with fewer decimals it is rounded, which nobody typed
                field.native.setDecimals(0 if micrometres is None else min(max(2, 1 - pixel), _MOST_DECIMALS))
        self._show()

    def text(self, pixels: float) -> str:
        """Return a value in pixels as it is shown, with its unit."""
        return f"{pixels * self._factor:.{self.fields[0].native.decimals()}f} {self._unit}"

    def _typed(self, one: FloatSpinBox | SpinBox, value: float) -> None:
        pixels = min(max(value / self._factor, one.min), one.max)
        one.value = round(pixels) if isinstance(one, SpinBox) else pixels
        self._show()  # what is beyond the limits is not there

    def _show(self, *_: object) -> None:
        for field, one in zip(self.fields, self._pixels, strict=True):
            with field.changed.blocked():
                field.value = one.value * self._factor
