"""Words as CLIP reads them."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from napari_fastsam.errors import PromptError

LENGTH = 77
"""Tokens that every released CLIP reads, the marks of beginning and end included."""

_reading = threading.Lock()


def tokens(text: str, length: int = LENGTH) -> list[int]:
    """Return a text's tokens between the marks of beginning and end, filled up with zeros to `length`.

    Raises
    ------
    PromptError
        If there is nothing to read in it, or too much.
    """
    tokenizer = _tokenizer()
    # its memory of words is a plain dict
    with _reading:
        words: list[int] = tokenizer.encode(text)
    if not words:
        raise PromptError(f"the text {text!r} is empty; expected words that name what is wanted")
    if len(words) + 2 > length:
        shown = text if len(text) <= 60 else text[:57] + "…"
        raise PromptError(
            f"the text {shown!r} has {len(words)} tokens (words and pieces of words), and this model reads "
            f"{length - 2} at most; name what is wanted in fewer words"
        )
    begin, end = tokenizer.encoder["<|startoftext|>"], tokenizer.encoder["<|endoftext|>"]
    return [begin, *words, end, *[0] * (length - 2 - len(words))]


@cache
def _tokenizer() -> Any:
    from napari_fastsam._vendor.clip.simple_tokenizer import SimpleTokenizer

    return SimpleTokenizer()
