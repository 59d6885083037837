"""Lengths and areas that the program has in pixels, to be read and typed in the units of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import FloatSpinBox, SpinBox

if TYPE_CHECKING:
    from napari.layers import Image

_MICROMETRES = {
    "pm": 1e-6,
    "picometer": 1e-6,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "micrometer": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "m": 1e6,
    "meter": 1e6,
}


def micrometres_a_pixel(image: Image) -> float | None:
    """Return the side of an image's pixel in µm, the mean of both; None where the image says no length."""
    lengths = [
        abs(float(scale)) * _MICROMETRES.get(str(unit), 0.0)
        for scale, unit in zip(image.scale[-2:], image.units[-2:], strict=True)
    ]
    return (lengths[0] * lengths[1]) ** 0.5 or None


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
            field.changed.connect(lambda value, one=one: self._typed(one, value))
            one.changed.connect(self._show)
        self.show_in(None)

    def show_in(self, micrometres: float | None) -> None:
        """Show µm, of which a pixel has so many; None = pixels."""
        self._factor = 1.0 if micrometres is None else micrometres**self._power
        self._unit = ("px", "px")[self._power - 1] if micrometres is None else ("µm", "µm²")[self._power - 1]
        for field in self.fields:
            field.native.setSuffix(f" {self._unit}")
            field.native.setDecimals(0 if micrometres is None else 2)
        self._show()

    def text(self, pixels: float) -> str:
        """Return a value in pixels as it is shown, with its unit."""
        return f"{pixels * self._factor:.{self.fields[0].native.decimals()}f} {self._unit}"

    def _typed(self, one: FloatSpinBox | SpinBox, value: float) -> None:
        pixels = value / self._factor
        one.value = round(pixels) if isinstance(one, SpinBox) else pixels

    def _show(self, *_: object) -> None:
        for field, one in zip(self.fields, self._pixels, strict=True):
            with field.changed.blocked():
                field.value = one.value * self._factor
