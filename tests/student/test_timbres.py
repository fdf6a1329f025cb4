"""A voice's timbre is the mean of its neutral utterances in the export."""

import numpy as np
import pytest
import torch
from taught_student import write_untrained_codec

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.student.codec.codec import Codec, open_codec
from lauter.student.timbres import as_timbre, mean_timbre


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Codec:
    return open_codec(write_untrained_codec(tmp_path_factory.mktemp("codec")))


def noise(seed: int) -> Clip:
    draw = np.random.default_rng(seed)
    return Clip.of((0.1 * draw.standard_normal(24_000)).astype(np.float32), 24_000)


def test_the_timbre_of_one_recording_is_the_codecs(codec: Codec) -> None:
    stored = mean_timbre(codec, [noise(1)])
    expected = codec.timbre(noise(1).samples, 24_000).vector
    torch.testing.assert_close(as_timbre(stored).vector, expected, atol=1e-5, rtol=0)


def test_the_timbre_of_several_is_their_mean_of_length_one(codec: Codec) -> None:
    clips = [noise(1), noise(2), noise(3)]
    mean = torch.stack([codec.timbre(clip.samples, 24_000).vector for clip in clips]).mean(0)
    stored = as_timbre(mean_timbre(codec, clips)).vector
    torch.testing.assert_close(stored, mean / mean.norm(), atol=1e-5, rtol=0)


def test_a_voice_without_recordings_has_no_timbre(codec: Codec) -> None:
    with pytest.raises(UsageError, match="at least one recording"):
        mean_timbre(codec, [])
