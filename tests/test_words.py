"""The program speaks the field's words: the glossary has each term once, and what it replaced stays away."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import napari_fastsam

DOCS = Path(__file__).parents[1] / "docs"
PACKAGE = Path(napari_fastsam.__file__).parent
SOURCES = {
    path.relative_to(PACKAGE): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
    if "_vendor" not in path.parts
}

RETIRED = {
    "Look",
    "look",
    "LargeLook",
    "look_large",
    "Looks",
    "Appearance",
    "Ways",
    "Describe",
    "undescribed",
    "from_kept",
    "look_closer",
    "until_answered",
    "Wanted",
    "Question",
    "ask_texts",
    "Crop",
    "Crops",
    "Window",
    "Found",
    "Part",
    "Named",
    "find_in",
    "put_on",
    "lasting",
    "said_of",
    "failures_told",
    "heir",
}
"""Names that the glossary's terms have replaced: nobody in the field knows them, and several things bore each."""


def rows() -> list[tuple[str, str]]:
    """Return the terms of the glossary, with what they mean."""
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    return re.findall(r"^\| (?!term |---)(.+?) \| (.+) \|$", text, re.M)


def terms() -> list[str]:
    return [term.strip("*") for row, _ in rows() for term in row.split(", ")]


def test_each_term_is_there_once_with_its_meaning():
    assert len(rows()) > 30
    assert [term for term, count in Counter(terms()).items() if count > 1] == []
    assert [term for term, meaning in rows() if len(meaning) < 10] == []


@pytest.mark.parametrize("term", terms())
def test_a_term_is_used(term: str):
    pages = [page.read_text(encoding="utf-8") for page in DOCS.glob("*.md") if page.name != "glossary.md"]
    written = re.escape(term).replace(r"\ ", "[ _]?")  # ImageFeatures and image_features are image features
    assert any(re.search(rf"\b{written}", text, re.I) for text in (*pages, *SOURCES.values()))


def test_names_of_code_in_it_are_names_of_code():
    named = {name for row in rows() for cell in row for name in re.findall(r"`(\w+)`", cell)}
    assert "CroppedMask" in named
    assert [name for name in named if not any(re.search(rf"\b{name}\b", text) for text in SOURCES.values())] == []


def test_what_was_renamed_does_not_come_back():
    defined = {
        (str(path), node.name)
        for path, text in SOURCES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    assert sorted((path, name) for path, name in defined if name in RETIRED) == []
