"""Commands one after the other in one process, for one that is watched: ``python commands_flow.py COMMANDS.json``."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

from typer.testing import CliRunner

from napari_fastsam.cli import app

if __name__ == "__main__":  # workers of a run import this file
    told = {}
    for name, command in json.loads(Path(sys.argv[1]).read_text("utf-8")).items():
        with Path(os.environ["NAPARI_FASTSAM_SOCKETS"]).open("a", encoding="utf-8") as log:
            log.write(f"# {name}\n")
        result = CliRunner().invoke(app, shlex.split(command))
        told[name] = [result.exit_code, result.output[-2000:]]
    print(json.dumps(told), flush=True)
