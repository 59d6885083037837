"""Words and examples: what the first question costs, and what each further one does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rendered import render
from ultralytics_texts import prompted

import napari_fastsam as fs
from napari_fastsam.core.likeness.descriptors import describe_instances, descriptor_kind
from napari_fastsam.core.objects.embeddings import embeddings_of
from napari_fastsam.core.objects.features import ImageFeatures
from napari_fastsam.core.objects.instances import Instances

CLIP = Path(__file__).parent.parent / "tests" / "data" / "clip" / "small_clip.pt"


@pytest.fixture(scope="module")
def encoder():
    return fs.load_text_encoder(CLIP, "cpu")


@pytest.fixture(scope="module")
def many() -> Instances:
    """300 shapes of one picture."""
    scene = render(0, shape=(1500, 1500), sizes=(28, 44))
    assert len(scene.shapes) >= 300
    return scene.instances.subset(np.arange(300))


def anew(instances: Instances) -> Instances:
    """The same objects, of whose looks nothing is kept."""
    return replace(instances, image_features=ImageFeatures(instances.image_features.rgb))


@pytest.mark.benchmark(group="a query over 300 instances")
class TestText:
    def test_first(self, benchmark, many, encoder):
        def setup():
            encoder.encode_texts([f"warm {np.random.default_rng().integers(1 << 30)}"])
            return (anew(many),), {}

        benchmark.pedantic(
            lambda fresh: fs.select(fresh, fs.Prompts(texts=["red circle"]), text_encoder=encoder),
            setup=setup,
            rounds=5,
        )

    def test_second(self, benchmark, many, encoder):
        fs.select(many, fs.Prompts(texts=["red circle"]), text_encoder=encoder)
        queries = iter(range(1 << 30))

        benchmark.pedantic(
            lambda: fs.select(many, fs.Prompts(texts=[f"blue square {next(queries)}"]), text_encoder=encoder), rounds=20
        )

    @pytest.mark.filterwarnings("ignore:pkg_resources is deprecated")  # clip, which ultralytics imports
    def test_ultralytics(self, benchmark, many, encoder):
        rgb = many.image_features.rgb
        benchmark.pedantic(lambda: prompted(many, rgb, ["red circle"], encoder), rounds=3)


@pytest.mark.benchmark(group="a changed example, 1,000 instances")
def test_example(benchmark):
    scene = render(0, shape=(2800, 2800), sizes=(28, 44))
    instances = scene.instances.subset(np.arange(min(1000, len(scene.shapes))))
    assert len(instances) >= 1000
    embeddings_of(instances, descriptor_kind(instances), describe_instances)
    y0, x0, y1, x1 = instances.boxes[0]
    prompts = fs.Prompts(examples=[[(y0 + y1) / 2, (x0 + x1) / 2]])
    benchmark(lambda: fs.select(instances, prompts))
