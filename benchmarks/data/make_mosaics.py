"""Make the two benchmark pictures from a copy of the dsb2018 images.

    python benchmarks/data/make_mosaics.py FOLDER

FOLDER holds index.csv (id, h, w, kind, n_objects) and images/. Each picture is 4 × 4 fluorescence images of 256 × 256
pixels: `sparse.png` of ones with few nuclei, `dense.png` of ones with many.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from skimage.io import imread, imsave

SIDE = 4


def main(folder: Path) -> None:
    with (folder / "index.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if (r["kind"], r["h"], r["w"]) == ("gray_darkbg", "256", "256")]
    rows.sort(key=lambda row: (int(row["n_objects"]), row["id"]))
    for name, first in (("sparse", len(rows) // 3), ("dense", len(rows) * 5 // 7)):
        chosen = rows[first : first + SIDE * SIDE]
        tiles = [imread(folder / "images" / f"{row['id']}.png") for row in chosen]
        grey = [tile if tile.ndim == 2 else tile[..., :3].max(axis=2) for tile in tiles]
        mosaic = np.block([grey[i : i + SIDE] for i in range(0, len(grey), SIDE)])
        imsave(Path(__file__).parent / f"{name}.png", mosaic.astype(np.uint8), check_contrast=False)
        print(f"{name}.png: {mosaic.shape}, {sum(int(row['n_objects']) for row in chosen)} labelled objects")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
