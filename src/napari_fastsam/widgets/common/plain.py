"""Texts that hold names of files and layers, for places where Qt would take some of them for rich text."""

from __future__ import annotations

import html

from qtpy.QtCore import Qt


def plain(text: str) -> str:
    """Return a text that a label or tooltip shows as it is, whatever is in it.

    Qt guesses whether a text is rich: a layer called ``<img src=…>`` would be drawn.
    """
    return html.escape(text, quote=False) if Qt.mightBeRichText(text) else text  # type: ignore[attr-defined]
