"""How training goes: the curves of loss and accuracy, a bar, and how long it still takes."""

from __future__ import annotations

import time

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_fastsam.widgets.common.curves import Curves, Series
from napari_fastsam.widgets.train import messages
from napari_fastsam.widgets.train.events import Batch, Epoch, Event, Pace, Started

_STEPS = 1000


class RunView(QWidget):
    """How training goes: curves, and a bar."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = Curves("loss", "epoch")
        self.ap = Curves("accuracy", "epoch", y_range=(0.0, 1.0))
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.loss.setToolTip("What training makes smaller: where it no longer falls, more epochs are of no use.")
        self.ap.setToolTip("Share of objects found and outlined well: at IoU 0.5, and on average from 0.5 to 0.95.")
        self.bar.setToolTip("Share of the epochs that are done.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(2)
        for widget in (self.loss, self.ap, self.bar):
            layout.addWidget(widget)
        self._epochs: list[Epoch] = []
        self._pace = Pace()
        self.reasons: tuple[str, ...] = ()
        self.held_out = 0
        self.hide()

    @property
    def best(self) -> Epoch | None:
        """The best epoch so far."""
        return next((e for e in reversed(self._epochs) if e.best), None)

    @property
    def measured(self) -> bool:
        """Whether an epoch is done."""
        return bool(self._epochs)

    def begin(self) -> None:
        """Show an empty plot."""
        self._epochs, self._pace, self.reasons, self.held_out = [], Pace(), (), 0
        self.bar.setRange(0, 0)  # moves to and fro until the first batch is done
        self._draw(1)
        self.show()

    def heard(self, event: Event) -> str:
        """Show what an event tells; return what to say about it."""
        now = time.monotonic()
        self._pace.heard(event, now)
        if isinstance(event, Started):
            self.reasons, self.held_out = messages.settings_said(event), event.validation
            self._draw(event.epochs)
            return messages.started(event)
        if not isinstance(event, Batch | Epoch):
            return ""
        self.bar.setRange(0, _STEPS)
        self.bar.setValue(round(_STEPS * self._pace.fraction))
        if isinstance(event, Epoch):
            self._epochs.append(event)
            self._draw(event.epochs)
        return messages.progress(event, self.best, self._pace.seconds_left(now))

    def end(self, whole: bool) -> None:
        """Stop the bar; the curves stay."""
        self.bar.setRange(0, _STEPS)
        self.bar.setValue(_STEPS if whole else round(_STEPS * self._pace.fraction))

    def _draw(self, epochs: int) -> None:
        span = (1.0, float(max(epochs, 2)))
        best = None if self.best is None else float(self.best.epoch)
        names = list(dict.fromkeys(name for e in self._epochs for name in e.losses))
        losses = [Series(n, tuple((float(e.epoch), e.losses[n]) for e in self._epochs if n in e.losses)) for n in names]
        self.loss.show_series(losses, best, span)
        ap50 = tuple((float(e.epoch), e.ap50) for e in self._epochs if e.ap50 is not None)
        ap = tuple((float(e.epoch), e.ap) for e in self._epochs if e.ap is not None)
        self.ap.show_series([Series("AP50", ap50), Series("mean AP", ap)], best, span)
