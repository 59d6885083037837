"""What keeps the code readable holds everywhere: small modules, classes and functions, and one name for one thing."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import napari_fastsam

PACKAGE = Path(napari_fastsam.__file__).parent
REPOSITORY = Path(__file__).parents[1]
FOLDERS = {"package": PACKAGE, **{name: REPOSITORY / name for name in ("tests", "benchmarks", "scripts", "examples")}}

MOST_LINES = {"module": 400, "class": 300, "function": 60}
"""A function fits a screen; a module and a class are read in one sitting. Docstrings of functions do not count."""


def modules(folder: str) -> Iterator[tuple[str, str]]:
    """Yield place and text of the modules in a folder, but for what is vendored."""
    root = FOLDERS[folder]
    for path in sorted(root.rglob("*.py")):
        if "_vendor" not in path.parts:
            yield f"{folder}/{path.relative_to(root)}", path.read_text(encoding="utf-8")


def measured() -> Iterator[tuple[str, str, int]]:
    """Yield kind, place and lines of all modules, classes and functions."""
    for folder in FOLDERS:
        for name, text in modules(folder):
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
    named = Counter(
        node.name
        for _, text in modules("package")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in named.items() if count > 1] == []


def test_every_module_says_its_idea():
    without = [
        place
        for folder in FOLDERS
        for place, text in modules(folder)
        if text.strip() and ast.get_docstring(ast.parse(text)) is None
    ]
    assert without == []
