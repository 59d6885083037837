"""Find the objects of all planes of a stack; each has one number through it.

python examples/stack.py
"""

import numpy as np

import napari_fastsam as fs

rows, columns = np.mgrid[:96, :96]
discs = [(30, 30, 11), (64, 62, 13)]
planes = [sum((np.hypot(rows - y - z, columns - x) < r) * 180 for y, x, r in discs).astype(np.uint8) for z in range(4)]
result = fs.segment_stack(fs.load_model("nuclei", device="cpu"), np.stack(planes), diameter=24)
print(f"{result.labels.max()} objects through {len(result.labels)} planes of {result.labels.shape[1:]}")
