"""A process that opens hostile files and watches itself: ``python -m hostile.watch ORDER``.

ORDER is a JSON file: ``files``, a list of ``[name, door, path]``; ``out``, the one folder that may be written to;
``innocent``, a file that is opened first through each door, so that what is imported and prepared once is there. What
was done, file by file, is printed as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from hostile import other_doors

MEMORY = 3 << 30
"""Bytes that the process may take beyond what it has after the innocent file."""

_FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn", "subprocess.",
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.chown", "os.truncate",
    "os.putenv", "os.unsetenv", "shutil.", "socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.",
    "ctypes.dlopen", "pickle.find_class", "cpython.run", "code.__new__",
)  # fmt: skip

_NEVER_IMPORTED = ("this", "bait_module")
"""Modules that only a hostile file has a use for."""

_effects: list[str] = []
_allowed = Path("nowhere")
_listening = False


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if not _listening:
        return
    if event == "open" and _harms(args):
        _effects.append(f"open {args[0]!r} {args[1]!r}")
    elif event == "compile" and args[1] != "<unknown>":  # as which text is only parsed
        _effects.append(f"compile {args[1]!r}")
    elif event == "exec" and getattr(args[0], "co_filename", "").startswith("<string"):
        _effects.append(f"exec {args[0].co_filename}")
    elif event in ("os.putenv", "os.unsetenv") and args[0] == b"ORT_DISABLE_TELEMETRY":
        return  # by which this package keeps ONNX Runtime from sending statistics
    elif event.startswith(_FORBIDDEN) and not _within(args[0] if args else None):
        _effects.append(f"{event} {args!r}"[:200])


def _harms(args: tuple[Any, ...]) -> bool:
    path, mode, flags = args
    if isinstance(path, int) or path is None:
        return False
    name = os.fsdecode(path)
    if "bait" in Path(name).name:
        return True
    writes = set(mode or "") & set("wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return bool(writes) and name != os.devnull and not _within(name)


def _within(path: Any) -> bool:
    if isinstance(path, int) and Path("/proc/self/fd").is_dir():  # as filelock up to 3.15 sets a lock's mode
        path = Path(f"/proc/self/fd/{path}").resolve()
    if not isinstance(path, str | bytes | Path):
        return False
    return _allowed in (Path(os.fsdecode(path)).absolute(), *Path(os.fsdecode(path)).absolute().parents)


def _model(path: str, out: Path) -> None:
    from napari_fastsam.model.network.segmenter import load_model

    load_model(path, "cpu")


def _base(path: str, out: Path) -> None:
    import numpy as np

    from napari_fastsam.model.training.training import train

    class Example:
        name = group = "example"

        def image(self) -> Any:
            raise _Opened

        def labels(self) -> Any:
            return np.zeros((8, 8), np.int32)

    try:
        train([Example()], out / "trained.pt", path, device="cpu", epochs=1)
    except _Opened:
        _from(path)


class _Opened(Exception):
    """What training starts from was accepted, and images are asked for."""


def _from(path: str) -> None:
    from napari_fastsam.model.network.checkpoint import read_network
    from napari_fastsam.model.network.description import read_description
    from napari_fastsam.model.training.trainer import new_network

    if path.endswith((".yaml", ".yml")):
        new_network(read_description(path))
        return
    network: Any = read_network(Path(path))[0]
    new_network(network.yaml, network)


def _export(path: str, out: Path) -> None:
    from napari_fastsam.model.export.worker import run

    class Stop(Exception):
        """The exporter would begin."""

    import ultralytics.engine.exporter as exporter

    def begin(overrides: Any) -> Any:
        raise Stop

    theirs, exporter.Exporter = exporter.Exporter, begin
    try:
        run({"source": path, "options": {"format": "onnx"}})
    except Stop:
        pass
    finally:
        exporter.Exporter = theirs


def _convert(path: str, out: Path) -> None:
    from napari_fastsam.model.network.checkpoint import convert

    convert(Path(path), out / "converted.pt")


def _unrestricted(path: str, out: Path) -> None:
    import torch

    torch.load(path, weights_only=False)


DOORS: dict[str, Callable[[str, Path], None]] = {
    "model": _model,
    "base": _base,
    "export": _export,
    "convert": _convert,
    "unrestricted": _unrestricted,
    **other_doors.DOORS,
}
"""Ways that a file is opened: each takes what the person gives, and the folder that it may write to."""


def opened(name: str, door: str, path: str, out: Path) -> dict[str, Any]:
    """Open a file through a door, and tell what happened."""
    from napari_fastsam.errors import FastSAMError

    global _listening
    _effects.clear()
    before = set(os.listdir())
    for module in _NEVER_IMPORTED:
        sys.modules.pop(module, None)
    process = psutil.Process()
    children, connections = set(process.children(recursive=True)), set(process.net_connections())  # as a test's screen
    _listening = True
    try:
        DOORS[door](path, out)
        outcome, message = "opened", ""
    except FastSAMError as error:
        outcome, message = "refused", str(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        outcome, message = "crashed", f"{type(error).__name__}: {error}"[:500]
    finally:
        _listening = False
    effects = list(_effects)
    # importlib tells no audit hook of what it imports
    effects += [f"import {module}" for module in _NEVER_IMPORTED if sys.modules.pop(module, None)]
    effects += [f"new file {name}" for name in set(os.listdir()) - before]
    effects += [f"child {child.name()}" for child in set(process.children(recursive=True)) - children]
    effects += [f"connection {c}" for c in set(process.net_connections()) - connections]
    return {"name": name, "door": door, "outcome": outcome, "message": message, "effects": effects}


def main(order: dict[str, Any]) -> None:
    """Open all files of an order, and print what happened."""
    from napari_fastsam.errors import FastSAMError

    global _allowed
    _allowed = out = Path(order["out"]).absolute()
    for door in {door for _, door, _ in order["files"]} if order["innocent"] else ():
        for path in order["innocents"].get(door, [order["innocent"]]):
            with contextlib.suppress(FastSAMError):  # that of OpenVINO is no network for segmentation
                DOORS[door](path, out)
    _limit_memory()
    sys.addaudithook(_hear)
    told = [opened(name, door, path, out) for name, door, path in order["files"]]
    sys.stdout.write("\n" + json.dumps(told) + "\n")


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    most = psutil.Process().memory_info().vms + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
