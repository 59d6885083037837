"""From a checkpoint to a file that another runtime runs, by ultralytics' exporter.

Nothing is installed, fetched or sent; nothing is left anywhere but the export and its card. The work is done by
`model.export.worker` in a process and a folder of its own, and its result moved into place whole.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from napari_fastsam.core.image.geometry import STRIDE_NETWORK, checked_imgsz
from napari_fastsam.errors import FastSAMError, ModelError, ParameterError
from napari_fastsam.files import read_yaml
from napari_fastsam.model.export.worker import RESULT
from napari_fastsam.model.network.device import resolve_device
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.card_files import write_with_card
from napari_fastsam.model.weights.formats import ModelFormat, format_named, format_of, how_to_install, missing
from napari_fastsam.model.weights.trust import trust
from napari_fastsam.model.weights.weights import BUNDLED_NAME, card_for, find, sha256_of

IMGSZ = 1024
"""Side of the input where neither the person nor the card names one: the largest that a closer look is shown at."""

_OFFLINE = {
    # read by ultralytics, pip, huggingface_hub and Python in the process that exports
    "YOLO_AUTOINSTALL": "False",
    "YOLO_OFFLINE": "True",
    "YOLO_VERBOSE": "False",
    "PIP_NO_INDEX": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Attributes
    ----------
    path
        File or folder.
    card
        Its card, a JSON file.
    source
        The checkpoint that it was made of.
    format
        Its format.
    bytes
        How large it is.
    imgsz
        Side of the only input, a square, that it takes; None = images of every size.
    replaced
        Whether there was one of that name, which is gone.
    """

    path: Path
    card: Path
    source: Path
    format: ModelFormat
    bytes: int
    imgsz: int | None
    replaced: bool


def export_model(
    model: str | Path = BUNDLED_NAME,
    format: str = "onnx",  # ultralytics' and the command line's word
    output: str | Path | None = None,
    imgsz: int | None = None,
    half: bool = False,
    dynamic: bool | None = None,
    data: str | Path | None = None,
    device: str = "cpu",
) -> Exported:
    """Export a model for another runtime.

    Parameters
    ----------
    model
        A name of the registry whose file is there, or a checkpoint's path.
    format
        One of `formats.NAMES`.
    output
        Where it goes: a name with the format's ending, or a folder that is there, in which it gets the model's name;
        None = the current folder. What is there under that name is replaced.
    imgsz
        Side of the input in pixels, rounded up to a multiple of 32; None = that of the card, or `IMGSZ`. It matters
        where the size is fixed.
    half
        Whether weights are 16-bit floats: half the size, not quite the same objects.
    dynamic
        Whether images of every size can be shown to it; None = where the format can.
    data
        A YOLO ``data.yaml`` with example images, for formats of 8-bit integers.
    device
        Where it is made, as in `load_model`: ``cpu``, or ``cuda`` for an NVIDIA GPU, which TensorRT needs.

    Raises
    ------
    ParameterError
        If an option is unknown, out of range, or not for this format.
    ModelError
        If the model cannot be read, a library is missing, or the conversion fails.
    DeviceError
        If there is no such device.
    """
    wanted = format_named(format)
    dynamic = wanted.dynamic if dynamic is None else dynamic
    _check(wanted, half, dynamic, data)
    source = find(model)
    if format_of(source) is not None:
        raise ModelError(f"{source} is an exported model; name the checkpoint, a .pt file, that it was made of")
    card = card_for(source)
    side = _side(imgsz, card)
    target = _target(output, source, wanted)
    _refuse_without_libraries(wanted)
    options: dict[str, Any] = {
        "format": wanted.name, "imgsz": side, "batch": 1, "dynamic": dynamic, "device": resolve_device(device),
    }  # fmt: skip
    if half:
        options["quantize"] = 16
    with tempfile.TemporaryDirectory(prefix="napari-fastsam-") as folder:
        if data is not None:
            options["data"] = str(_calibration(Path(data), Path(folder).resolve()))
        made, exported = _made(source, options, wanted, Path(folder).resolve())
        if card.origin == "unknown":
            card = replace(card, imgsz=exported["imgsz"], trained_imgsz=exported["imgsz"], licence=exported["licence"])
        card = _card_of_export(card, source, made, wanted, half)
        replaced, beside = target.exists(), target.with_name(target.name + ".json")
        try:
            write_with_card(target, beside, card, lambda: _put(made, target))
        except OSError as error:
            raise _unwritable(beside, error) from error
    if not wanted.checked:
        trust(target)
    return Exported(target, beside, source, wanted, _bytes(target), None if dynamic else side, replaced)


def _check(wanted: ModelFormat, half: bool, dynamic: bool, data: str | Path | None) -> None:
    if half and not wanted.half:
        raise ParameterError(f"{wanted.title} cannot hold 16-bit floats; leave half out")
    if dynamic and not wanted.dynamic:
        raise ParameterError(f"{wanted.title} takes images of one size only; leave dynamic out, and choose an imgsz")
    if wanted.calibrates and data is None:
        raise ParameterError(
            f"{wanted.title} is made of 8-bit integers, whose range is measured on example images; "
            f"name some as a YOLO data.yaml with data"
        )
    if data is not None and not wanted.calibrates:
        raise ParameterError(f"{wanted.title} needs no example images; leave data out")
    if data is not None and not Path(data).is_file():
        raise ParameterError(f"data is {str(data)!r}, and there is no such file; expected a YOLO data.yaml")


def _calibration(data: Path, folder: Path) -> Path:
    """Write a data.yaml with nothing in it but where images are: ultralytics would run what ``download:`` says."""
    import yaml

    description = read_yaml(data, "a YOLO data.yaml", ParameterError)
    if not isinstance(description, dict):
        raise ParameterError(f"{data} holds no settings; expected path:, train:, val: and names:")
    root = data.absolute().parent
    kept: dict[str, Any] = {"path": str(root / str(description.get("path") or ""))}
    for key in ("train", "val", "test"):
        places = description.get(key) or []
        places = [str(place) for place in (places if isinstance(places, list) else [places])]
        if away := next((place for place in places if "://" in place), None):
            raise ParameterError(f"{key} of {data} is {away!r}; expected folders on this computer")
        if places:
            kept[key] = places
    kept["names"] = {0: "object"}
    if isinstance(description.get("names"), list | dict):
        kept["names"] = {i: f"class {i}" for i in range(len(description["names"]))}
    clean = folder / "data.yaml"
    clean.write_text(yaml.safe_dump(kept), encoding="utf-8")
    return clean


def _side(imgsz: int | None, card: Card) -> int:
    side = checked_imgsz(imgsz if imgsz is not None else card.imgsz or IMGSZ)
    return -(-side // STRIDE_NETWORK) * STRIDE_NETWORK


def _target(output: str | Path | None, source: Path, wanted: ModelFormat) -> Path:
    """Return where the export goes."""
    path = Path() if output is None else Path(os.path.expanduser(output))
    named = path.name.casefold().endswith(wanted.suffix) and len(path.name) > len(wanted.suffix)
    if path.is_dir() and not (named and wanted.folder):
        path = path / f"{source.stem}{wanted.suffix}"
    elif not named:
        raise ParameterError(
            f"output is {str(output)!r}; expected a folder that is there, or a name that ends in {wanted.suffix}"
        )
    if path.is_dir() != wanted.folder and path.exists():
        raise ParameterError(f"{path} is {'no' if wanted.folder else 'a'} folder; choose another output")
    if not path.parent.is_dir():
        raise ParameterError(f"there is no folder {path.parent.absolute()}; make it, or choose another output")
    return path


def _refuse_without_libraries(wanted: ModelFormat) -> None:
    lacking = missing(wanted.to_export)
    if lacking:
        raise ModelError(
            f"exporting for {wanted.title} needs {', '.join(lacking)}, which {'are' if len(lacking) > 1 else 'is'} not "
            f"installed; run: {how_to_install(wanted, lacking)}"
        )


def _made(source: Path, options: dict[str, Any], wanted: ModelFormat, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Let the worker make the export within `folder`."""
    order = folder / "order.json"
    order.write_text(json.dumps({"source": str(source), "options": options}), encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    command = [sys.executable, "-m", "napari_fastsam.model.export.worker", str(order)]
    done = subprocess.run(
        command, cwd=work, env={**os.environ, **_OFFLINE}, check=False, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    failed = f"{source} could not be exported for {wanted.title}"
    try:
        result: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise ModelError(f"{failed}: the converter ended with status {done.returncode} ({last[:300]})") from error
    if "refused" in result:
        raise ModelError(result["refused"])
    if "missing" in result:
        name = result["missing"]
        raise ModelError(f"{failed} ({result['error']}); run: {how_to_install(wanted, [name] if name else [])}")
    if "error" in result:
        raise ModelError(f"{failed} ({result['error']})")
    return work / result["path"], result


def _card_of_export(card: Card, source: Path, made: Path, wanted: ModelFormat, half: bool) -> Card:
    try:
        ours = version("napari-fastsam")
    except PackageNotFoundError:  # run from the sources without an installation
        ours = ""
    weights = " with 16-bit weights" if half else ""
    note = (
        f"Exported for {wanted.title}{weights} by napari-fastsam {ours} from {source.name}, "
        f"SHA-256 {sha256_of(source)}."
    )
    return replace(card, notes=f"{card.notes} {note}".strip(), sha256=sha256_of(made))


def _put(made: Path, target: Path) -> None:
    """Copy a file or folder to where it belongs: under another name first, so that it is there whole or not at all."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".part", dir=target.parent) as name:
            new, old = Path(name) / "new", Path(name) / "old"
            if made.is_dir():
                shutil.copytree(made, new)
            else:
                shutil.copyfile(made, new)
            if not target.is_dir():
                new.replace(target)
                return
            target.rename(old)  # a folder cannot be replaced in one step
            try:
                new.rename(target)
            except OSError:
                old.rename(target)
                raise
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(path: Path, error: OSError) -> FastSAMError:
    return ModelError(f"{path} cannot be written: {error.strerror or error}; make room there or choose another output")


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
