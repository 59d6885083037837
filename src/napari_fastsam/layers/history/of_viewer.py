"""Which history the steps of a viewer go to: that of the dock opened last, or one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fastsam.layers.history.history import History

if TYPE_CHECKING:
    from napari.components import ViewerModel

_announced: list[tuple[ViewerModel, History]] = []


def announce(viewer: ViewerModel, history: History) -> None:
    """Let steps of a viewer go to a history from now on."""
    _announced.append((viewer, history))


def withdraw(history: History) -> None:
    """Let steps go to where they went before a history was announced."""
    _announced[:] = [(viewer, one) for viewer, one in _announced if one is not history]


def history_of(viewer: ViewerModel) -> History | None:
    """Return the history that the steps of a viewer go to; None = nobody keeps one."""
    return next((history for owner, history in reversed(_announced) if owner == viewer), None)
