"""docs/architecture.md is true of today: the modules that it names are there, and so are the folders."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import napari_fastsam

PACKAGE = Path(napari_fastsam.__file__).parent
PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
WITHIN = "core|model|layers|widgets|io|runs|cli"


def named_modules() -> list[str]:
    """Return the modules that the first column of the long table names; `.other` is beside the one before."""
    named: list[str] = []
    for cell in re.findall(r"^\| (`[\w.]+`(?:, `[\w.]+`)*) \|", PAGE, re.M):
        for name in re.findall(r"`([\w.]+)`", cell):
            named.append(f"{named[-1].rpartition('.')[0]}{name}" if name.startswith(".") else name)
    return [name for name in named if "." in name]


def is_module(name: str) -> bool:
    path = PACKAGE.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def test_the_modules_of_the_table_are_there():
    assert len(named_modules()) > 150
    assert [name for name in named_modules() if not is_module(name)] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(rf"`((?:{WITHIN})(?:\.\w+)+)`", PAGE))))
def test_a_name_in_the_text_is_a_module_or_something_in_one(name: str):
    home, _, attribute = name.rpartition(".")
    while home and not is_module(home):
        home, _, attribute = home.rpartition(".")
    assert is_module(name) or hasattr(import_module(f"napari_fastsam.{home}"), attribute)


def test_every_folder_of_the_package_has_its_row():
    rows = dict(re.findall(r"^\| (core|model|layers|widgets|io)? \| (.+?) \| .+ \|$", PAGE, re.M))
    assert set(rows) >= {"core", "model", "layers", "widgets", "io"}
    package, missing = "", []
    listed: dict[str, set[str]] = {}
    for first, folders in re.findall(r"^\| (\w*) ?\| (`[a-z`, ]+) \| .+ \|$", PAGE, re.M):
        package = first or package
        listed.setdefault(package, set()).update(re.findall(r"`(\w+)`", folders))
    for name in ("core", "model", "layers", "widgets", "io"):
        there = {path.parent.name for path in (PACKAGE / name).glob("*/__init__.py")}
        missing += [f"{name}.{folder}" for folder in sorted(there ^ listed[name])]
    assert missing == []
