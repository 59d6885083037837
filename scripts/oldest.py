"""Writes down the lowest version of each dependency that pyproject.toml allows, for `make test-oldest`.

    python scripts/oldest.py build/oldest.txt

Needs uv, which solves it, and packaging. What a dependency needs itself is taken at its newest. A lower bound that is
not among the versions written is not true, since nobody runs it: it is named, and the exit status is 1.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
EXTRAS = ("all", "test")


def solve(output: Path) -> dict[str, Version]:
    """Write the versions into a file, and return them by name."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)  # uv would stay with what it finds there
    extras = [argument for extra in EXTRAS for argument in ("--extra", extra)]
    lowest = ["--resolution", "lowest-direct", "--only-binary", ":all:", "--python", sys.executable]
    command = ["uv", "pip", "compile", "--quiet", "--no-annotate", *lowest, *extras, "--output-file", str(output)]
    subprocess.run([sys.executable, "-m", *command, str(PYPROJECT)], check=True)
    pins = re.findall(r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)", output.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}


def bounds() -> Iterator[tuple[str, Version]]:
    """Yield name and lower bound of each dependency, those of the extras that are tested too."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    waiting = [
        *project["dependencies"],
        *(line for extra in EXTRAS for line in project["optional-dependencies"][extra]),
    ]
    for line in waiting:
        requirement = Requirement(line)
        if requirement.name == project["name"]:
            waiting += [line for extra in requirement.extras for line in project["optional-dependencies"][extra]]
        for specifier in requirement.specifier:
            if specifier.operator == ">=":
                yield canonicalize_name(requirement.name), Version(specifier.version)


def main(output: Path) -> int:
    """Write the file; return the exit status."""
    pins = solve(output)
    untrue = sorted({(name, bound) for name, bound in bounds() if pins[name] != bound})
    print(f"{output}: {len(pins)} versions for Python {sys.version_info.major}.{sys.version_info.minor}")
    for name, bound in untrue:
        print(f"- {name}>={bound}: the lowest that can be installed beside the others is {pins[name]}")
    newer = sys.version_info[:2] > (3, 11)  # whose wheels begin later
    return 1 if untrue and not newer else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the file to write: python scripts/oldest.py build/oldest.txt")
    sys.exit(main(Path(sys.argv[1])))
