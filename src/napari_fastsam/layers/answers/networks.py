"""The networks of a session, each loaded once: models by name and device, and text encoders."""

from __future__ import annotations

import threading
from collections.abc import Generator, Hashable
from typing import TYPE_CHECKING

from napari_fastsam.errors import ModelError
from napari_fastsam.layers.answers.request import Request

if TYPE_CHECKING:
    from napari_fastsam.core.likeness.text import TextEncoder
    from napari_fastsam.model.network.segmenter import Model


class Networks:
    """Loads networks when they are first needed, from any thread."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], Model] = {}
        self._hashes: dict[tuple[str, str], str] = {}
        self._encoders: dict[tuple[str, str], TextEncoder] = {}
        self._known_texts: set[tuple[Hashable, str]] = set()
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Let go of all networks; what is needed again is loaded again."""
        with self._lock:
            self._models.clear()
            self._hashes.clear()
            self._encoders.clear()

    def model(self, name: str, device: str) -> Model:
        """Return a model; whoever comes while it is being loaded waits for it."""
        from napari_fastsam.model.network.segmenter import load_model
        from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer
        from napari_fastsam.model.weights.hashes import sha256_of

        import_torch_beside_a_viewer()
        with self._lock:
            if (name, device) not in self._models:
                model = load_model(name, device)
                self._hashes[name, device] = sha256_of(model.path)
                self._models[name, device] = model
            return self._models[name, device]

    def model_for(self, request: Request) -> Model:
        """Return the model that a request names."""
        return self.model(request.controls.model, request.controls.device)

    def hash_for(self, request: Request) -> str:
        """Return the SHA-256 that the file of the model that a request names had when it was loaded."""
        self.model_for(request)
        return self._hashes[request.controls.model, request.controls.device]

    def forget_if_replaced(self, request: Request) -> bool:
        """Let go of the model that a request names if its file is another one by now; returns whether it is."""
        from napari_fastsam.model.weights.hashes import sha256_of

        named = request.controls.model, request.controls.device
        with self._lock:
            model = self._models.get(named)
            try:
                if model is None or sha256_of(model.path) == self._hashes[named]:
                    return False
            except ModelError:  # it is gone: what was loaded goes on serving
                return False
            del self._models[named]
            return True

    def encoder(self, name: str, device: str) -> TextEncoder:
        """Return what compares words with pictures."""
        from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer
        from napari_fastsam.model.text.encoder import load_text_encoder

        import_torch_beside_a_viewer()
        with self._lock:
            if (name, device) not in self._encoders:
                self._encoders[name, device] = load_text_encoder(name, device)
            return self._encoders[name, device]

    def encoder_for(self, request: Request) -> Generator[str, None, TextEncoder | None]:
        """Return what compares the words of a request, which it knows then; None without words."""
        controls, texts = request.controls, request.read.prompts.texts
        if not texts:
            return None
        yield f"loading {controls.text_encoder}"
        encoder = self.encoder(controls.text_encoder, controls.device)
        encoder.encode_texts(texts)
        self._known_texts.update((encoder.key, text) for text in texts)
        return encoder

    def loaded_encoder(self, request: Request) -> TextEncoder | None:
        """Return what compares words, if it was loaded."""
        return self._encoders.get((request.controls.text_encoder, request.controls.device))

    def knows_texts(self, request: Request) -> bool:
        """Whether all words of a request were read, so that comparing them takes no network."""
        encoder, texts = self.loaded_encoder(request), request.read.prompts.texts
        return not texts or (encoder is not None and all((encoder.key, text) in self._known_texts for text in texts))
