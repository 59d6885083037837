"""Find all objects of an image and write a label image.

python examples/all_objects.py [IMAGE [LABELS.tif]]
"""

import sys

import imageio.v3 as iio
import tifffile

import napari_fastsam as fs
from napari_fastsam.samples import SAMPLE_FOLDER

image_file, labels_file, *_ = [*sys.argv[1:], SAMPLE_FOLDER / "fluorescence_nuclei.png", "labels.tif"][:2]
model = fs.load_model("nuclei", device="cpu")
found = fs.segment(model, iio.imread(image_file))
tifffile.imwrite(labels_file, found.to_labels(), compression="zlib")
print(f"{len(found)} objects in {labels_file}")
