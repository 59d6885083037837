"""Sizes of pixels as files say them: units under many names."""

from __future__ import annotations

import math

_NAMES = {
    "micrometer": ("µm", "μm", "um", "micron", "microns", "micrometre", "\\u00b5m", "\\u03bcm"),
    "nanometer": ("nm", "nanometre"),
    "millimeter": ("mm", "millimetre"),
    "centimeter": ("cm", "centimetre"),
    "meter": ("m", "metre"),
    "angstrom": ("å", "ångström"),
    "inch": ("in", "inches", '"'),
    "second": ("s", "sec", "seconds"),
    "millisecond": ("ms", "msec"),
    "minute": ("min", "minutes"),
    "hour": ("h", "hours"),
}
_BY_NAME = {name: unit for unit, names in _NAMES.items() for name in (unit, *names)}
_NONE = ("", "pixel", "pixels", "px", "reference", "none", "null")


def unit_of(name: object) -> str:
    """Return the UDUNITS-2 name of a unit; "" = pixels, or not said; a name that is not known as it is."""
    text = str(name or "").strip()
    if text.casefold() in _NONE:
        return ""
    return _BY_NAME.get(text) or _BY_NAME.get(text.casefold(), text)


def size_of(value: object, unit: object) -> tuple[float, str] | None:
    """Return the size and unit of a pixel, or None if it is none: no number, zero, not finite, or in pixels."""
    try:
        size = float(value)  # type: ignore[arg-type]  # whatever a file says
    except (TypeError, ValueError):
        return None
    name = unit_of(unit)
    return (size, name) if 0 < size < math.inf and name else None
