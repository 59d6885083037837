"""Find the objects at points and in boxes; the network sees the image once.

python examples/prompts.py
"""

import imageio.v3 as iio

import napari_fastsam as fs
from napari_fastsam.samples import SAMPLE_FOLDER

image = iio.imread(SAMPLE_FOLDER / "fluorescence_nuclei.png")
prediction = fs.predict(fs.load_model("nuclei", device="cpu"), image)
prompts = fs.Prompts(points=[[126, 94], [147, 244]], boxes=[[207, 596, 257, 633]])  # rows and columns
selections = prediction.select(prompts)
for selection in selections:
    print(f"{selection.prompt}: {selection.crop.area} px, score {selection.score:.2f}, {selection.reason}")
labels = fs.paint(selections, image.shape)
print(f"labels {sorted(set(labels.ravel().tolist()) - {0})}")
