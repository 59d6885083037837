"""The dock *Annotate a folder* while it works."""

from __future__ import annotations

from typing import Any

from napari_fastsam.widgets.project import AnnotateFolderWidget


def labels_of(dock: AnnotateFolderWidget) -> Any:
    return dock.annotating.opened.labels


def names(dock: AnnotateFolderWidget) -> list[str]:
    return [layer.name for layer in dock._viewer.layers]


def settle(dock: AnnotateFolderWidget, qtbot: Any) -> None:
    """Wait until what was done is in the journal."""
    qtbot.waitUntil(lambda: not dock._keep_soon.isActive())
