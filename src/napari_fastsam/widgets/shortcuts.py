"""Keys for everything that the dock does, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel

SHORTCUTS: Mapping[str, tuple[str, str]] = {
    "Shift-N": ("make_prompt_layers", "new prompt layers"),
    "T": ("toggle_polarity", "next points + or −"),
    "O": ("toggle_object", "points: each an object, or one"),
    "Shift-E": ("toggle_task", "prompts or everything"),
    "Shift-R": ("run", "run"),
    "Shift-Up": ("larger", "larger object"),
    "Shift-Down": ("smaller", "smaller object"),
    "Shift-Enter": ("commit", "add to labels"),
    "Shift-Delete": ("clear_prompts", "clear prompts"),
}
"""Key to the dock's method and what a person reads about it. A layer's own key of the same name goes before."""


def bind(viewer: ViewerModel, dock: Any) -> Callable[[], None]:
    """Bind all shortcuts; the function returned takes them back."""

    def bound(method: str) -> Callable[[Any], None]:
        def press(_: Any) -> None:
            getattr(dock, method)()

        return press

    made = {key: bound(method) for key, (method, _) in SHORTCUTS.items()}
    for key, press in made.items():
        viewer.bind_key(key, press, overwrite=True)

    def unbind() -> None:
        for key, press in made.items():
            # another dock may have taken the key since
            if viewer.keymap.get(_normal(key)) is press:
                viewer.bind_key(key, None)

    return unbind


def _normal(key: str) -> Any:
    from napari.utils.key_bindings import coerce_keybinding

    return coerce_keybinding(key)


def as_html() -> str:
    """Return the list of shortcuts as rich text."""
    rows = "".join(f"<tr><td><b>{key}</b>&nbsp;&nbsp;</td><td>{text}</td></tr>" for key, (_, text) in SHORTCUTS.items())
    return f"<table>{rows}</table>"
