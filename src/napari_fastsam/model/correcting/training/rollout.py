"""A batch of windows in the middle of being corrected.

Every pass of the network is one of training, and its answer is what the next click corrects: a window stays for as many
clicks as it was given, then makes room for a new one. So all passes are learnt from, and the masks that the network
sees are its own.
"""

from __future__ import annotations

import torch

from napari_fastsam.model.correcting.training.clicking import ClickMaps, deep_cells, next_clicks
from napari_fastsam.model.correcting.training.first_masks import first_masks
from napari_fastsam.model.correcting.training.images import TrainingImages, Windows
from napari_fastsam.model.correcting.training.variation import drawn_anew, vary

_CLICKS = (0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 11)
"""Errors that are clicked on before a window makes room; drawn evenly."""

_ANEW = 0.18
"""Share of windows whose picture is drawn from the labels."""

_FROM_START = 0.4
"""Share of passes that see the first mask again instead of the last answer, with all clicks so far."""

_SAME_CLICKS = 0.15
"""Share of passes without a new click: a second look at the own answer."""

_CONFIRMING = 0.1
"""Share of clicks that say what is right already."""


class Rollout:
    """Windows, what they started with, their clicks and the last answers.

    Parameters
    ----------
    images
        Where new windows come from.
    count, cells
        How many windows, and their size.
    """

    def __init__(self, images: TrainingImages, count: int, cells: int) -> None:
        device = images.device
        self._images, self._cells = images, cells
        self._clicks = ClickMaps(count, cells, device)
        self._left = torch.full((count,), -1, device=device)
        self._fresh = torch.ones(count, dtype=torch.bool, device=device)
        self.clicked = torch.zeros(count, dtype=torch.long, device=device)
        one = torch.zeros(count, 1, cells, cells, device=device)
        self._start, self._known, self._last = one, one.clone(), one.clone()
        number = torch.zeros(count, 1, 1, 1, device=device)
        self.windows = Windows(
            one.expand(-1, 3, -1, -1).clone(), one.clone(), one.clone(), number, one.clone(), number[:, 0, 0, 0].clone()
        )

    @property
    def clicks(self) -> torch.Tensor:
        """(B, 4, S, S) the channels of the clicks."""
        return self._clicks.maps

    def renew(self) -> None:
        """Replace the windows that are done."""
        rows = (self._left < 0).nonzero()[:, 0]
        count, device = len(rows), rows.device
        if not count:
            return
        new = self._images.windows(self._images.draw(count), self._cells)
        anew = (torch.rand(count, device=device) < _ANEW).nonzero()[:, 0]
        if len(anew):
            part = Windows(*(getattr(new, name)[anew] for name in vars(new)))
            for name, value in vars(drawn_anew(part)).items():
                getattr(new, name)[anew] = value
        new.picture[:] = vary(new.picture)
        for name, value in vars(new).items():
            getattr(self.windows, name)[rows] = value
        start, known = first_masks(new)
        self._start[rows], self._known[rows] = start, known[:, None, None, None].float().expand_as(start)
        self._begin(rows, new, known)

    def _begin(self, rows: torch.Tensor, new: Windows, known: torch.Tensor) -> None:
        """Make the first click, where there is one, and a few anywhere in the object and in its neighbours."""
        count, device = len(rows), rows.device

        def chance(share: float) -> torch.Tensor:
            return torch.rand(count, device=device) < share

        yes = torch.ones(count, dtype=torch.bool, device=device)
        target = (new.cover > 0.5).float()
        others = ((new.labels > 0) & (new.labels != new.label)).float()
        self._clicks.maps[rows] = 0
        first = ~known | chance(0.4)
        at, depth = deep_cells(target, torch.where(chance(0.6), 0.1, 1.0))
        self._clicks.add(at, yes, first & (depth > 0), rows)
        for _ in range(2):
            at, depth = deep_cells(target, torch.full((count,), 3.0, device=device))
            self._clicks.add(at, yes, first & chance(0.12) & (depth > 0), rows)
            at, depth = deep_cells(others, torch.full((count,), 0.6, device=device))
            self._clicks.add(at, ~yes, chance(0.15) & (depth > 0), rows)
        number = torch.tensor(_CLICKS, device=device)[torch.randint(0, len(_CLICKS), (count,), device=device)]
        self._left[rows], self._fresh[rows], self.clicked[rows] = number, True, first.long()

    def inputs(self) -> torch.Tensor:
        """Return (B, CHANNELS, S, S) for the network."""
        again = (torch.rand(len(self._left), device=self._left.device) < _FROM_START) | self._fresh
        again = again[:, None, None, None]
        prior, known = torch.where(again, self._start, self._last), torch.where(again, self._known, 1.0)
        return torch.cat([self.windows.picture, prior, known, self.windows.inside, self.clicks], 1)

    def answer(self, logits: torch.Tensor) -> None:
        """Take the network's answers (B, 1, S, S) and click on what is wrong with them."""
        count, device = len(self._left), self._left.device
        self._last = logits.detach().float().sigmoid()
        same = torch.rand(count, device=device) < _SAME_CLICKS
        loose = torch.where(torch.rand(count, device=device) < 0.7, 0.15, 1.0)
        confirming = torch.rand(count, device=device) < _CONFIRMING
        at, positive, there = next_clicks(self._last * self.windows.inside, self.windows.cover, loose, confirming)
        there &= ~same
        self._clicks.add(at, positive, there)
        self.clicked += there
        self._left -= (~same).long()
        self._fresh[:] = False


@torch.no_grad()
def held_out_curve(
    network: torch.nn.Module, images: TrainingImages, chosen: torch.Tensor, cells: int, clicks: int = 10
) -> list[float]:
    """Return the mean IoU of windows around objects after 1, 2, … clicks, from nothing."""
    windows = images.windows(chosen, cells, plain=True)
    count, device = len(chosen), images.device
    exact, nothing = torch.zeros(count, device=device), torch.zeros(count, dtype=torch.bool, device=device)
    target = (windows.cover > 0.5).float()
    maps = ClickMaps(count, cells, device)
    at, _ = deep_cells(target, exact)
    maps.add(at, ~nothing, ~nothing)
    prior, known = torch.zeros_like(target), torch.zeros_like(target)
    curve = []
    for _ in range(clicks):
        logits, _ = network(torch.cat([windows.picture, prior, known, windows.inside, maps.maps], 1))
        prior, known = logits.float().sigmoid() * windows.inside, torch.ones_like(target)
        mask = (prior > 0.5).float()
        union = torch.maximum(mask, target).sum((1, 2, 3)).clamp_min(1)
        curve.append(float(((mask * target).sum((1, 2, 3)) / union).mean()))
        maps.add(*next_clicks(prior, target, exact, nothing))
    return curve
