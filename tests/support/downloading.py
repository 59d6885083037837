"""A file that a test serves."""

from __future__ import annotations

BODY = bytes(range(256)) * 1200  # 307,200 bytes: a few dozen chunks of the downloader
