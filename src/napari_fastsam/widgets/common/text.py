"""Texts for Qt, which takes some of them for rich text: names of files and layers are shown as they are."""

from __future__ import annotations

import html

from qtpy.QtCore import Qt

_MOST_DETAILS = 8


def plain(text: str) -> str:
    """Return a text that a label or tooltip shows as it is, whatever is in it.

    Qt guesses whether a text is rich: a layer called ``<img src=…>`` would be drawn.
    """
    return html.escape(text, quote=False) if Qt.mightBeRichText(text) else text  # type: ignore[attr-defined]


def on_button(text: str) -> str:
    """Return a text that a button shows as it is: of "A & B" Qt would take the space for a key, and show none."""
    return text.replace("&", "&&")


def as_html(message: str, details: tuple[str, ...] = ()) -> str:
    """Return a message and its details as rich text, the first few of many."""
    lines = [html.escape(message), *(f"• {html.escape(detail)}" for detail in details[:_MOST_DETAILS])]
    if len(details) > _MOST_DETAILS:
        lines.append(f"• and {len(details) - _MOST_DETAILS} more")
    return "<br>".join(lines)


def counted(count: int) -> str:
    """Return "1 object", "2 objects"."""
    return f"{count} object{'s' * (count != 1)}"
