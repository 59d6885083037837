"""How the command line reads images: contrast, scenes, sizes; and what it tells of images that show nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner, Result

from napari_fastsam.cli import app
from napari_fastsam.cli.reading_options import parse_contrast
from napari_fastsam.core.recipe import ModelPart, Parameters, Recipe, RecipeError
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.formats.registry import read_labels
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.recipes import load_recipe, save_recipe
from napari_fastsam.runs import work


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "250"})


@pytest.fixture
def grey() -> np.ndarray:
    """(256, 256) uint8 up to 108, with two dozen nuclei."""
    return iio.imread(Path(__file__).parents[1] / "data" / "dsb2018" / "sparse.png")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    save_recipe(Recipe(ModelPart("nuclei"), Parameters()), tmp_path / "r.json")
    return tmp_path / "r.json"


def objects_in(path: Path) -> int:
    ((_, labels),) = read_labels(path).labels.planes()
    return len(np.unique(labels)) - 1


class TestContrast:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [("percentiles", "percentiles"), ("1 20", (1, 20)), ("1,20", (1, 20)), ("-5 1e3", (-5, 1000)), (None, None)],
    )
    def test_two_numbers_or_the_word(self, text: str | None, expected: object) -> None:
        assert parse_contrast(text) == expected

    @pytest.mark.parametrize("text", ["", "5", "20 1", "3 3", "1 2 3", "percentile", "nan 5"])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ParameterError, match="such as --contrast 100 4000, or percentiles"):
            parse_contrast(text)

    def test_numbers_and_percentiles_are_what_is_shown(self, tmp_path: Path, grey: np.ndarray) -> None:
        tifffile.imwrite(tmp_path / "dim.tif", (grey // 16).astype(np.uint8))
        dim = run("segment", tmp_path / "dim.tif", "-o", tmp_path, "--contrast", "0", "255")
        assert dim.exit_code == 3
        assert "hardly any contrast: its values, 0 to 5, are shown within 0 to 255" in dim.output
        few = objects_in(tmp_path / "dim_labels.tif")
        for contrast in (["0", "7"], ["percentiles"], ["0,7"]):
            shown = run("segment", tmp_path / "dim.tif", "-o", tmp_path, "--contrast", *contrast)
            assert shown.exit_code == 0, shown.output
            assert objects_in(tmp_path / "dim_labels.tif") > few + 3

    def test_a_recipe_takes_the_same(self, tmp_path: Path, grey: np.ndarray, recipe: Path) -> None:
        tifffile.imwrite(tmp_path / "dim.tif", (grey // 16).astype(np.uint8))
        save_recipe(Recipe(ModelPart("nuclei"), Parameters(contrast="percentiles", scene=0)), tmp_path / "p.json")
        assert load_recipe(tmp_path / "p.json").parameters.contrast == "percentiles"
        # what a worker does
        work.do_image(load_recipe(tmp_path / "p.json"), Input(tmp_path / "dim.tif"), tmp_path / "a.tif")
        result = run("run", recipe, tmp_path / "dim.tif", "-o", tmp_path / "b", "--workers", 1, "--contrast", 0, 255)
        assert result.exit_code == 3, result.output
        assert objects_in(tmp_path / "b" / "dim_labels.tif") < objects_in(tmp_path / "a.tif")

    def test_the_words_of_options_are_those_of_recipes(self, tmp_path: Path, recipe: Path) -> None:
        def loaded(**words: object) -> Parameters:
            content = json.loads(recipe.read_text())
            path = tmp_path / "words.json"
            path.write_text(json.dumps(content | {"parameters": content["parameters"] | words}))
            return load_recipe(path).parameters

        asked = loaded(contrast=[100, 4000], channel="DAPI", scene=1, pixel_size=0.5)
        assert (asked.contrast_limits, asked.channels) == ((100, 4000), ("DAPI",))
        assert (asked.scene, asked.pixel_size) == (1, 0.5)
        assert loaded(contrast="percentiles", channel=["DAPI", 1]).channels == ("DAPI", 1)
        for twice in ({"contrast": [1, 2], "contrast_limits": [1, 2]}, {"channel": 1, "channels": [0]}):
            with pytest.raises(RecipeError, match="has both"):
                loaded(**twice)
        for wrong in ({"contrast": [4000, 100]}, {"contrast": [1, 2, 3]}, {"contrast": "much"}, {"channel": -1}):
            with pytest.raises(RecipeError, match=r"contrast|channels"):
                loaded(**wrong)


class TestScenesAndSizes:
    def test_the_first_of_several_scenes_is_named_and_others_can_be_chosen(
        self, tmp_path: Path, grey: np.ndarray
    ) -> None:
        with tifffile.TiffWriter(tmp_path / "s.ome.tif", ome=True) as file:
            file.write(grey)
            file.write(np.zeros_like(grey))
        first = run("segment", tmp_path / "s.ome.tif", "-o", tmp_path)
        assert (first.exit_code, "the first of 2 images in this file" in first.output) == (3, True)
        chosen = run("segment", tmp_path / "s.ome.tif", "-o", tmp_path, "--scene", 0)
        assert chosen.exit_code == 0
        assert "all pixels are 0" in run("segment", tmp_path / "s.ome.tif", "-o", tmp_path, "--scene", 1).output
        missing = run("segment", tmp_path / "s.ome.tif", "-o", tmp_path, "--scene", 2)
        assert (missing.exit_code, "there is no scene 2" in missing.stderr) == (2, True)

    def test_the_size_of_a_pixel_goes_into_the_labels(self, tmp_path: Path, grey: np.ndarray, recipe: Path) -> None:
        tifffile.imwrite(tmp_path / "g.tif", grey)
        assert run("segment", tmp_path / "g.tif", "-o", tmp_path, "--pixel-size", "0.325").exit_code == 0
        scale = read_labels(tmp_path / "g_labels.tif").scale
        assert (scale.scale, scale.units) == ((0.325, 0.325), ("micrometer", "micrometer"))
        wrong = run("segment", tmp_path / "g.tif", "-o", tmp_path, "--pixel-size", "0")
        assert (wrong.exit_code, "expected micrometers" in wrong.stderr) == (2, True)


class TestChannelsByName:
    @pytest.fixture
    def two(self, tmp_path: Path, grey: np.ndarray) -> Path:
        metadata = {"axes": "CYX", "Channel": {"Name": ["RFP", "DAPI"]}}
        stack = np.stack([np.zeros_like(grey), grey])
        tifffile.imwrite(tmp_path / "two.ome.tif", stack, metadata=metadata, photometric="minisblack")
        return tmp_path / "two.ome.tif"

    def test_in_segment_run_and_recipes_and_the_provenance(self, tmp_path: Path, two: Path, recipe: Path) -> None:
        options = ("--channel", "dapi", "--contrast", 0, 90, "--scene", 0, "--pixel-size", 0.5)
        assert run("segment", two, "-o", tmp_path / "a", *options).exit_code == 0
        ran = run("run", recipe, two, "-o", tmp_path / "b", "--workers", 1, *options)
        assert ran.exit_code == 0, ran.output
        named = Parameters(channels=("dapi",), contrast_limits=(0, 90), scene=0, pixel_size=0.5)
        save_recipe(Recipe(ModelPart("nuclei"), named), tmp_path / "named.json")
        assert load_recipe(tmp_path / "named.json").parameters == named
        ran = run("run", tmp_path / "named.json", two, "-o", tmp_path / "c", "--workers", 1)
        assert ran.exit_code == 0, ran.output
        for folder in "abc":
            read = read_labels(tmp_path / folder / "two_labels.tif")
            assert len(np.unique(read.label_image())) > 10
            (made,) = read.provenance
            assert tuple(made.channels) == ("dapi",)
            assert tuple(made.contrast_limits or ()) == (0, 90)
            assert (made.contrast, made.scene, made.pixel_size) == (None, 0, 0.5)

    def test_the_rule_of_contrast_that_was_used_is_kept(self, tmp_path: Path, two: Path) -> None:
        for contrast, expected in (([], {"type", "percentiles"}), (["--contrast", "percentiles"], {"percentiles"})):
            assert run("segment", two, "-o", tmp_path, "--channel", "DAPI", *contrast).exit_code == 0
            (made,) = read_labels(tmp_path / "two_labels.tif").provenance
            assert made.contrast in expected
            assert (made.scene, made.pixel_size, made.contrast_limits) == (None, None, None)

    def test_a_name_that_is_not_there_is_told_with_those_that_are(self, tmp_path: Path, two: Path) -> None:
        result = run("segment", two, "-o", tmp_path, "--channel", "GFP")
        assert result.exit_code == 2
        assert "there is no channel 'GFP'; the image has channels 0 = RFP, 1 = DAPI" in result.stderr
        for wrong in ("-1", ""):
            result = run("segment", two, "-o", tmp_path, f"--channel={wrong}")
            assert (result.exit_code, "such as --channel DAPI" in result.stderr) == (2, True)


class TestWhatShowsNothing:
    def test_is_named_in_table_report_and_status(self, tmp_path: Path, grey: np.ndarray, recipe: Path) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        tifffile.imwrite(folder / "good.tif", grey)
        tifffile.imwrite(folder / "constant.tif", np.full((64, 64), 7, np.uint16))
        saturated = grey.astype(np.uint16) * 600
        saturated[:20] = 65535
        saturated[30:33, :50] = 65534
        tifffile.imwrite(folder / "saturated.tif", saturated)
        tifffile.imwrite(folder / "faint.tif", np.random.default_rng(0).integers(100, 102, (64, 64)).astype(np.uint16))
        result = run("run", recipe, folder, "-o", tmp_path / "out", "--workers", 1)
        assert result.exit_code == 3
        with (tmp_path / "out" / "report.csv").open() as file:
            remarks = {Path(row["image"]).stem: row["remarks"] for row in csv.DictReader(file)}
        assert remarks["good"] == ""
        assert remarks["constant"] == "all pixels are 7: there is nothing to see"
        assert "of the pixels are saturated, at 65535" in remarks["saturated"]
        assert "hardly any contrast: its values are 100 to 101" in remarks["faint"]
        for what in ("all pixels are 7", "saturated, at 65535", "hardly any contrast"):
            assert what in result.stdout
            assert what in result.stderr
        again = run("run", recipe, folder, "-o", tmp_path / "out", "--workers", 1)
        assert (again.exit_code, "4 kept" in again.stdout, "all pixels are 7" in again.stderr) == (3, True, True)

    def test_planes_of_a_stack_that_are_missing_fail_by_name(self, tmp_path: Path, recipe: Path) -> None:
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
            '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="64" SizeY="64" SizeZ="5" SizeC="1" '
            'SizeT="1"><TiffData/></Pixels></Image></OME>'
        )
        noise = np.random.default_rng(0).integers(0, 99, (64, 64)).astype(np.uint8)
        tifffile.imwrite(tmp_path / "o.ome.tif", noise, description=xml, metadata=None)
        result = run("run", recipe, tmp_path / "o.ome.tif", "-o", tmp_path / "out", "--workers", 1)
        assert result.exit_code == 2
        assert "planes z 1, z 2, z 3, z 4 are missing" in result.stderr
        assert run("segment", tmp_path / "o.ome.tif", "--plane", 0, "-o", tmp_path).exit_code == 0
        assert "plane z 3 is missing" in run("segment", tmp_path / "o.ome.tif", "--plane", 3, "-o", tmp_path).stderr


class TestNamesAndFolders:
    def test_results_beside_the_images_are_no_images(self, tmp_path: Path, grey: np.ndarray, recipe: Path) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        tifffile.imwrite(folder / "a.tif", grey)
        save_recipe(load_recipe(recipe), folder / "r.json")
        first = run("run", recipe, folder, "-o", folder, "--workers", 1)
        assert first.exit_code == 0, first.output
        again = run("run", recipe, folder, "-o", folder, "--workers", 1)
        assert (again.exit_code, "1 kept, 0 failed" in again.stdout) == (0, True)
        assert "1 results of earlier runs are left out" in again.stderr
        by_name = run("run", recipe, folder / "a.tif", folder / "a_labels.tif", "-o", folder, "--workers", 1)
        assert (by_name.exit_code, "1 kept" in by_name.stdout) == (0, True)

    def test_labels_alone_are_what_was_named(self, tmp_path: Path, grey: np.ndarray, recipe: Path) -> None:
        tifffile.imwrite(tmp_path / "only_labels.tif", grey)
        result = run("run", recipe, tmp_path / "only_labels.tif", "-o", tmp_path / "out", "--workers", 1)
        assert (result.exit_code, "1 done" in result.stdout) == (0, True)

    def test_brackets_in_names(self, tmp_path: Path, grey: np.ndarray, recipe: Path) -> None:
        folder = tmp_path / "plate["
        folder.mkdir()
        tifffile.imwrite(folder / "x].tif", grey)
        result = run("run", recipe, folder / "*.tif", "-o", tmp_path / "out", "--workers", 1)
        assert result.exit_code == 0, result.output
        assert "plate[/x].tif" in result.stdout
