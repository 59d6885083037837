"""A stand-in for ``napari-fastsam train --progress json``, for tests: no network, only the words that are exchanged.

It understands the real command's arguments and writes a model by copying the base. What it does besides is said by the
environment variable ``FAKE_TRAINING``: words, separated by spaces.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from napari_fastsam.model.weights import weights

WHAT = os.environ.get("FAKE_TRAINING", "").split()


def say(event: str, **said: object) -> None:
    print(json.dumps({"event": event, **said}), flush=True)


def main() -> None:
    arguments = dict(zip(sys.argv[3::2], sys.argv[4::2], strict=True))
    assert sys.argv[1] == "train"
    data, file = Path(sys.argv[2]), Path(arguments["-o"])
    Path(os.environ["FAKE_TRAINING_LOG"]).write_text(
        json.dumps({"argv": sys.argv[1:], "pid": os.getpid(), "nice": os.getpriority(os.PRIO_PROCESS, 0)})
    )
    images = sorted((data / "images").iterdir())
    assert [p.name for p in sorted((data / "labels").iterdir())] == [p.name for p in images]

    stop = threading.Event()
    threading.Thread(target=listen, args=(stop,), daemon=True).start()
    print("a line for a person, not an event", flush=True)
    print("a warning of some library", file=sys.stderr, flush=True)
    if "refuses" in WHAT:
        say("error", message="these images will not do; draw more")
        sys.exit(2)
    if "crashes" in WHAT:
        print("RuntimeError: out of memory", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL if "hard" in WHAT else signal.SIGABRT)
    if "silent" in WHAT:
        sys.exit(3)

    epochs = int(arguments.get("--epochs", 3))
    validation = 0 if len(images) < 3 else 1
    say(
        "start",
        epochs=epochs,
        images=len(images) - validation,
        validation=validation,
        settings={},
        messages=["as ever"],
    )
    best, ap = 0, 0.0
    for epoch in range(1, epochs + 1):
        for batch in range(1, 3):
            say("batch", epoch=epoch, epochs=epochs, batch=batch, batches=2)
            time.sleep(0.02)
            while "endless" in WHAT and epoch == 2 and not (stop.is_set() and "deaf" not in WHAT):
                time.sleep(0.02)
            if stop.is_set() and "deaf" not in WHAT:
                break
        while (
            "lingers" in WHAT and stop.is_set() and not Path(os.environ["FAKE_TRAINING_LOG"]).with_name("go").exists()
        ):
            time.sleep(0.02)
        if stop.is_set() and "deaf" not in WHAT:
            break
        measured = {"ap50": round(0.5 + epoch / 10, 2), "ap": round(0.2 + epoch / 10, 2)} if epoch % 2 else {}
        best, ap = (epoch, measured["ap"]) if measured else (best, ap)
        losses = {"box": 1 / epoch, "mask": 2 / epoch, "class": 0.5, "dfl": 1.0}
        say("epoch", epoch=epoch, epochs=epochs, losses=losses, **measured, seconds=0.04, best=bool(measured))
    if not best:
        sys.exit(130)
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(weights.find("nuclei"), file)
    card = {"name": file.stem, "task": "segment", "base": arguments["--base"], "licence": "AGPL-3.0", "conf": 0.45}
    file.with_suffix(".json").write_text(json.dumps(card))
    say("done", file=str(file), ap50=ap + 0.3, ap=ap)


def listen(stop: threading.Event) -> None:
    """Wait for the word, or for the end of who would say it."""
    for line in sys.stdin:
        if line.strip() == "stop":
            break
    stop.set()


if __name__ == "__main__":
    main()
