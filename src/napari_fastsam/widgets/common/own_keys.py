"""Keys of the docks that the user changed: taken out of napari's settings into a file beside them.

napari binds the keys of its settings when a viewer opens, before plugins are loaded, and warns of each action that it
does not know yet (`QtViewer._bind_shortcuts`). So its settings name none of ours for longer than a moment.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.settings import get_settings
from napari.utils.action_manager import action_manager
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtCore import QTimer

from napari_fastsam.errors import FastSAMError
from napari_fastsam.files import read_json

PREFIX = "napari-fastsam:"
"""Of the names of our actions."""

FILE = "napari-fastsam-keys.json"
"""Lies beside napari's settings; from names of actions to their keys, such as "Shift+L"."""

_DEFAULTS: dict[str, list[str]] = {}
"""From names of actions to the keys that they come with."""


def changed_keys() -> dict[str, list[str]]:
    """Return the keys that the user gave to actions; an action without any has none."""
    there = get_settings().shortcuts.shortcuts
    of_napari = {name: [str(key) for key in keys] for name, keys in there.items() if name.startswith(PREFIX)}
    return {**_stored(), **of_napari}


def keep_changed_keys() -> None:
    """Take our actions out of napari's settings; those whose keys differ from what they come with go into our file.

    napari's settings have all actions as soon as one of them is changed. Where they are in no file, they stay.
    """
    path, settings = _path(), get_settings()
    there = settings.shortcuts.shortcuts
    if path is None or not any(name.startswith(PREFIX) for name in there):
        return
    changed = {name: keys for name, keys in changed_keys().items() if keys != _DEFAULTS.get(name)}
    text = json.dumps(changed, indent=2) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        warnings.warn(f"The keys that were changed last until napari is closed: {error}", stacklevel=2)
        return
    settings.shortcuts.shortcuts = {name: keys for name, keys in there.items() if not name.startswith(PREFIX)}


def register(actions: Iterable[tuple[str, Any, str, str]]) -> None:
    """Let napari know actions and their keys: its preferences list and change them, for all viewers.

    Parameters
    ----------
    actions
        Of each the name, what it does with a viewer, what the user reads about it, and the key that it comes with.
    """
    chosen = changed_keys()
    for name, do, text, key in actions:
        _DEFAULTS[name] = [str(coerce_keybinding(key))]
        action_manager.register_action(name, do, text, ViewerModel)
        for one in chosen.get(name, [key]):
            action_manager.bind_shortcut(name, one)
    keep_changed_keys()
    _keep_from_now_on()


@cache
def _keep_from_now_on() -> None:
    """Keep what will be changed."""

    def changed(event: Any) -> None:
        if str(event.name).startswith(PREFIX):
            QTimer.singleShot(0, keep_changed_keys)  # napari writes its settings after it says so

    action_manager.events.shortcut_changed.connect(changed)


def _path() -> Path | None:
    """Return where our file lies; None where napari keeps its settings in no file."""
    path = get_settings().config_path
    return None if path is None else Path(path).with_name(FILE)


def _stored() -> Mapping[str, list[str]]:
    path = _path()
    if path is None or not path.is_file():
        return {}
    try:
        content = read_json(path, "a list of keys", FastSAMError)
    except FastSAMError as error:
        warnings.warn(f"{error}. The keys are those that napari-fastsam comes with.", stacklevel=2)
        return {}
    entries = content.items() if isinstance(content, dict) else ()
    return {
        name: [key for key in keys if isinstance(key, str)]
        for name, keys in entries
        if isinstance(keys, list) and name.startswith(PREFIX)
    }
