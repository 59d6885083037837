"""A registry with one small file, served on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from downloading import BODY
from napari_fastsam.model.weights import weights


@pytest.fixture
def tiny(server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> weights.Weights:
    """A registry entry that the server has, in an empty cache."""
    server.body = BODY
    entry = weights.Weights(
        name="Tiny",
        file="tiny.pt",
        bytes=len(BODY),
        sha256=hashlib.sha256(BODY).hexdigest(),
        url=server.url,
        licence="none",
        about="for tests",
    )
    monkeypatch.setattr(weights, "REGISTRY", (*weights.REGISTRY, entry))
    return entry
