"""The person's own models: a folder of checkpoints that are chosen by name, each with its card beside it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from napari_fastsam.errors import ModelError, ParameterError
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.card_files import card_beside
from napari_fastsam.model.weights.formats import format_of
from napari_fastsam.model.weights.registry import REGISTRY, entry_named

FOLDER_VARIABLE = "NAPARI_FASTSAM_MODELS"
SUFFIX = ".pt"
LONGEST_NAME = 80
"""Longer ones make paths that some systems cannot hold."""

LONGEST_BYTES = 200
"""The same in bytes, of which a character may have four: files beside a model, while it is written, have 29 more."""

_NO_FILE_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
"""What one system or another does not take in a file's name."""

_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that Windows keeps for itself."""


@dataclass(frozen=True)
class OwnModel:
    """A model in the folder.

    Attributes
    ----------
    name
        What a person chooses it by: a checkpoint's name without suffix, an exported model's whole name.
    path
        The file, or the folder that some formats are.
    card
        What is known about it; for a file without a card, little more than its name.
    problem
        What is wrong with its card, or nothing. The model itself may work nevertheless.
    """

    name: str
    path: Path
    card: Card
    problem: str = ""


def folder() -> Path:
    """Return the folder of the person's own models; it need not exist yet.

    The environment variable ``NAPARI_FASTSAM_MODELS`` names another than the system's folder for data, for instance one
    that a group shares.
    """
    named = os.environ.get(FOLDER_VARIABLE, "").strip()
    if named:
        return Path(os.path.expanduser(named)).absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("napari-fastsam", appauthor=False)) / "models"


def files() -> dict[str, Path]:
    """Return name and file of each model in the folder, in the order of the alphabet.

    An exported model, a file or a folder, goes by its whole name. A checkpoint whose name belongs to a model of the
    registry is left out: its path is what it can be chosen by. A folder that is missing or may not be read has none.
    """
    try:
        there = sorted(folder().iterdir(), key=lambda path: (path.name.casefold(), path.name))
    except OSError:
        return {}
    named = {_name_of(path): path for path in there if not path.name.startswith(".")}
    return {
        name: path
        for name, path in named.items()
        if name and entry_named(name, REGISTRY) is None and not _corrects(path)
    }


def locate(name: str) -> Path | None:
    """Return the file of the model of that name, or None; ``.pt`` may follow, and case matters only between two."""
    wanted, there = name.strip(), files()
    for text in (wanted, wanted[: -len(SUFFIX)] if wanted.casefold().endswith(SUFFIX) else wanted):
        if text in there:
            return there[text]
        alike = [path for stem, path in there.items() if stem.casefold() == text.casefold()]
        if alike:
            return alike[0]
    return None


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size


def own_models() -> list[OwnModel]:
    """Return the models of the folder with their cards, in the order of the alphabet."""
    return [_described(name, path) for name, path in files().items()]


def path_for(name: str) -> Path:
    """Return the file that a new model of this name goes to.

    Raises
    ------
    ParameterError
        If the name is empty or too long, cannot be a file's, or is taken.
    """
    plain = name.strip()
    plain = plain[: -len(SUFFIX)] if plain.casefold().endswith(SUFFIX) else plain
    if not plain:
        raise ParameterError("the model has no name; give it one, such as 'my cells'")
    if len(plain) > LONGEST_NAME:
        raise ParameterError(f"the model's name has {len(plain)} characters; expected {LONGEST_NAME} at most")
    if len(os.fsencode(plain)) > LONGEST_BYTES:
        raise ParameterError(
            f"the model's name {plain!r} has {len(os.fsencode(plain))} bytes as the name of a file; "
            f"expected {LONGEST_BYTES} at most, such as {free_name(plain)!r}"
        )
    if _NO_FILE_NAMES.search(plain) or plain[0] in ".-" or plain[-1] in ". " or _DEVICES.fullmatch(plain):
        raise ParameterError(f"{plain!r} cannot be the name of a file; use letters, digits, spaces, '-' and '_'")
    if entry_named(plain, REGISTRY) is not None:
        raise ParameterError(
            f"{plain!r} is the name of a model of the plugin ({', '.join(w.name for w in REGISTRY)}); "
            f"choose another, such as {free_name(plain)!r}"
        )
    taken = locate(plain)
    if taken is not None:
        raise ParameterError(
            f"there is a model {taken.stem!r} already ({taken}); choose another name, such as {free_name(plain)!r}"
        )
    return folder() / f"{plain}{SUFFIX}"


def free_name(name: str) -> str:
    """Return `name`, or `name` with the first number behind it that is not taken."""
    plain = " ".join(_NO_FILE_NAMES.sub(" ", name).split()).strip(".- ")[: LONGEST_NAME - 4]
    plain = os.fsencode(plain)[: LONGEST_BYTES - 4].decode("utf-8", "ignore").strip(".- ") or "model"
    if entry_named(plain, REGISTRY) is None and locate(plain) is None and not _DEVICES.fullmatch(plain):
        return plain
    stem = re.sub(r"-\d{1,3}$", "", plain)
    return next(n for i in range(2, 100_000) if locate(n := f"{stem}-{i}") is None)


def _name_of(path: Path) -> str:
    """Return what a file or folder is chosen by; nothing for one that is no model."""
    if path.suffix.casefold() == SUFFIX:
        return path.stem if path.is_file() else ""
    format_ = format_of(path)
    return path.name if format_ is not None and path.is_dir() == format_.folder else ""


def _corrects(path: Path) -> bool:
    """Whether a file is a network that corrects objects, which finds none itself."""
    try:
        card = card_beside(path)
    except ModelError:  # said where the model is described
        return False
    return card is not None and card.task == "correct"


def _described(name: str, path: Path) -> OwnModel:
    try:
        unknown = Card(name=path.stem, description="a checkpoint without a card", origin="unknown")
        return OwnModel(name, path, card_beside(path) or unknown)
    except ModelError as error:
        return OwnModel(name, path, Card(name=name, origin="unknown"), str(error))
