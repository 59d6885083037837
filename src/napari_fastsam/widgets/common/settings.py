"""The plugin's settings: what napari's Preferences show for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_fastsam.layers.napari_versions import plugin_settings

PLUGIN = "napari-fastsam"


@dataclass(frozen=True)
class DockSettings:
    """What the dock starts with; the defaults are those of the manifest's `configurations`."""

    model: str = "nuclei"
    device: str = "auto"
    text_encoder: str = "ViT-B/32"
    cache_mb: int = 512
    thresholds_from_card: bool = True
    conf: float = 0.25
    iou: float = 0.7
    live: bool = True
    preserve_labels: bool = True


def read_settings() -> DockSettings:
    """Return the user's settings; the defaults where napari keeps none for the plugin."""
    stored = plugin_settings(PLUGIN)
    if stored is None:
        return DockSettings()
    defaults = DockSettings()

    def value(section: str, name: str, default: Any) -> Any:
        return getattr(getattr(stored, section, None), name, default)

    return DockSettings(
        model=value("model", "name", defaults.model),
        device=value("model", "device", defaults.device),
        text_encoder=value("model", "text_encoder", defaults.text_encoder),
        cache_mb=value("model", "cache_mb", defaults.cache_mb),
        thresholds_from_card=value("thresholds", "from_card", defaults.thresholds_from_card),
        conf=value("thresholds", "conf", defaults.conf),
        iou=value("thresholds", "iou", defaults.iou),
        live=value("behaviour", "live", defaults.live),
        preserve_labels=value("behaviour", "preserve_labels", defaults.preserve_labels),
    )
