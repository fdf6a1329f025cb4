"""A decoder goes on learning, and the codes that it decodes stay what they were."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from spoken_sentences import ENGLISH, spoken_sentences
from taught_student import write_untrained_codec

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.student.codec.codec import SHIPPED, open_codec
from lauter.student.codec.train_decoder import train_decoder
from lauter.student.codec.train_flow import FlowTraining
from lauter.student.codec.training import Speech

SHORT = FlowTraining(steps=2, batch_size=2, longest_groups=8)


def told(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def speech() -> list[Speech]:
    """Six sentences that the shipped codec has encoded, and one that it has not."""
    spoken = spoken_sentences()[: len(ENGLISH)][:7]
    clips = [Clip.of(one.samples, one.sample_rate) for one in spoken]
    codes = open_codec().encode(
        [clip.samples for clip in clips[:6]], [clip.sample_rate for clip in clips[:6]]
    )
    return [
        Speech(clip, one.text, "heart", found)
        for clip, one, found in zip(clips, spoken, [*codes, None], strict=True)
    ]


def test_codes_stay_and_what_is_heard_of_them_changes(speech: list[Speech], tmp_path: Path) -> None:
    before = open_codec(SHIPPED)
    trained = train_decoder(speech, open_codec(SHIPPED), tmp_path / "new", SHORT, told)
    assert trained.fingerprint == before.fingerprint
    assert trained.about["trained_on"]["clips"] == 6, "what has no codes teaches nothing"
    assert trained.about["begun_as"] == before.about
    clip = speech[0].clip
    assert speech[0].codes is not None
    assert (trained.encode([clip.samples], [clip.sample_rate])[0] == speech[0].codes).all()
    sounds = [
        codec.decode([speech[0].codes], [codec.timbre(clip.samples, clip.sample_rate)])[0]
        for codec in (before, trained)
    ]
    assert len(sounds[0]) == len(sounds[1])
    assert not np.allclose(sounds[0], sounds[1], atol=1e-3)
    vocoders = [codec.parts["vocoder"].state_dict() for codec in (before, trained)]
    assert all((vocoders[0][name] == vocoders[1][name]).all() for name in vocoders[0])


def test_without_codes_of_this_codec_there_is_nothing_to_learn(
    speech: list[Speech], tmp_path: Path
) -> None:
    uncoded = [replace(one, codes=None) for one in speech]
    with pytest.raises(UsageError, match="lauter codec encode"):
        train_decoder(uncoded, open_codec(), tmp_path / "new", SHORT, told)
    assert not (tmp_path / "new").exists()


def test_a_codec_of_other_codes_is_not_replaced(speech: list[Speech], tmp_path: Path) -> None:
    other = write_untrained_codec(tmp_path / "other")
    with pytest.raises(UsageError, match="a codec of other codes"):
        train_decoder(speech, open_codec(), other, SHORT, told)
