"""Nothing that is read is written over, and what is finished is done again only if it has changed."""

import json
import os
import shutil

import imageio.v3 as iio
import pytest
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.core.recipe import ModelPart, OutputPart, Recipe
from napari_fastsam.errors import FastSAMError, ParameterError
from napari_fastsam.io.recipes import save_recipe
from napari_fastsam.model.weights.weights import find
from napari_fastsam.runs.records import record_path
from running import PLAIN, run


class TestOverwriting:
    def test_an_overlay_does_not_overwrite_an_image(self, image, tmp_path):
        other = tmp_path / "good_overlay.png"
        shutil.copy(image, other)
        before = other.read_bytes()
        result = CliRunner().invoke(app, ["segment", str(image), str(other), "-o", str(tmp_path), "--overlay"])
        assert result.exit_code == 2
        assert f"{other} would overwrite {other}" in result.stderr
        assert other.read_bytes() == before
        assert not list(tmp_path.glob("*.tif")), "nothing was written"

    def test_examples_are_not_saved_over_an_image(self, image, tmp_path):
        arguments = ["--examples", "[[20, 20]]", "--save-exemplars", str(tmp_path / "x" / ".." / "good.png")]
        before = image.read_bytes()
        result = CliRunner().invoke(app, ["segment", str(image), "-o", str(tmp_path / "out"), *arguments])
        assert result.exit_code == 2
        assert "would overwrite" in result.stderr
        assert image.read_bytes() == before

    @pytest.mark.parametrize("name", ["good_labels.tif", "good_overlay.png", "good_measurements.csv", "report.csv"])
    def test_a_run_overwrites_no_input_under_any_path(self, image, tmp_path, scheduler, name):
        (tmp_path / "x").mkdir()
        other = tmp_path / name
        shutil.copy(image, other)
        recipe = Recipe(output=OutputPart(overlay=True, measurements="csv"))
        with pytest.raises(ParameterError, match="would overwrite"):
            run(recipe, [image, other], tmp_path / "x" / "..", scheduler)
        assert other.read_bytes() == image.read_bytes()
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["good.png", name, "x"]), "nothing was written"

    def test_nor_its_recipe(self, image, tmp_path):
        save_recipe(PLAIN, tmp_path / "report.json")
        before = (tmp_path / "report.json").read_bytes()
        result = CliRunner().invoke(app, ["run", str(tmp_path / "report.json"), str(image), "-o", str(tmp_path)])
        assert result.exit_code == 2
        assert "would overwrite" in result.stderr
        assert (tmp_path / "report.json").read_bytes() == before

    def test_a_model_does_not_overwrite_the_images_that_it_learns_from(self, tmp_path, fluorescence):
        (tmp_path / "images").mkdir()
        iio.imwrite(tmp_path / "images" / "a.png", fluorescence[:64, :64])
        box = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]], "iscrowd": 0}
        content = {"images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 64}], "annotations": [box]}
        content["categories"] = [{"id": 1, "name": "cell"}]
        (tmp_path / "cells.json").write_text(json.dumps(content))
        result = CliRunner().invoke(app, ["train", str(tmp_path / "cells.json"), "-o", str(tmp_path / "cells.pt")])
        assert result.exit_code == 2
        assert f"{tmp_path / 'cells.json'} would overwrite" in result.stderr
        result = CliRunner().invoke(
            app, ["evaluate", str(tmp_path / "cells.json"), "--json", str(tmp_path / "cells.json")]
        )
        assert result.exit_code == 2
        assert "would overwrite" in result.stderr
        assert json.loads((tmp_path / "cells.json").read_text()) == content


class TestKept:
    RECIPE = Recipe(output=OutputPart(overlay=True, measurements="csv"))

    def again(self, image, tmp_path, scheduler, recipe=RECIPE):
        return run(recipe, [image], tmp_path / "out", scheduler)["good.png"].status

    @pytest.mark.parametrize("name", ["good_labels.tif", "good_measurements.csv", "good_overlay.png"])
    def test_a_result_that_is_gone_or_changed_is_made_again(self, image, tmp_path, scheduler, name):
        assert self.again(image, tmp_path, scheduler) == "done"
        assert self.again(image, tmp_path, scheduler) == "kept"
        result = tmp_path / "out" / name
        before = result.read_bytes()
        result.unlink()
        assert self.again(image, tmp_path, scheduler) == "done"
        assert result.read_bytes() == before
        result.write_bytes(before[:-1] + b"?")
        assert self.again(image, tmp_path, scheduler) == "done"
        assert result.read_bytes() == before

    def test_another_model_behind_the_same_path_is_noticed(self, image, tmp_path, scheduler):
        model = tmp_path / "cells.pt"
        shutil.copy(find("nuclei"), model)
        recipe = Recipe(model=ModelPart(str(model)))
        assert self.again(image, tmp_path, scheduler, recipe) == "done"
        assert self.again(image, tmp_path, scheduler, recipe) == "kept"
        with model.open("ab") as file:
            file.write(b"\0")
        os.utime(model, ns=(1, 1))
        try:
            status = self.again(image, tmp_path, scheduler, recipe)
        except FastSAMError:
            status = "refused"
        assert status != "kept"

    def test_another_text_encoder_behind_the_same_path_is_noticed(self, image, tmp_path, scheduler, small_clip):
        from napari_fastsam.core.recipe import SearchPart

        encoder = tmp_path / "clip.pt"
        shutil.copy(small_clip, encoder)
        recipe = Recipe(search=SearchPart(texts=("red",), text_encoder=str(encoder), text_threshold=-1.0))
        assert self.again(image, tmp_path, scheduler, recipe) == "done"
        assert self.again(image, tmp_path, scheduler, recipe) == "kept"
        encoder.write_bytes(b"another one")
        row = run(recipe, [image], tmp_path / "out", scheduler)["good.png"]
        assert row.status == "failed"

    def test_a_record_of_another_version_is_none(self, image, tmp_path, scheduler):
        assert self.again(image, tmp_path, scheduler) == "done"
        path = record_path(tmp_path / "out" / "good_labels.tif")
        path.write_text(json.dumps({**json.loads(path.read_text()), "outputs": ["good_labels.tif"]}))
        assert self.again(image, tmp_path, scheduler) == "done"
