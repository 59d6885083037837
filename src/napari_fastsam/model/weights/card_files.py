"""Cards beside model files: which one belongs to a file, and how the two are replaced together.

Two files cannot be replaced in one step. So a new card is written first, under a name of its own, and takes its
final name after the weights have taken theirs. Cards carry the SHA-256 of the weights, so at every moment in between,
and after a crash, it can be told which of the two cards is that of the weights that are there.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from napari_fastsam.errors import ModelError
from napari_fastsam.model.weights.card import Card, card_text, read_card
from napari_fastsam.model.weights.hashes import sha256_of

_MAX_PREFIX = 100
"""Characters of a name that the name of a half-written file begins with; some systems take 143 bytes in all."""


def card_paths(model: Path) -> tuple[Path, Path]:
    """Return where a model's card may lie: its whole name with ``.json`` behind it, then its stem with it."""
    return model.with_name(model.name + ".json"), model.with_suffix(".json")


def card_beside(model: Path) -> Card | None:
    """Return the card that lies beside a model and belongs to it, or None if there is none.

    Raises
    ------
    ModelError
        If the card is wrong, or names the SHA-256 of another file.
    """
    for path in card_paths(model):
        pending = _pending(path)
        if pending.is_file():
            card = _read_pending(pending)
            if card is not None and _is_of(card, model):
                return card
    for path in card_paths(model):
        card = read_card(path) if path.is_file() else None
        if card is not None:
            if card.sha256 is not None and model.exists() and not _is_of(card, model):
                raise ModelError(
                    f"the model card {path} is not the card of {model.name}: it names the SHA-256 "
                    f"{card.sha256[:12]}…, and the file has {sha256_of(model)[:12]}…; if you replaced the model, move "
                    f"its old card away; otherwise get the model again from where it came from"
                )
            return card
    return None


def write_with_card(model: Path, card_path: Path, card: Card, put: Callable[[], None]) -> None:
    """Put a model and its card into place, so that no crash leaves it with the card of another.

    Parameters
    ----------
    model, card_path
        Where they go; what is there is replaced.
    card
        With the SHA-256 of the new model.
    put
        Moves the new model to `model` in one step.

    Raises
    ------
    OSError
        If the card cannot be written. What `put` raises passes too; the old model and its card then stay.
    """
    pending = _pending(card_path)
    write_whole(pending, card_text(card).encode())
    try:
        put()
    except BaseException:
        with contextlib.suppress(OSError):
            pending.unlink()
        raise
    os.replace(pending, card_path)


def settle(model: Path, card_path: Path) -> None:
    """Finish what a crash left between a model and its card, and remove halves of both.

    Only while nobody else writes the two.
    """
    for path in (model, card_path, _pending(card_path)):
        half = re.compile(rf"\.{re.escape(path.name[:_MAX_PREFIX])}\.[a-z0-9_]{{8}}\.part")
        for left in path.parent.iterdir() if path.parent.is_dir() else ():
            if half.fullmatch(left.name):
                shutil.rmtree(left, ignore_errors=True)
    pending = _pending(card_path)
    if not pending.is_file():
        return
    card = _read_pending(pending)
    if card is not None and model.exists() and _is_of(card, model):
        os.replace(pending, card_path)
    else:
        pending.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole, on the disk and not only in a buffer, or not at all. Raises OSError."""
    with written_beside(path, content) as new:
        os.replace(new, path)


@contextlib.contextmanager
def written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """Write a file under another name, from where it can take the name `path` in one step. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix=f".{path.name[:_MAX_PREFIX]}.", suffix=".part", dir=path.parent) as name:
        new = Path(name) / "new"
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield new


def _pending(card_path: Path) -> Path:
    return card_path.with_name(f".{card_path.name}.pending")


def _read_pending(path: Path) -> Card | None:
    try:
        return read_card(path)
    except ModelError:  # half written, by a version that did it in another way
        return None


def _is_of(card: Card, model: Path) -> bool:
    return card.sha256 is not None and model.exists() and card.sha256.casefold() == sha256_of(model)
