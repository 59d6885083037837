"""What every corrected mask keeps to: clicks are honoured, pieces nobody asked for go, holes close."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray


def honour_clicks(mask: NDArray[np.bool_], inside: NDArray[np.intp], outside: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return a copy of a mask that holds the pixels clicked as inside, and not those clicked as outside.

    Parameters
    ----------
    mask
        (h, w).
    inside, outside
        (·, 2) rows and columns of the mask; those beyond it are ignored.
    """
    result = mask.copy()
    for pixels, value in ((inside, True), (outside, False)):
        rows, columns = _within(pixels, mask.shape).T
        result[rows, columns] = value
    return result


def keep_clicked_pieces(
    mask: NDArray[np.bool_], inside: NDArray[np.intp], base: NDArray[np.generic] | None = None
) -> NDArray[np.bool_]:
    """Return the pieces of a mask that were clicked, and what is left of the mask it came from.

    Parameters
    ----------
    mask
        (h, w).
    inside
        (P, 2) rows and columns clicked as inside.
    base
        (h, w) the mask that was corrected, bool or how much of it, or None. Unless one of the clicks lies in it, the
        piece that shares most with it stays, too: a click beside a box's object extends that object.
    """
    pieces, count = scipy.ndimage.label(mask)
    if count <= 1:
        return mask
    clicked = _within(inside, mask.shape)
    kept = set(pieces[tuple(clicked.T)].tolist()) - {0}
    if base is None:
        if not len(inside):
            kept.add(int(np.bincount(pieces[mask]).argmax()))
    elif not (base[tuple(clicked.T)] > 0.5).any():
        shared = np.bincount(pieces.ravel(), weights=np.asarray(base, np.float64).ravel())
        shared[0] = 0
        kept.add(int(shared.argmax()) if shared.any() else int(np.bincount(pieces[mask]).argmax()))
    return np.isin(pieces, list(kept))


def close_holes(mask: NDArray[np.bool_], outside: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return a mask with its holes filled, but for those that hold one of `outside`, (M, 2) rows and columns."""
    holes, count = scipy.ndimage.label(scipy.ndimage.binary_fill_holes(mask) & ~mask)
    if not count:
        return mask
    open_ones = set(holes[tuple(_within(outside, mask.shape).T)].tolist())
    filled: NDArray[np.bool_] = mask | np.isin(holes, [n for n in range(1, count + 1) if n not in open_ones])
    return filled


def _within(pixels: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return those of (N, 2) pixels that lie in an array of `shape`."""
    return pixels[((pixels >= 0) & (pixels < shape)).all(axis=1)]
