"""``napari-fastsam formats``: what results are written as, and labels and datasets read from."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from napari_fastsam.cli.common import as_is


def formats() -> None:
    """List the formats of results: what --format and recipes call them, and what each can hold."""
    from napari_fastsam.io.annotations import datasets  # noqa: F401 - all kinds are registered
    from napari_fastsam.io.annotations.kinds import KINDS
    from napari_fastsam.io.formats import registry

    known = {f.name: f for f in (*registry.writers(), *registry.readers())}
    table = Table("format", "file", "", "holds", "about")
    for name, entry in known.items():
        can = [word for word, able in (("written", entry.writes), ("read", entry.reads)) if able]
        file = f"NAME{entry.ending}" if entry.writes else ", ".join(entry.suffixes)
        held = ", ".join(sorted(entry.holds))
        table.add_row(*map(as_is, (name, file, ", ".join(can), held, entry.description)))
    Console().print(table)
    sets = Table("dataset", "about", title="Read by train, evaluate and convert", title_justify="left")
    for kind in KINDS.values():
        sets.add_row(as_is(kind.name), as_is(kind.description))
    Console().print(sets)
