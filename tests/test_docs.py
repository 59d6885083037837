"""The README and the documentation say what is so: examples run, links lead somewhere, tables name what there is."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

import napari_fastsam as fs
from napari_fastsam.cli import app
from napari_fastsam.core.recipe import Parameters
from napari_fastsam.io.formats import registry
from napari_fastsam.model.text.encoder import load_text_encoder
from napari_fastsam.model.weights import weights
from napari_fastsam.widgets.segment.shortcuts import SHORTCUTS
from pages import ROOT, Block, blocks_of, command_lines, shape_of

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LARGEST_IMAGE = 300_000
LARGEST_ANIMATION = 3_000_000
SMALL_TRAINING = ["--epochs", "1", "--imgsz", "64", "--batch", "16", "--device", "cpu"]
"""Instead of minutes, where a page trains a model."""


BLOCKS = [block for page in PAGES if page.parent.name != "tasks" for block in blocks_of(page)]
"""Those of tasks build on each other (test_tasks.py)."""


def commands() -> Iterator[tuple[Block, str, str]]:
    """Every command line of this program, with what it is said to print."""
    return ((block, line, output) for block in BLOCKS for line, output in command_lines(block))


def test_the_pages_have_examples():
    assert {b.page.name for b in BLOCKS if b.language == "python"} >= {"README.md", "python-and-command-line.md"}
    assert len(list(commands())) > 10


@pytest.mark.parametrize("page", sorted({b.page for b in BLOCKS if b.language == "python"}), ids=lambda p: p.name)
def test_python_examples_run_and_print_what_is_said(
    page: Path, with_samples, make_napari_viewer_proxy, monkeypatch, capsys, small_clip
):
    """All of a page in order, in one namespace, as somebody would paste them. A text block after one is its output."""
    import napari

    monkeypatch.setattr(napari, "Viewer", make_napari_viewer_proxy)
    # in place of the large one, which is not here
    monkeypatch.setattr(fs, "load_text_encoder", lambda name: load_text_encoder(small_clip))
    namespace: dict[str, object] = {}
    of_page = [b for b in BLOCKS if b.page == page]
    for block, following in zip(of_page, [*of_page[1:], None], strict=True):
        if block.language != "python":
            continue
        exec(compile(block.text, block.where, "exec"), namespace)  # noqa: S102 - that is the test
        printed = capsys.readouterr().out
        if following is not None and following.language == "text":
            assert shape_of(printed) == shape_of(following.text), block.where


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "python"], ids=lambda b: b.where)
def test_python_examples_use_public_names(block: Block):
    """In a new process nothing else is there, whatever tests have imported."""
    assert set(re.findall(r"\bfs\.(\w+)", block.text)) <= set(fs.__all__)


@pytest.mark.parametrize(("block", "line", "output"), [pytest.param(*c, id=f"{c[0].where} {c[1]}") for c in commands()])
def test_command_lines_run_and_print_what_is_said(block: Block, line: str, output: str, with_samples, small_clip):
    program, *arguments = shlex.split(line)
    assert program == "napari-fastsam", f"{block.where} calls {program}"
    if "download" in arguments or "demo" in arguments:  # the network, a window: only whether they can be understood
        arguments.append("--help")
    elif "--text" in arguments:  # in place of the large one, which is not here
        arguments += ["--text-encoder", str(small_clip)]
    elif arguments[0] == "train":
        arguments += SMALL_TRAINING
    elif arguments[0] == "train-corrections":
        arguments += ["--minutes", "0.02", "--batch", "4", "--device", "cpu"]
    elif (named := _model_of(arguments)) is not None:
        # one that is not here: the bundled one stands in for it
        trained = f" -o {named}" in block.page.read_text(encoding="utf-8")
        assert trained or weights.known(named), f"{block.where} names {named}, which is no model"
        arguments[arguments.index(named)] = "nuclei"
    result = _result_of(tuple(arguments))

    assert result.exit_code == 0, f"{block.where}: {result.output}"
    if output.strip():
        assert shape_of(result.stdout) == shape_of(output), block.where


@cache
def _result_of(arguments: tuple[str, ...]) -> Result:
    """Run a command line once, however many pages have it: each would find the same images."""
    return CliRunner().invoke(app, arguments)


def _model_of(arguments: list[str]) -> str | None:
    return arguments[arguments.index("--model") + 1] if "--model" in arguments else None


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("segment", "python-and-command-line.md"),
        ("evaluate", "evaluate.md"),
        ("train", "train.md"),
        ("convert", "formats.md"),
    ],
)
def test_the_table_of_options_is_that_of_the_command_line(name: str, page: str):
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    there = {flag for option in command.params for flag in option.opts if flag.startswith("-")} - {"--help", "-h"}
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    table = text[text.index(f"| option of `{name}`") :].split("\n\n")[0]
    named = set(re.findall(r"`(--?[a-z][a-z-]*)`", table))

    assert named == there


def test_the_table_of_formats_is_the_registry():
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| `NAME([^`]*)` \| (yes)? ?\| (yes)? ?\|", text, re.MULTILINE)
    said = {name: (ending, bool(written), bool(read)) for name, ending, written, read in rows}

    assert said == {f.name: (f.ending, f.writes, f.reads) for f in registry.FORMATS.values()}


@pytest.mark.parametrize(
    "page", [p for p in PAGES if "<!-- shortcuts -->" in p.read_text("utf-8")], ids=lambda p: p.name
)
def test_the_table_of_shortcuts_is_that_of_the_dock(page: Path):
    text = page.read_text(encoding="utf-8")
    table = text.split("<!-- shortcuts -->")[1].split("<!-- /shortcuts -->")[0]
    rows = [tuple(cell.strip() for cell in row.split("|")[1:-1]) for row in table.strip().splitlines()[2:]]

    assert rows == [(key, said) for key, (_, said) in SHORTCUTS.items()]


def test_the_readme_and_the_page_of_the_dock_have_the_shortcuts():
    pages = {p.name for p in PAGES if "<!-- shortcuts -->" in p.read_text("utf-8")}
    assert pages == {"README.md", "dock.md"}


def test_keys_in_the_text_are_keys_of_the_dock():
    """Shift and a letter or arrow, wherever a page sets it as keys."""
    ours = {key.rpartition("-")[2] for key in SHORTCUTS}
    for page in PAGES:
        for key in re.findall(r"<kbd>Shift</kbd>\+<kbd>(\w+)</kbd>", page.read_text("utf-8")):
            assert key in ours, f"{page.name}: Shift-{key}"


@pytest.mark.parametrize("name", ["README.md", "docs/models.md"])
def test_the_table_of_models_is_that_of_the_registry(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    for model in weights.REGISTRY:
        row = next((r for r in text.splitlines() if r.startswith(f"| `{model.name}` |")), "")
        assert f"{model.bytes / 1e6:.0f} MB" in row
        assert model.licence in row


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_and_pictures_lead_somewhere(page: Path):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.is_file(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(path), f"{page.name} links to {target}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+?)\s*$", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S), re.M)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_every_picture_is_shown_somewhere_and_loads_quickly():
    shown = {
        Path(t).name for page in PAGES for t in re.findall(r"\]\(([^)]+\.(?:png|webp))\)", page.read_text("utf-8"))
    }
    there = {picture.name: picture.stat().st_size for picture in (ROOT / "docs" / "images").iterdir()}

    assert shown == set(there)
    moving = {name: size for name, size in there.items() if name.endswith(".webp")}
    assert max(moving.values()) <= LARGEST_ANIMATION
    assert max(size for name, size in there.items() if name not in moving) <= LARGEST_IMAGE


def test_the_site_has_every_page():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert re.search(rf"^ +- (.+: )?{re.escape(name)}$", nav, re.M), name


def test_constants_that_the_rules_name():
    """The pages explain rules with their numbers; whoever changes a number changes the page."""
    from napari_fastsam.core.objects import painting, proposals
    from napari_fastsam.core.prompts import ranking
    from napari_fastsam.model.asking.crop_regions import crop_regions

    text = " ".join((ROOT / "docs" / "prompts.md").read_text(encoding="utf-8").split())
    assert f"at most {ranking.SCORE_REACH} below the best one's" in text
    assert f"an IoU of {ranking.OVERLAP_FLOOR} or more" in text
    assert f"{ranking.SCRIBBLE_FLOOR:.0%} or more".replace("%", " %") in text
    assert f"a score of {proposals.CONF_FLOOR}" in text
    assert painting.LIKE_SIZE == 2.0
    assert "more than twice as large" in text

    from napari_fastsam.core.prompts.prompts import Prompts
    from napari_fastsam.model.weights.card import Card

    prompts = Prompts(points=[[500, 520]], boxes=[[490, 490, 510, 510]])
    card = Card("any", object_diameter=20.0)
    sides = {
        query.kind: [w.rows[1] - w.rows[0] for w in crop_regions(query, (1000, 1000), card)]
        for query in prompts.queries
    }
    assert sides == {"point": [6 * 20, 24 * 20], "box": [3 * 20, 6 * 20]}
    for said in (
        "six times as wide as the model's usual object",
        "24 times as wide",
        "three times as wide",
        "six times as wide",
    ):
        assert said in text


def test_what_the_page_says_of_training_is_what_it_does():
    """Its numbers, and the commands that made the bundled model."""
    from napari_fastsam.model.network import object_scale
    from napari_fastsam.model.training import mask_loss
    from napari_fastsam.model.training.crops import AnnotatedPlane, Augmentation
    from napari_fastsam.model.training.settings import choose
    from napari_fastsam.model.weights.card import Card

    page = (ROOT / "docs" / "train.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    labels = np.zeros((512, 512), np.uint16)
    labels[10:30, 10:30] = 1
    planes = [AnnotatedPlane.of("a", "", np.zeros((512, 512, 3), np.uint8), labels)] * 20
    scratch, _ = choose(planes, None, 0)
    onward, _ = choose(planes, Card("base", shown_diameter=28.0), 0)
    assert f"from scratch {scratch.object_size:.0f} pixels across" in text
    assert f"| {onward.learning_rate:g}; from scratch {scratch.learning_rate:g} |" in text
    assert f"less needs less memory | {onward.batch} |" in text
    assert scratch.imgsz == 32 * round(9 * scratch.object_size / 32)
    assert onward.epochs * onward.crops_per_epoch == pytest.approx(3000 + 150 * len(planes), rel=0.1)
    assert scratch.epochs * scratch.crops_per_epoch == pytest.approx(100_000, rel=0.1)
    for said in (
        "so many that 3,000 crops are seen, and 150 more for each image",
        "from scratch 100,000",
        "nine objects",
    ):
        assert said in text
    assert f"enlarged or reduced by up to {Augmentation().zoom}" in text
    assert (mask_loss.AROUND, object_scale.NEAR) == (1 / 8, 1.2)
    assert "an eighth of its sides around it" in text
    assert "differs by more than a fifth" in text

    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("nuclei-model: annotated setup")[1]
    commands = re.findall(r"napari-fastsam (.+)", recipe.replace(" $(ARGS)", "").replace('"$(DATA)"', "FOLDER"))
    assert len(commands) >= 2
    for command in commands[:2]:
        assert f"napari-fastsam {command}\n" in page


def test_the_bundled_model_is_as_the_page_says():
    card = weights.card_for(weights.find("nuclei"))
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    assert f"a confidence of {card.conf} and an overlap of {card.iou}" in text
    assert f"nuclei at about {card.shown_diameter:.0f} pixels across" in text
    assert f"On {len(card.validation_images)} more that were held out" in text
    kinds = "all|fluorescence|stained tissue|bright field"
    rows = re.findall(rf"^\| ({kinds}) \| [\d,]+ \| (.+) \|$", page, re.MULTILINE)
    assert len(rows) == 4
    for kind, figures in rows:
        suffix = "" if kind == "all" else f", {kind}"
        names = ("ap50", "ap75", "ap", "f1", "click_iou", "box_iou")
        assert [float(figure) for figure in figures.split(" | ")] == [card.metrics[name + suffix] for name in names]


def test_the_page_of_files_has_every_ending_that_is_read():
    from napari_fastsam.io.images.images import PICTURE_SUFFIXES, TIFF_SUFFIXES
    from napari_fastsam.io.images.vendors import READ_SUFFIXES

    table = (ROOT / "docs" / "reading.md").read_text("utf-8").split("<!-- endings -->")[1].split("<!-- /endings -->")[0]
    assert set(re.findall(r"`(\.[a-z0-9]+)`", table)) == {
        *TIFF_SUFFIXES, *PICTURE_SUFFIXES, *READ_SUFFIXES, ".zarr",
    }  # fmt: skip


def test_the_page_of_files_names_the_options_that_there_are():
    text = (ROOT / "docs" / "reading.md").read_text("utf-8")
    table = text[text.index("| option of `segment` and `run`") :].split("\n\n")[0]
    options = set(re.findall(r"\| `(--[a-z-]+)", table))
    for name in ("segment", "run"):
        command = get_command(app).commands[name]  # type: ignore[attr-defined]
        assert options <= {flag for option in command.params for flag in option.opts}
    words = {json.loads(f"{{{entry}}}").popitem()[0] for entry in re.findall(r'\| `("[^`]+)` \|', table)}
    assert words <= {field.name for field in fields(Parameters)}
    assert options == {"--channel", "--contrast", "--scene", "--pixel-size"}
