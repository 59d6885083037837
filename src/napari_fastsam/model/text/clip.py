"""The files of the package clip, without the package.

``import clip`` imports torchvision, which imports triton; its LLVM crashes a process in which Mesa has drawn OpenGL
before, as napari does where there is no GPU. What is needed of clip, its network and its tokenizer, needs neither.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Literal

from napari_fastsam.errors import ModelError

_loading = threading.RLock()


def clip_file(name: Literal["model", "simple_tokenizer"]) -> ModuleType:
    """Return a module of clip, loaded from its file under a name of our own.

    Raises
    ------
    ModelError
        If clip is not installed, or the package of that name is another program.
    """
    with _loading:
        return _loaded(name)


@cache
def _loaded(name: str) -> ModuleType:
    file = _folder() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_napari_fastsam_clip_{name}", file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise ModelError(_how_to_install(f"the package clip in {file.parent} is another program"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        del sys.modules[spec.name]
        raise ModelError(_how_to_install(f"the package clip cannot be imported: {error}")) from error
    return module


def _folder() -> Path:
    # finding a package does not import it
    spec: ModuleSpec | None = importlib.util.find_spec("clip")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(_how_to_install("the package clip is not installed"))
    return Path(spec.submodule_search_locations[0])


def _how_to_install(what: str) -> str:
    return f"{what}; texts need it: pip install clip-anytorch (the distribution named clip is something else)"
