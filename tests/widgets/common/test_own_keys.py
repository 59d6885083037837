"""A key that was changed in napari's preferences is there at the next start, and nothing warns then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from napari.settings import get_settings
from napari.utils.key_bindings import coerce_keybinding

from napari_fastsam.widgets.common.own_keys import FILE, changed_keys, keep_changed_keys

CHANGE = """
import napari
from napari._qt.dialogs.preferences_dialog import PreferencesDialog
from napari._qt.widgets.qt_keyboard_settings import ShortcutEditor
from napari_fastsam.widgets import FastSAMWidget
viewer = napari.Viewer(show=False)
dock = FastSAMWidget(viewer)
dialog = PreferencesDialog(viewer.window._qt_window)
editor = dialog.findChildren(ShortcutEditor)[0]
table = editor._table
action = next(
    table.item(row, table.columnCount() - 1)
    for row in range(table.rowCount())
    if table.item(row, table.columnCount() - 1).text() == "napari-fastsam:toggle_task"
)
item = table.item(action.row(), editor._shortcut_col)
item.setText("Ctrl+" + item.text())
napari._qt.qt_event_loop.get_qapp().processEvents()
dialog.accept()
napari._qt.qt_event_loop.get_qapp().processEvents()
viewer.close()
"""

AGAIN = """
import warnings
import napari
import napari_fastsam.widgets
with warnings.catch_warnings():
    warnings.simplefilter("error", UserWarning)
    viewer = napari.Viewer(show=False)
from napari.utils.action_manager import action_manager
from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.segment.shortcuts import KEYS
dock = FastSAMWidget(viewer)
now = KEYS.keys_of
print(now("toggle_task"), now("run"), [str(k) for k in action_manager._shortcuts["napari-fastsam:toggle_task"]])
viewer.close()
"""


ENOUGH = """
import os, sys
sys.stdout.flush()
os._exit(0)  # how Qt is taken apart without an event loop is not what is asked here
"""


def run(script: str, folder: Path) -> str:
    environment = {**os.environ, "NAPARI_CONFIG": str(folder / "settings.yaml")}
    command = [sys.executable, "-c", script + ENOUGH]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_key_that_was_changed_is_there_at_the_next_start_and_nothing_warns(tmp_path):
    run(CHANGE, tmp_path)
    assert json.loads((tmp_path / FILE).read_text()) == {"napari-fastsam:toggle_task": ["Ctrl+Shift+E"]}
    assert "napari-fastsam" not in (tmp_path / "settings.yaml").read_text()
    assert run(AGAIN, tmp_path).strip() == "['Ctrl+Shift+E'] ['Shift+R'] ['Ctrl+Shift+E']"


def test_what_napari_kept_before_moves_over(tmp_path, monkeypatch):
    settings = get_settings()
    monkeypatch.setattr(settings, "config_path", tmp_path / "settings.yaml")
    settings.shortcuts.shortcuts["napari-fastsam:run"] = [coerce_keybinding("Shift-V")]
    keep_changed_keys()
    assert "napari-fastsam:run" not in settings.shortcuts.shortcuts
    assert changed_keys() == {"napari-fastsam:run": ["Shift+V"]}


@pytest.mark.parametrize("content", ["{", "[1, 2]", '{"napari-fastsam:run": 3, "other:run": ["A"]}'])
def test_a_damaged_list_of_keys_leaves_those_that_it_comes_with(tmp_path, monkeypatch, content):
    monkeypatch.setattr(get_settings(), "config_path", tmp_path / "settings.yaml")
    (tmp_path / FILE).write_text(content)
    if content == "{":
        with pytest.warns(UserWarning, match="not a list of keys"):
            assert changed_keys() == {}
    else:
        assert changed_keys() == {}
