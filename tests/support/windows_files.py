"""Files as Windows has them: one that is open can be neither replaced nor renamed nor removed."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import psutil
import pytest


def in_use(path: str) -> list[str]:
    """Return which files at or below a path this process has open, or mapped into its memory."""
    process = psutil.Process()
    held = {file.path for file in process.open_files()}
    held |= {place.path for place in process.memory_maps()} if hasattr(process, "memory_maps") else set()
    return sorted(file for file in held if file == path or file.startswith(path + os.sep))


def be_windows(patch: pytest.MonkeyPatch) -> None:
    """Refuse what Windows refuses, with its errors."""

    def allowed(path: Any, dir_fd: int | None) -> None:
        opened = f"/proc/self/fd/{dir_fd}"  # macOS has none; there what a folder is cleared of is not looked at
        whole = os.path.join(os.readlink(opened) if os.path.exists(opened) else "", os.fsdecode(path))
        if not os.path.islink(whole) and (held := in_use(os.path.realpath(whole))):
            raise PermissionError(errno.EACCES, f"in use by another process: {held}", os.fspath(path))

    def of_one(system: Any) -> Any:
        def refusing(path: Any, *args: Any, dir_fd: int | None = None, **options: Any) -> None:
            allowed(path, dir_fd)
            system(path, *args, dir_fd=dir_fd, **options)

        return refusing

    def of_two(system: Any, may_replace: bool) -> Any:
        def refusing(source: Any, target: Any, **options: Any) -> None:
            for path in (source, target):
                allowed(path, None)
            if not may_replace and os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
            if may_replace and Path(target).is_dir():
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(target))
            system(source, target, **options)

        return refusing

    for name in ("unlink", "remove"):
        patch.setattr(os, name, of_one(getattr(os, name)))
    patch.setattr(os, "rename", of_two(os.rename, may_replace=False))
    patch.setattr(os, "replace", of_two(os.replace, may_replace=True))
