"""Errors of anybody are shown as they are: what is in their text is not drawn."""

from __future__ import annotations

import pytest
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtCore import Qt
from qtpy.QtGui import QTextDocument

from napari_fastsam.errors import ImageError
from napari_fastsam.widgets.common.errors import notify, report_errors

EVIL = 'no such column: <img src="http://127.0.0.1/x.png"><b>cells</b>'


@pytest.fixture
def shown(monkeypatch):
    """The notifications that came."""
    seen = []
    monkeypatch.setattr(notification_manager, "dispatch", seen.append)
    return seen


def drawn(message: str) -> str:
    """The letters that a label of Qt draws, which guesses whether a text is rich."""
    document = QTextDocument()
    if Qt.mightBeRichText(message):
        document.setHtml(message)
    else:
        document.setPlainText(message)
    return document.toPlainText()


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, ImageError])
def test_html_in_an_error_is_text(shown, kind):
    notify(kind(EVIL))
    (notification,) = shown
    assert drawn(notification.message) == EVIL


def test_an_error_that_is_not_ours_keeps_its_traceback(shown):
    try:
        raise KeyError(EVIL)
    except KeyError as raised:
        notify(raised)
    assert isinstance(shown[0], ErrorNotification)
    assert "raise KeyError(EVIL)" in shown[0].as_text()


def test_an_error_of_ours_is_said_and_others_go_on(shown):
    class Part:
        said = ""

        def fail(self, error):
            self.said = str(error)

        @report_errors
        def do(self, error):
            raise error

    part = Part()
    assert part.do(ImageError("There are no pixels.")) is None
    assert part.said == "There are no pixels."
    with pytest.raises(ZeroDivisionError):
        part.do(ZeroDivisionError())


def test_in_the_viewer(bench, shown, monkeypatch):
    from napari_fastsam.layers.answers.kept import Kept

    def broken(*args):
        raise OSError(EVIL)

    b = bench()
    monkeypatch.setattr(Kept, "prediction", broken)
    b.click((126, 94))
    assert EVIL in b.status
    assert "<img" not in b.dock.status.value
    assert [drawn(notification.message) for notification in shown] == [EVIL]
