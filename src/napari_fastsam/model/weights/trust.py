"""Which exported models may be run though they are programs: those made here, and those that the user vouched for.

ONNX and OpenVINO describe a network as data, which is checked before their library sees it. Other formats hold programs
in a language or for a chip of their own, and no check tells a good one from a bad one. So they are opened only where
their SHA-256 is on a list that belongs to the user. A card beside the file cannot vouch for it: whoever made the file
may have made the card.
"""

from __future__ import annotations

import os
from pathlib import Path

from napari_fastsam.errors import ModelError
from napari_fastsam.files import read_text
from napari_fastsam.model.weights.hashes import sha256_of

LIST_VARIABLE = "NAPARI_FASTSAM_TRUSTED"
_DIGITS = 64


def list_path() -> Path:
    """Return the file that lists trusted exports, ``SHA-256  NAME`` a line; it need not exist yet.

    It lies in the system's folder for a user's data, never beside models, which a group may share. The environment
    variable ``NAPARI_FASTSAM_TRUSTED`` names another file.
    """
    named = os.environ.get(LIST_VARIABLE, "").strip()
    if named:
        return Path(os.path.expanduser(named)).absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("napari-fastsam", appauthor=False)) / "trusted-exports.txt"


def is_trusted(path: Path) -> bool:
    """Return whether an exported file or folder, as it is now, is on the list.

    Raises
    ------
    ModelError
        If it or the list cannot be read.
    """
    listed = list_path()
    return listed.is_file() and sha256_of(path) in _digests(listed)


def trust(path: Path) -> str:
    """Put an exported file or folder on the list, as it is now, and return its SHA-256.

    Raises
    ------
    ModelError
        If it cannot be read, or the list cannot be written.
    """
    digest, listed = sha256_of(path), list_path()
    try:
        if listed.is_file() and digest in _digests(listed):
            return digest
        listed.parent.mkdir(parents=True, exist_ok=True)
        with listed.open("a", encoding="utf-8") as file:
            file.write(f"{digest}  {' '.join(path.name.split())}\n")
    except OSError as error:
        raise ModelError(
            f"{path.name} cannot be put on the list of trusted exports {listed}: {error.strerror or error}; make that "
            f"folder writable, or name another file in the environment variable {LIST_VARIABLE}"
        ) from error
    return digest


def _digests(listed: Path) -> set[str]:
    lines = read_text(listed, "the list of trusted exports", ModelError).splitlines()
    return {line[:_DIGITS].casefold() for line in lines if len(line.split(" ")[0]) == _DIGITS}
