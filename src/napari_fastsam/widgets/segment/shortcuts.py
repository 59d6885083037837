"""Keys for everything that the dock does, in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from napari.utils.key_bindings import coerce_keybinding

if TYPE_CHECKING:
    from napari.components import ViewerModel

SHORTCUTS: Mapping[str, tuple[str, str]] = {
    "Shift-N": ("make_prompt_layers", "new prompt layers"),
    "Shift-T": ("toggle_polarity", "next points + or −"),
    "Shift-O": ("toggle_object", "new object, or this object"),
    "Shift-J": ("join", "join selected prompts to this object"),
    "Shift-X": ("toggle_example", "next prompts: example, counter-example"),
    "Shift-W": ("focus_words", "search by words"),
    "Shift-E": ("toggle_task", "prompts or everything"),
    "Shift-R": ("run", "run; while it runs: cancel"),
    "Shift-Up": ("larger", "larger object"),
    "Shift-Down": ("smaller", "smaller object"),
    "Shift-Enter": ("commit", "add to labels"),
    "Shift-Delete": ("clear_prompts", "clear prompts"),
    "Control-Z": ("undo", "take back; on your own Labels layer: what you painted"),
    "Control-Shift-Z": ("redo", "do again what was taken back"),
}
"""Key to the dock's method and what the user reads about it.

All with Shift: a layer's own key goes before the viewer's, and napari's layers leave these free. But undo and redo,
which are the same key everywhere: Labels layers have them too, for what is painted there (see `undo_keys`).
"""


def bind(viewer: ViewerModel, dock: Any) -> Callable[[], None]:
    """Bind all shortcuts; the function returned takes them back.

    The dock opened last has the keys. When it is closed, the one before has them again.
    """
    made: list[_Press] = []
    for key, (method, _) in SHORTCUTS.items():
        binding = _binding(key)
        press = _Press(getattr(dock, method), viewer.keymap.get(binding))
        viewer.bind_key(binding, press, overwrite=True)
        made.append(press)

    def unbind() -> None:
        for key, press in zip(SHORTCUTS, made, strict=True):
            press.method = None
            if viewer.keymap.get(_binding(key)) is press:
                viewer.bind_key(_binding(key), press.previous_binding(), overwrite=True)

    return unbind


class _Press:
    """What a key does, and what it did before."""

    def __init__(self, method: Callable[[], Any], before: Callable[[Any], Any] | None) -> None:
        self.method: Callable[[], Any] | None = method
        self.before = before
        self.__name__ = f"napari_fastsam_{method.__name__}"  # napari asks every binding for it at each key press

    def __call__(self, viewer: Any) -> None:
        if self.method is not None:
            self.method()

    def previous_binding(self) -> Callable[[Any], Any] | None:
        """Return what the key does next: what it did before, unless that dock was closed too."""
        before = self.before
        while isinstance(before, _Press) and before.method is None:
            before = before.before
        return before


def _binding(key: str) -> Any:
    """Return what napari binds; what is Control elsewhere is Command on a Mac."""
    return coerce_keybinding(key.replace("Control", "Meta") if sys.platform == "darwin" else key)


def as_html() -> str:
    """Return the list of shortcuts as rich text."""
    rows = "".join(f"<tr><td><b>{key}</b>&nbsp;&nbsp;</td><td>{text}</td></tr>" for key, (_, text) in SHORTCUTS.items())
    return f"<table>{rows}</table>"
