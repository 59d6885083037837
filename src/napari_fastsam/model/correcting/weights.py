"""The correcting network's file: plain tensors and a few numbers, read with torch's restricted loader.

``corrections.pt`` comes with the package. A file made by ``napari-fastsam train-corrections`` is chosen by its path,
or, in the folder of the user's own models, by its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ModelError
from napari_fastsam.model.correcting.corrector import GaussianProcess, WindowPredictor
from napari_fastsam.model.correcting.inputs import CONE, DISK, WindowInput
from napari_fastsam.model.weights.card import Card, read_card
from napari_fastsam.model.weights.registry import BUNDLED_FOLDER

if TYPE_CHECKING:
    import torch

    from napari_fastsam.model.correcting.network import CorrectionNetwork

TASK = "correct"
"""The card's word for a correcting network."""

BUNDLED_CORRECTIONS = BUNDLED_FOLDER / "corrections.pt"

FORMAT = 1

_FEW_WINDOWS = 8
"""A click shows one window, or several sizes of one: too little to be shared among threads."""

_MOST_STAGES = 7
_WIDEST = 1024
_MOST_CELLS = 512


@dataclass(frozen=True, eq=False)
class NetworkPredictor:
    """The correcting network as `corrector.correct` asks it.

    Attributes
    ----------
    name
        Of the weights.
    cells
        Cells along each side of a window.
    network
        Ready for inference, on `device`.
    device
        Torch's name.
    card
        What is known of the weights; None = there is no card.
    """

    name: str
    cells: int
    network: CorrectionNetwork = field(repr=False)
    device: str = "cpu"
    card: Card | None = None

    def __call__(self, inputs: Sequence[WindowInput], /) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return logits (B, cells, cells) and the IoU to be expected (B,)."""
        import torch

        from napari_fastsam.model.network.threads import on_one_thread

        batch = torch.from_numpy(np.stack([one.channels() for one in inputs])).to(self.device)
        with torch.inference_mode(), on_one_thread() if len(batch) <= _FEW_WINDOWS else nullcontext():
            logits, quality = self.network(batch)
            return logits[:, 0].cpu().numpy(), quality.sigmoid().cpu().numpy()


def load_corrector(path: str | Path = BUNDLED_CORRECTIONS, device: str = "cpu") -> NetworkPredictor:
    """Load a correcting network.

    Parameters
    ----------
    path
        Its file, or the name of one among the user's own models.
    device
        As in `load_model`. Windows are small: a processor answers as fast as a GPU.

    Raises
    ------
    ModelError
        If there is no such file, the restricted loader refuses it, or it holds something else.
    DeviceError
        If the device is not there.
    """
    from napari_fastsam.model.correcting.network import fused
    from napari_fastsam.model.network.device import resolve_device

    where = resolve_device(device)
    file = _located(path)
    network, cells = read_weights(file)
    beside = file.with_suffix(".json")
    card = read_card(beside) if beside.is_file() else None
    return NetworkPredictor(file.stem if card is None else card.name, cells, fused(network).to(where), where, card)


@lru_cache(maxsize=4)
def default_corrector(device: str = "cpu") -> WindowPredictor:
    """Return the bundled network, or the Gaussian process if its weights are missing or damaged.

    That is warned of once a process; every call returns the same predictor.
    """
    try:
        return load_corrector(BUNDLED_CORRECTIONS, device)
    except ModelError as error:
        warnings.warn(
            f"clicks are answered by a Gaussian process, which is less exact than the correcting network: {error}",
            RuntimeWarning,
            stacklevel=2,
        )
        return GaussianProcess()


def read_weights(path: Path) -> tuple[CorrectionNetwork, int]:
    """Read a correcting network's file, also to train it further, and return network and cells a window.

    Raises
    ------
    ModelError
        If the file cannot be read, is refused, or is no correcting network.
    """
    import torch

    from napari_fastsam.model.correcting.network import CorrectionNetwork

    if not path.is_file():
        raise ModelError(f"there is no file {path}; expected the weights of a correcting network")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler may raise anything on a damaged or hostile file
        first_line = (str(error).splitlines() or [""])[0]
        raise ModelError(
            f"{path} is truncated, damaged or not safe to load, and was not loaded ({type(error).__name__}: "
            f"{first_line}); get the file again from a source that you trust"
        ) from error
    widths, cells, state = _checked(content, path)
    network = CorrectionNetwork(widths)
    wanted = network.state_dict()
    counted = {name: value for name, value in wanted.items() if name.endswith("num_batches_tracked")}
    problem = _difference({k: v for k, v in wanted.items() if k not in counted}, state)
    if problem:
        raise ModelError(f"{path} is no correcting network that this version knows: {problem}; train it again")
    network.load_state_dict(counted | {name: value.float() for name, value in state.items()})
    return network, cells


def weights_content(network: CorrectionNetwork, state: Mapping[str, torch.Tensor], cells: int) -> dict[str, Any]:
    """Return what a weights file holds, in half precision, for ``torch.save``.

    Parameters
    ----------
    network
        Whose shape it is.
    state
        Its parameters and running means, for instance averaged ones.
    cells
        Cells along each side of its windows.
    """
    half = {
        name: value.detach().half().cpu().contiguous()
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
    return {"format": FORMAT, "widths": list(network.widths), "side": cells, "disk": DISK, "cone": CONE, "state": half}


def _located(path: str | Path) -> Path:
    from napari_fastsam.model.weights.own_models import locate

    file = Path(path).expanduser()
    if file.is_file() or file.name != str(path):
        return file.absolute()
    return locate(str(path)) or file


def _checked(content: object, path: Path) -> tuple[tuple[int, ...], int, dict[str, torch.Tensor]]:
    """Return widths, cells and state of a file's content, or raise ModelError."""
    import torch

    def wrong(what: str) -> ModelError:
        return ModelError(f"{path} is no correcting network: {what}; expected a file of train-corrections")

    if not isinstance(content, dict):
        raise wrong(f"it holds a {type(content).__name__}")
    widths, cells, state = content.get("widths"), content.get("side"), content.get("state")
    if not (
        isinstance(widths, list)
        and 2 <= len(widths) <= _MOST_STAGES
        and all(isinstance(w, int) and 4 <= w <= _WIDEST and w % 4 == 0 for w in widths)
    ):
        raise wrong(f"its widths are {widths!r}")
    if not (isinstance(cells, int) and 0 < cells <= _MOST_CELLS and cells % 2 ** (len(widths) - 1) == 0):
        raise wrong(f"its windows have {cells!r} cells")
    if (content.get("disk"), content.get("cone")) != (DISK, CONE):
        raise wrong("it draws clicks in another way")
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise wrong("it has no tensors")
    if not all(bool(torch.isfinite(v.float()).all()) for v in state.values()):
        raise wrong("some of its numbers are not finite")
    return tuple(widths), cells, state


def _difference(wanted: Mapping[str, torch.Tensor], state: Mapping[str, torch.Tensor]) -> str:
    for name, value in wanted.items():
        if name not in state:
            return f"{name} is missing"
        if state[name].shape != value.shape:
            return f"{name} has shape {tuple(state[name].shape)} instead of {tuple(value.shape)}"
    return next((f"{name} is unknown" for name in state if name not in wanted), "")
