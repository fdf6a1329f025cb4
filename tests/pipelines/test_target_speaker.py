"""A target speaks a language that it never spoke: real voices, the codec that ships."""

import json
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import Clip
from lauter.datasets.consent import Consent, Event, Leave, touched_speakers
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.records import Prompt, Request
from lauter.datasets.voices import EVERY_USE, Use, Voice
from lauter.datasets.weights import find
from lauter.filters.speaker import SAMPLE_RATE, SpeakerEncoder
from lauter.orchestration.command import run
from lauter.pipelines.regenerate import most_similar, regenerated
from lauter.pipelines.target_speaker import Target, TargetSpeaker, lent_voice
from lauter.student.codec.codec import open_codec
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Speech, refusal
from lauter.teacher.studio.studio import Studio

ADA = {
    "speaker": "ada", "dialect": "en-GB", "gender": "female", "licence": "CC0-1.0",
    "consent": "the voice of hibari, for tests", "text": "The last train leaves at nine.",
    "codes": [1, 2, 1027, 1028, 1029], "audio": "ada.flac",
}  # fmt: skip
SENTENCE = Prompt("駅の前にパン屋があります。", "ja", "ja-JP", speaker="ada_ja-JP")


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices")
    spoken = spoken_sentences()[0]
    (folder / "ada.flac").write_bytes(Clip.of(spoken.samples, spoken.sample_rate).encoded)
    return written(folder, ADA)


def written(folder: Path, voice: dict[str, object]) -> Path:
    (folder / "voices.jsonl").write_text(json.dumps(voice) + "\n")
    return folder / "voices.jsonl"


@pytest.fixture(scope="module")
def teacher(voices: Path) -> TargetSpeaker:
    return TargetSpeaker(FastTeacher, voices=str(voices))


def request(prompt: Prompt) -> Request:
    return Request(prompt, "target_speaker", "f", 0).identified()


def test_regenerated_speech_has_the_length_of_the_native_after_one_pass_or_two() -> None:
    codec, spoken = open_codec(), spoken_sentences()[0]
    clip = Clip.of(spoken.samples, spoken.sample_rate)
    timbre = codec.timbre(clip.samples, clip.sample_rate)
    one = regenerated(codec, clip, timbre)
    assert len(one) / codec.sample_rate == pytest.approx(clip.duration_s, abs=0.13)
    again = regenerated(codec, Clip.of(one, codec.sample_rate), timbre)
    two = regenerated(codec, clip, timbre, passes=2)
    assert len(two) == len(again) and np.corrcoef(two, again)[0, 1] > 0.9
    assert np.corrcoef(two, one[: len(two)])[0, 1] < 0.9


def test_the_voice_nearest_to_the_target_is_lent_and_there_must_be_one() -> None:
    ada, ben = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    target = np.array([0.8, 0.6], np.float32)
    assert most_similar(target, {"ben": ben, "ada": ada}) == "ada"
    assert most_similar(target, {"c": ada, "b": ada}) == "b"
    with pytest.raises(UsageError, match="no native voice speaks the language"):
        most_similar(target, {})


def test_it_sounds_more_like_the_target_than_the_native_voice_did(voices: Path) -> None:
    teacher = TargetSpeaker(FastTeacher, voices=str(voices), steps=6, guidance=0.7)
    (speech,) = teacher.speak([request(SENTENCE)])
    assert isinstance(speech, Speech) and speech.samples is not None, speech
    (native,) = FastTeacher().speak([request(replace(SENTENCE, speaker="mei"))])
    assert isinstance(native, Speech) and native.samples is not None
    clips = [
        Clip(teacher.reference("ada_ja-JP", "ja-JP").audio),
        Clip.of(speech.samples, speech.sample_rate),
        Clip.of(native.samples, native.sample_rate),
    ]
    encoder = SpeakerEncoder(find("speaker-encoder", None))
    ada, lent, mei = encoder.embed([clip.at(SAMPLE_RATE) for clip in clips])
    assert ada @ lent > ada @ mei + 0.1


def test_targets_are_offered_where_they_are_new_with_their_licence_and_neutrally(
    teacher: TargetSpeaker,
) -> None:
    able = teacher.capabilities()
    offered = {voice.speaker: voice for voice in able.voices}
    assert set(offered) == {"ada_ja-JP", "ada_en-US"}
    japanese = offered["ada_ja-JP"]
    assert (japanese.licence, japanese.identity) == ("CC-BY-3.0 AND CC0-1.0", "ada")
    assert japanese.consent == ADA["consent"] and japanese.reference_digest
    assert refusal(able, teacher.name, SENTENCE) is None
    for asked, why in (
        (Prompt("一。", "zh", "cmn"), "no voice of the teacher 'target_speaker' speaks cmn; it"),
        (Prompt("One.", "en", "en-US", speaker="mei"), "has no speaker 'mei' for en-US"),
        (replace(SENTENCE, emotion="joy", emotion_level=1), "has no emotion 'joy'"),
    ):
        assert why in str(refusal(able, teacher.name, asked))


def test_a_voice_of_the_native_teacher_is_lent_by_name_but_not_where_it_is_at_home() -> None:
    teacher = TargetSpeaker(FastTeacher, ["mei"])
    assert [voice.speaker for voice in teacher.capabilities().voices] == ["mei_en-US"]
    both = TargetSpeaker(partial(Studio, blends=[]), ["af_heart", "jm_kumo"]).capabilities()
    assert both.speakers("cmn") == ("af_heart_cmn", "jm_kumo_cmn")
    assert "jm_kumo_ja-JP" not in both.speakers("ja-JP")


def test_its_fingerprint_follows_what_decides_the_sound(voices: Path) -> None:
    def fingerprint(**other: object) -> str:
        return TargetSpeaker(FastTeacher, voices=str(voices), **other).fingerprint()  # type: ignore[arg-type]

    assert fingerprint() == fingerprint()
    assert len({fingerprint(), fingerprint(passes=2), fingerprint(steps=3)}) == 3


def test_its_fingerprint_follows_which_native_voices_may_be_chosen() -> None:
    everybody, two = (
        TargetSpeaker(partial(Studio, voices, blends=[]), ["af_heart"])
        for voices in ("all", ["af_heart", "jm_kumo"])
    )
    assert everybody.capabilities().speakers("ja-JP") == two.capabilities().speakers("ja-JP")
    assert everybody.fingerprint() != two.fingerprint()


def test_a_native_voice_that_may_not_be_used_speaks_through_no_target() -> None:
    teacher = TargetSpeaker(partial(Studio, blends=[]), ["af_heart", "am_adam"])
    voices = teacher.capabilities().voices
    said = Consent("2026-05-03T12:00:00+00:00", "jf_alpha", Event.WITHDRAWN, "somebody")
    leave = Leave(Use.RESEARCH, date(2026, 11, 22), ledger=(said,))
    # Natives of the target's gender are chosen, so the man speaks with nothing of hers.
    assert set(leave.forbidden(voices)) == {"jf_alpha", "af_heart_ja-JP"}
    assert touched_speakers("jf_alpha", voices) == {"jf_alpha", "af_heart_ja-JP"}


def test_a_lent_voice_may_be_used_for_what_target_and_natives_may_both() -> None:
    target = Target(
        Voice("ada", "en-GB", "female", "LicenseRef-Hers", "Ada", allowed_uses=EVERY_USE),
        frozenset({"en-GB"}),
    )
    mei = Voice("mei", "cmn", "female", "CC-BY-NC-4.0", "Mei", "mei", expires="2027-01-31")
    ben = Voice("ben", "cmn", "male", "CC0-1.0", "Ben", "ben", allowed_uses=(Use.INTERNAL,))
    lent = lent_voice(target, "cmn", [mei, ben])
    assert lent is not None
    assert (lent.uses, lent.expires, lent.made_of) == (
        (Use.RESEARCH,), "2027-01-31", ("ada", "mei"),
    )  # fmt: skip
    assert lent.licence == "CC-BY-NC-4.0 AND LicenseRef-Hers"
    bound = replace(mei, allowed_uses=(Use.COMMERCIAL,))
    own = replace(target, voice=replace(target.voice, allowed_uses=(Use.RESEARCH,)))
    assert lent_voice(own, "cmn", [bound]) is None


@pytest.mark.parametrize(
    ("voice", "sentence"),
    [
        ({**ADA, "licence": ""}, "the voice 'ada' has no licence, and nobody's voice is used"),
        ({**ADA, "consent": "unknown"}, "the voice 'ada' has no consent, and nobody's voice"),
        ({k: v for k, v in ADA.items() if k != "audio"}, "has no recording (audio), from which"),
        ({**ADA, "audio": "nowhere.flac"}, "has its audio in nowhere.flac, where no file is"),
    ],
)
def test_a_voice_without_leave_or_recording_is_refused(
    voice: dict[str, object], sentence: str, voices: Path, tmp_path: Path
) -> None:
    (tmp_path / "ada.flac").write_bytes((voices.parent / "ada.flac").read_bytes())
    with pytest.raises(UsageError) as refused:
        TargetSpeaker(FastTeacher, voices=str(written(tmp_path, voice)))
    assert sentence in str(refused.value)


def test_without_a_target_or_with_an_unknown_one_it_says_what_to_name() -> None:
    with pytest.raises(UsageError, match=r"no target is named; set teacher\.voices to a file"):
        TargetSpeaker(FastTeacher)
    with pytest.raises(UsageError, match="has no voice 'nobody' that could be a target; it has"):
        TargetSpeaker(FastTeacher, ["nobody"])


def test_a_recording_that_is_no_speech_fails_its_request_alone(tmp_path: Path) -> None:
    (tmp_path / "ada.flac").write_bytes(Clip.of(np.zeros(40_000, np.float32), 16000).encoded)
    teacher = TargetSpeaker(FastTeacher, voices=str(written(tmp_path, ADA)))
    (answer,) = teacher.speak([request(SENTENCE)])
    assert isinstance(answer, UsageError) and "silent" in str(answer)


def test_a_corpus_keeps_the_targets_own_recording_as_the_reference(
    voices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "synthesize", f"corpus={tmp_path / 'corpus'}", "teacher=target_speaker",
        "teacher.native._target_=lauter.teacher.fast.FastTeacher", "~teacher.native.voices",
        "~teacher.native.blends", f"teacher.voices={voices}", "filters=fast", "policy=permissive",
        "quotas.dialects=[ja-JP]", "quotas.manners=[{count: 2}]", "engine.workers=0",
    ]  # fmt: skip
    assert run(words) == 0, capsys.readouterr().err
    corpus = Corpus.open(tmp_path / "corpus")
    assert corpus.count("error_kind IS NULL") == 2
    (voice,) = corpus.voices().to_pylist()
    assert (voice["speaker"], voice["dialect"]) == ("ada_ja-JP", "ja-JP")
    assert voice["reference_text"] == ADA["text"]
    assert voice["reference_audio"] == (voices.parent / "ada.flac").read_bytes()
    assert run([word for word in words if not word.startswith("teacher.voices")]) == 2
    assert "no target is named" in capsys.readouterr().err
