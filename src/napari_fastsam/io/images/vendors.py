"""Files of the makers of microscopes: read where their readers are installed, otherwise refused by name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.layout import ImageFile

_READERS = {".czi": ("czi", "CziImage"), ".lif": ("lif", "LifImage"), ".nd2": ("nd2_files", "Nd2Image")}
"""Module and class by ending."""

READ_SUFFIXES = tuple(_READERS)
"""Of files that are read with the extra ``vendors``."""

_MAKERS = {
    ".czi": "Zeiss", ".lif": "Leica", ".nd2": "Nikon",
    ".lof": "Leica", ".xlef": "Leica", ".xlif": "Leica",
    ".oib": "Evident (Olympus)", ".oif": "Evident (Olympus)", ".oir": "Evident (Olympus)",
    ".vsi": "Evident (Olympus)", ".ets": "Evident (Olympus)", ".poir": "Evident (Olympus)",
    ".ims": "Imaris", ".mrxs": "3DHISTECH", ".dv": "DeltaVision", ".r3d": "DeltaVision", ".zvi": "Zeiss",
    ".sld": "SlideBook", ".sldy": "SlideBook", ".nd": "MetaMorph", ".flex": "Opera", ".mvd2": "Volocity",
    ".dcm": "DICOM", ".dicom": "DICOM", ".h5": "HDF5", ".hdf5": "HDF5", ".mrc": "MRC",
    ".nii": "NIfTI", ".ids": "ICS", ".ics": "ICS", ".svslide": "Aperio", ".isyntax": "Philips",
}  # fmt: skip

_ELSEWHERE = (
    "save it as OME-TIFF (in Fiji: File ▸ Import ▸ Bio-Formats, then Save as) or as OME-Zarr (bioformats2raw), or open "
    "it in napari with a reader plugin, where the dock FastSAM works on what is shown"
)


def is_vendor_file(path: Path) -> bool:
    """Return whether a file is of a maker, by its ending."""
    return path.suffix.casefold() in _MAKERS


def open_vendor_file(path: Path, scene: int | None = None) -> ImageFile:
    """Open an image of a maker's file.

    Raises
    ------
    ImageError
        If it is not read here, or what reads it is not installed; the message says what to do.
    """
    suffix = path.suffix.casefold()
    maker = _MAKERS[suffix]
    if suffix in _READERS:
        module, kind = _READERS[suffix]
        try:
            found: ImageFile = getattr(import_module(f"napari_fastsam.io.images.{module}"), kind)(path, scene)
        except ModuleNotFoundError as error:
            raise ImageError(
                f"{path} is a file of {maker}, which needs the package {error.name}: "
                f"pip install 'napari-fastsam[vendors]'; or {_ELSEWHERE}"
            ) from error
        return found
    raise ImageError(f"{path} is a file of {maker}, and such files are not read here; {_ELSEWHERE}")
