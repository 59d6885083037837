"""What runs in a process of its own to export a model: ``python -m napari_fastsam.model.export.worker ORDER``.

Converters print, leave files in the current folder, patch libraries, send statistics and sometimes crash. So they work
in a process whose current folder is temporary and whose output nobody sees. ORDER is a JSON file (`order` in
`run`); what came of it is written beside it as ``result.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from napari_fastsam.errors import FastSAMError
from napari_fastsam.model.network.checkpoint import card_of, read_network
from napari_fastsam.model.network.statistics import nothing_sent
from napari_fastsam.model.network.ultralytics_ import imported
from napari_fastsam.model.weights.card import Card

RESULT = "result.json"
_STEM = "model"
"""Of the file in the temporary folder: ultralytics cannot do with every name that a person's file may have."""


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Export one checkpoint into the current folder.

    Parameters
    ----------
    order
        ``source``: the checkpoint. ``options``: what ultralytics' exporter takes.

    Returns
    -------
    ``path``: what was made, relative to the current folder. ``imgsz``, ``licence``: what the checkpoint says of itself,
    for a card that knows nothing.
    """
    network, checkpoint = read_network(Path(order["source"]))
    with imported():
        from ultralytics.engine.exporter import Exporter
    yolo: Any = network
    yolo.task = "segment"
    yolo.args = {"data": ""}  # else the path of somebody's training data goes into the file
    yolo.pt_path = str(Path(f"{_STEM}.pt").absolute())
    with nothing_sent():
        made = Path(Exporter(overrides=order["options"])(yolo))
    card = card_of(checkpoint, Card(_STEM, origin="unknown"))
    return {"path": str(made.absolute().relative_to(Path.cwd())), "imgsz": card.imgsz, "licence": card.licence}


def main(order: Path) -> None:
    """Do what `order` says; write the result, or what went wrong, beside it."""
    try:
        result = run(json.loads(order.read_text(encoding="utf-8")))
    except ImportError as error:
        result = {"missing": error.name or "", "error": _told(error)}
    except FastSAMError as error:
        result = {"refused": str(error)}
    except Exception as error:  # noqa: BLE001  # a converter may raise anything; it is told where somebody reads it
        result = {"error": _told(error)}
    order.with_name(RESULT).write_text(json.dumps(result), encoding="utf-8")


def _told(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:400]}" if lines else type(error).__name__


if __name__ == "__main__":
    main(Path(sys.argv[1]))
