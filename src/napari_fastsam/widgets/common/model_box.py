"""Chooses a model: of the registry, one of the user's own, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QFileDialog

from napari_fastsam.model.weights import own_models
from napari_fastsam.model.weights.formats import FILE_PATTERNS
from napari_fastsam.model.weights.weights import REGISTRY

FROM_FILE = "from a file …"


class ModelBox(ComboBox):
    """Chooses a model of the registry, one of the user's own or a file; a path becomes a choice when it is set.

    It offers the models that there are when the user turns to it: any window and any program may have made one.
    """

    offers_files = True
    """Whether a file can be chosen that is none of the models offered."""

    def __init__(self, value: str, **options: Any) -> None:
        self._paths: list[str] = []
        self._empty = False
        if value not in self.offered():
            self._paths.append(value)
        super().__init__(value=value, choices=lambda _: [] if self._empty else self._all(), **options)
        self._before_opening = _BeforeOpening(self)
        self.native.installEventFilter(self._before_opening)

    def offered(self) -> list[str]:
        """Return the names of the models that there are."""
        return [*(w.name for w in REGISTRY), *own_models.files()]

    def refresh(self) -> None:
        """Offer the models that there are now; what is chosen stays, also if its file is gone."""
        if tuple(self._all()) == self.choices:
            return
        chosen = self.value
        if chosen != FROM_FILE and chosen not in [*self.offered(), *self._paths]:
            self._paths.append(chosen)
        with self.changed.blocked():
            # magicgui puts new choices behind those that stay: without any, the order is that of the list
            self._empty = True
            self.reset_choices()
            self._empty = False
            self.reset_choices()
            self.value = chosen

    def _all(self) -> list[str]:
        return [*self.offered(), *self._paths, *([FROM_FILE] if self.offers_files else [])]

    @property
    def value(self) -> Any:
        """Name or path."""
        return super().value

    @value.setter
    def value(self, value: str | Path) -> None:
        name = str(value)
        if name not in self.choices:
            self._paths.append(name)
            self.reset_choices()
        ComboBox.value.fset(self, name)  # type: ignore[attr-defined]

    def ask_for_file(self, instead: str, exported: bool = False) -> None:
        """Let the user choose a checkpoint, or a model exported from one; without one, go back to `instead`."""
        offered = f"Models (*.pt {' '.join(FILE_PATTERNS)})" if exported else "*.pt"
        path, _ = QFileDialog.getOpenFileName(self.native, "A FastSAM or YOLO segmentation checkpoint", "", offered)
        self.value = path or instead


class _BeforeOpening(QObject):
    """Has the models offered that there are now, before the list opens or a key goes through it."""

    def __init__(self, box: ModelBox) -> None:
        super().__init__()
        self._box = box

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look into the folder; the event goes on."""
        if event is not None and event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress):
            self._box.refresh()
        return False
