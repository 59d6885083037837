"""Mark one object and find all that look like it; keep the example for other images.

python examples/more_like_these.py [EXAMPLES.json]
"""

import sys

import imageio.v3 as iio

import napari_fastsam as fs
from napari_fastsam.samples import SAMPLE_FOLDER

image = iio.imread(SAMPLE_FOLDER / "fluorescence_nuclei.png")
model = fs.load_model("nuclei", device="cpu")
prompts = fs.Prompts(examples=[[126, 94]])
alike = [selection for selection in fs.segment(model, image, prompts) if selection.found]
print(f"{len(alike)} objects look like the example")
exemplars, _ = fs.exemplars_of(model.segment(image), prompts)
file = (*sys.argv[1:], "examples.json")[0]
fs.save_exemplars(exemplars, file)
print(f"kept in {file}; load_exemplars reads it for Prompts(exemplars=…)")
