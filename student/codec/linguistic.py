"""The linguistic book: what is spoken, at 16.67 entries a second, 1024 of them.

An entry is the nearest of 1024 centroids to what a recogniser's encoder makes of 60 ms of speech
(Whisper base, the mean of three of its 20 ms frames). The encoder takes windows shorter than its 30
s; the window follows from the clip alone, so a clip gets the same entries in whichever company, but
for rounding.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final

import ctranslate2
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from lauter.datasets import weights
from lauter.datasets.audio import Samples
from lauter.datasets.codes import Entries
from lauter.student.codec.kmeans import Features, nearest_centroids

SAMPLE_RATE: Final = 16_000
SAMPLES_PER_ENTRY: Final = 960
FRAMES_PER_ENTRY: Final = 3
SIZE: Final = 512
WINDOW_STEP_S: Final = 2
LONGEST_S: Final = 28.8
"""Longer speech is heard in pieces of this length, which is a whole number of groups."""
_BATCH: Final = 8


class RecogniserFeatures:
    """What Whisper's encoder makes of speech; the model loads when it is first asked.

    As many batches are heard at once as there are cores.
    """

    def __init__(self) -> None:
        self._workers = os.cpu_count() or 1

    def fingerprint(self) -> str:
        """Return the digest of the weights."""
        return weights.fingerprint("whisper-base")

    def of(self, clips: Sequence[Samples]) -> list[Features]:
        """Return float32 ``[entries, 512]`` of each clip at 16 kHz, an entry for each 960 samples.

        Clips of one window's length are heard together; that changes nothing but rounding.
        """
        whole = int(LONGEST_S * SAMPLE_RATE)
        pieces = [
            (number, clip[start : start + whole])
            for number, clip in enumerate(clips)
            for start in range(0, len(clip) - SAMPLES_PER_ENTRY + 1, whole)
        ]
        heard: list[Features | None] = [None] * len(pieces)
        by_window: dict[int, list[int]] = {}
        for place, (_, piece) in enumerate(pieces):
            by_window.setdefault(_window_s(piece), []).append(place)
        batches = [
            (window, places[start : start + _BATCH])
            for window, places in by_window.items()
            for start in range(0, len(places), _BATCH)
        ]
        _ = self._extractor, self._model  # made once, before the threads ask for them
        with ThreadPoolExecutor(self._workers, "recogniser") as listeners:
            answers = listeners.map(
                lambda batch: self._encoded([pieces[place][1] for place in batch[1]], batch[0]),
                batches,
            )
            for (_, together), found in zip(batches, answers, strict=True):
                for place, of_piece in zip(together, found, strict=True):
                    heard[place] = of_piece
        found_of: list[list[Features]] = [[] for _ in clips]
        for (number, _), features in zip(pieces, heard, strict=True):
            assert features is not None
            found_of[number].append(features)
        nothing = np.empty((0, SIZE), np.float32)
        return [np.concatenate(found) if found else nothing for found in found_of]

    def _encoded(self, clips: Sequence[Samples], window_s: int) -> list[Features]:
        mels = np.zeros((len(clips), 80, window_s * 100), np.float32)
        for row, clip in enumerate(clips):
            padded = np.pad(clip, (0, window_s * SAMPLE_RATE - len(clip)))
            mels[row] = self._extractor(padded, padding=0)[:, : window_s * 100]
        encoded = self._model.encode(ctranslate2.StorageView.from_array(mels), to_cpu=True)
        hidden = np.asarray(encoded, np.float32)
        found = []
        for row, clip in zip(hidden, clips, strict=True):
            entries = len(clip) // SAMPLES_PER_ENTRY
            frames = row[: entries * FRAMES_PER_ENTRY]
            found.append(frames.reshape(entries, FRAMES_PER_ENTRY, SIZE).mean(1))
        return found

    @cached_property
    def _extractor(self) -> Any:
        return FeatureExtractor()

    @cached_property
    def _model(self) -> Any:
        return ctranslate2.models.Whisper(
            str(weights.find("whisper-base")),
            compute_type="int8",
            intra_threads=1,
            inter_threads=self._workers,
        )


def _window_s(clip: Samples) -> int:
    # Half a second of silence after the clip, so that its end is heard as one.
    return int(np.ceil((len(clip) / SAMPLE_RATE + 0.5) / WINDOW_STEP_S)) * WINDOW_STEP_S


class LinguisticBook:
    """Centroids float32 ``[1024, 512]`` of features scaled by ``mean`` and ``deviation``."""

    def __init__(
        self, mean: NDArray[np.float32], deviation: NDArray[np.float32], centroids: Features
    ) -> None:
        self.mean, self.deviation, self.centroids = mean, deviation, centroids

    def entries(self, features: Features) -> Entries:
        """Return the entry of each feature."""
        return nearest_centroids((features - self.mean) / self.deviation, self.centroids)
