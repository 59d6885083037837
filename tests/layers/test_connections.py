"""Connections that are made are undone, all of them, and nothing else."""

from __future__ import annotations

import gc

import numpy as np
from napari.layers import Points

from napari_fastsam.layers.connections import Connections, layer_emitters


def test_what_is_connected_is_called_and_undone():
    points, calls = Points(ndim=2), []
    connections = Connections()
    connections.connect((points.events.data, points.events.scale), calls.append)
    points.add([[1, 2]])
    points.scale = (2, 2)
    heard = len(calls)
    assert heard >= 2

    connections.undo()
    points.add([[3, 4]])
    points.scale = (3, 3)
    assert len(calls) == heard


def test_callbacks_of_others_stay():
    points, ours, theirs = Points(ndim=2), [], []
    connections = Connections()
    points.events.scale.connect(theirs.append)
    connections.connect((points.events.scale,), ours.append)
    connections.undo()
    points.scale = (2, 2)
    assert (len(ours), len(theirs)) == (0, 1)


def test_undone_twice_is_undone_once():
    points = Points(ndim=2)
    connections = Connections()
    connections.connect((points.events.scale,), print)
    connections.undo()
    connections.undo()


def test_a_bound_method_is_held():
    class Listener:
        def __init__(self) -> None:
            self.heard = heard

        def hear(self, event: object) -> None:
            self.heard.append(event)

    heard: list[object] = []
    points, connections = Points(ndim=2), Connections()
    connections.connect((points.events.scale,), Listener().hear)
    gc.collect()
    points.scale = (2, 2)
    assert len(heard) == 1


def test_all_that_moves_a_layer_is_followed():
    points, calls = Points(np.zeros((1, 2))), []
    connections = Connections()
    connections.connect(layer_emitters(points, "features"), lambda event: calls.append(event.type))
    changes = {
        "scale": (2, 2),
        "translate": (1, 1),
        "rotate": 20,
        "shear": [0.2],
        "affine": [[1, 0, 5], [0, 1, 5], [0, 0, 1]],
        "units": ("um", "um"),
        "features": {"polarity": ["positive"]},
    }
    for name, value in changes.items():
        calls.clear()
        setattr(points, name, value)
        assert name in calls, name
    connections.undo()
