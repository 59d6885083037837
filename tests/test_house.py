"""What keeps the code readable holds everywhere: small modules, classes and functions, and one name for one thing."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import napari_fastsam

ROOT = Path(napari_fastsam.__file__).parent
MODULES = {str(path.relative_to(ROOT)): path for path in sorted(ROOT.rglob("*.py")) if "_vendor" not in path.parts}

MOST_LINES = {"module": 400, "class": 300, "function": 60}
"""A function fits a screen; a module and a class are read in one sitting. Docstrings of functions do not count."""


def measured() -> Iterator[tuple[str, str, int]]:
    """Yield kind, place and lines of all modules, classes and functions."""
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        yield "module", name, len(text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                yield "class", f"{name}: {node.name}", lines(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield "function", f"{name}: {node.name}", lines(node) - documented(node)


def lines(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def documented(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's docstring."""
    return lines(node.body[0]) if ast.get_docstring(node) is not None else 0


def test_modules_classes_and_functions_are_short():
    assert [(kind, place, count) for kind, place, count in measured() if count > MOST_LINES[kind]] == []


def test_class_names_are_unique():
    named = Counter(place.split(": ")[1] for kind, place, _ in measured() if kind == "class")
    assert [name for name, count in named.items() if count > 1] == []
