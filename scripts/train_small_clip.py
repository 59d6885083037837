"""Train the small CLIP of the tests: the real class and the real tokenizer, taught by rendered shapes.

    python scripts/train_small_clip.py [-o tests/data/clip/small_clip.pt] [--steps 3000]

A few minutes on one core. It knows the colours and forms of `benchmarks/rendered.py` and nothing else. Its crops are
made with every way of cutting out that is measured (`benchmarks/text_crops.py`), each as often, so that none has an
advantage.
"""

from __future__ import annotations

import argparse
import io
import itertools
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from rendered import BACKGROUNDS, COLOURS, FORMS, Scene, render, roughened  # noqa: E402

from napari_fastsam._vendor.clip.model import CLIP  # noqa: E402
from napari_fastsam.core.objects.cutouts import Cutting, cutout  # noqa: E402
from napari_fastsam.model.text.pictures import as_input  # noqa: E402
from napari_fastsam.model.text.words import tokens  # noqa: E402

CUTTINGS = tuple(
    Cutting(background, context, square)
    for background in ("keep", "black", "white", "grey", "blur")
    for context in (0.0, 0.1, 0.25, 0.5)
    for square in (True, False)
)
TEMPLATES = ("{}", "a {}", "the {}", "one {}", "a photo of a {}", "a small {}", "all {}s", "{}s")
COLOUR_ONLY = ("{}", "something {}", "a {} object", "{} object", "{} shape", "{} things", "the {} one")
ARCHITECTURE = {
    "embed_dim": 32, "image_resolution": 32, "vision_layers": 3, "vision_width": 64, "vision_patch_size": 8,
    "context_length": 77, "vocab_size": 49408, "transformer_width": 64, "transformer_heads": 1,
    "transformer_layers": 2,
}  # fmt: skip


def captions() -> dict[str, tuple[str | None, str | None]]:
    """Every text that is taught, and the colour and form it asks for."""
    known: dict[str, tuple[str | None, str | None]] = {}
    for template in TEMPLATES:
        known |= {template.format(f"{c} {f}"): (c, f) for c, f in itertools.product(COLOURS, FORMS)}
        known |= {template.format(form): (None, form) for form in FORMS}
    for template in COLOUR_ONLY:
        known |= {template.format(colour): (colour, None) for colour in COLOURS}
    return known


def scenes(seed: int) -> Iterator[Scene]:
    """Scenes without end; those of the tests and benchmarks have other seeds."""
    for number in itertools.count(1_000_000 * seed):
        chance = np.random.default_rng(number)
        largest = chance.uniform(22, 64)
        yield render(
            number,
            sizes=(largest * chance.uniform(0.5, 0.9), largest),
            background=str(chance.choice(list(BACKGROUNDS))),
            gap=chance.uniform(0, 0.8),
        )


def batches(size: int, resolution: int, seed: int = 1) -> Iterator[tuple[torch.Tensor, list[tuple[str, str]]]]:
    """Crops as the network's input, and what is on them."""
    chance = np.random.default_rng(seed)
    pictures, kinds = [], []
    for scene in scenes(seed):
        for shape in scene.shapes:
            plane = scene.picture.shape[0], scene.picture.shape[1]
            mask = shape.crop if chance.random() < 0.3 else roughened(shape.crop, int(chance.integers(1 << 30)), plane)
            picture = cutout(scene.picture, mask, CUTTINGS[chance.integers(len(CUTTINGS))])
            pictures.append(as_input(torch.from_numpy(np.ascontiguousarray(picture)), resolution))
            kinds.append((shape.colour, shape.form))
            if len(pictures) == size:
                yield torch.stack(pictures), kinds
                pictures, kinds = [], []


def loss_of(network: Any, pictures: torch.Tensor, kinds: list[tuple[str, str]], texts: list[str]) -> torch.Tensor:
    """Contrast in both directions, where several texts fit a picture and several pictures a text."""
    asked = [captions()[text] for text in texts]
    fits = torch.tensor(
        [[all(want in (None, is_) for want, is_ in zip(ask, kind, strict=True)) for ask in asked] for kind in kinds]
    )
    logits, _ = network(pictures, torch.tensor([tokens(text) for text in texts]))
    both = [(logits, fits), (logits.T, fits.T)]
    return sum(_contrast(some[good.any(1)], good[good.any(1)]) for some, good in both) / 2


def _contrast(logits: torch.Tensor, good: torch.Tensor) -> torch.Tensor:
    wanted = good.float() / good.sum(1, keepdim=True)
    return functional.cross_entropy(logits, wanted)


def train(steps: int, size: int) -> Any:
    """Teach a new network, batch by batch."""
    torch.manual_seed(1)
    network = CLIP(**ARCHITECTURE)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps, pct_start=0.1)
    known = list(captions())
    chance = np.random.default_rng(2)
    for step, (pictures, kinds) in enumerate(batches(size, ARCHITECTURE["image_resolution"])):
        if step == steps:
            return network
        texts = [known[i] for i in chance.choice(len(known), 64, replace=False)]
        loss = loss_of(network, pictures, kinds, texts)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            network.logit_scale.clamp_(max=float(np.log(50)))
        if step % 100 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}  scale {network.logit_scale.exp().item():.1f}", flush=True)
    raise AssertionError("batches end never")


def small(network: Any) -> bytes:
    """Return the weights as a file that torch reads: half floats, words that were never taught zeroed, deflated."""
    state = {name: value.detach().half() for name, value in network.state_dict().items()}
    taught = sorted({token for text in captions() for token in tokens(text)} - {0})
    rows = torch.zeros_like(state["token_embedding.weight"])
    rows[taught] = state["token_embedding.weight"][taught]
    state["token_embedding.weight"] = rows
    plain, packed = io.BytesIO(), io.BytesIO()
    torch.save(state, plain)
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(packed, "w") as target,
    ):
        for entry in source.infolist():
            # a fixed date: the same weights give the same file
            target.writestr(zipfile.ZipInfo(entry.filename), source.read(entry), zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def main() -> None:
    """Train, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "tests" / "data" / "clip" / "small_clip.pt")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=96)
    options = parser.parse_args()
    torch.set_num_threads(1)
    packed = small(train(options.steps, options.batch))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(packed)
    print(f"{options.output.name}: {len(packed) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
