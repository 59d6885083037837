"""Pages of the documentation: their blocks, and what examples print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks, those of a list or a tab too."""
    found, text = [], page.read_text(encoding="utf-8")
    for match in re.finditer(r"^([ ]*)```(\w*)[^\n]*\n(.*?)^\1```[ ]*$", text, re.M | re.S):
        indent, language, content = match.groups()
        lines = [line.removeprefix(indent) for line in content.splitlines()]
        found.append(Block(page, text.count("\n", 0, match.start()) + 1, language, "\n".join(lines)))
    return found


def command_lines(block: Block) -> list[tuple[str, str]]:
    """The command lines of a block, with what each is said to print."""
    parts = re.split(r"^\$ ", block.text, flags=re.M)[1:] if block.language == "console" else []
    return [(line, output) for line, _, output in (part.partition("\n") for part in parts)]


def shape_of(output: str) -> list[str]:
    """What was printed, with its numbers and how wide they are left open: times, and models that get better."""
    text = re.sub(r"\d+(\.\d+)?", "#", output.replace(" (replaced)", ""))
    lines = [re.sub(r"\s+", " ", re.sub(r"[━─]+", "─", line)) for line in text.strip().splitlines()]
    return [line.replace("[ ", "[").strip() for line in lines]
