"""A teacher that lends its native speakers the voices of others: a target in a new language.

It composes: another teacher's native voice says the text, and our codec regenerates it with the
target's timbre (``regenerate.py``). It stands here, since a teacher may not know the codec. Targets
come from a file of voices, each with a recording, a licence and a consent, or are voices of the
native teacher by name, whose recording it speaks itself. It speaks neutrally: what the codec does
to edited speech was not measured.

What comes is as good as the codec is in the language. The one that ships has learnt English almost
alone and loses most words of Japanese (docs/codec.md): a policy with a bound on CER rejects them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.records import Prompt, Request, dialect_language
from lauter.datasets.tags import Dialect, Style
from lauter.datasets.voice_book import read_book
from lauter.datasets.voices import Voice
from lauter.datasets.weights import find
from lauter.filters.speaker import SAMPLE_RATE, Embedding, SpeakerEncoder, encoder_fingerprint
from lauter.pipelines.references import REFERENCE_TEXTS
from lauter.pipelines.regenerate import most_similar, regenerated
from lauter.teacher.protocol import Capabilities, Speech, Teacher, VoiceRecording

if TYPE_CHECKING:
    from lauter.student.codec.codec import Codec, Decoding, Timbre

VERSION = 1
"""Raise it with every change that changes what is heard."""


@dataclass(frozen=True)
class Target:
    """A voice to be lent, and the dialects that it speaks itself.

    ``recording`` is None where the native teacher has the voice; ``text`` is what it says.
    """

    voice: Voice
    homes: frozenset[str]
    recording: Path | None = None
    text: str = ""


class TargetSpeaker:
    """Speaks as ``targets`` in the dialects that ``native`` speaks and they do not.

    ``native`` opens the teacher with the native voices, ``targets`` names voices of its own and
    ``voices`` is a file of others (see ``datasets/voice_book.py``); ``codec`` is the codec's
    folder, None: the one that comes with Lauter. ``passes`` is how often codes are taken and spoken
    with the target's timbre, in ``steps`` of the flow with ``guidance``. Models load when they are
    first needed.
    """

    name = "target_speaker"

    def __init__(
        self,
        native: Callable[[], Teacher],
        targets: Sequence[str] = (),
        voices: str | None = None,
        codec: str | None = None,
        passes: int = 1,
        steps: int = 2,
        guidance: float = 0.0,
    ) -> None:
        for name, number in (("passes", passes), ("steps", steps)):
            if type(number) is not int or number < 1:
                raise UsageError(f"teacher.{name} is {number}; set 1 or more")
        self._native = native()
        self._targets = {one.voice.speaker: one for one in self._chosen(targets, voices)}
        self._codec_folder = codec
        self._passes, self._steps, self._guidance = passes, steps, float(guidance)
        self._recordings: dict[str, Clip] = {}
        self._timbres: dict[str, Timbre] = {}
        self._natives: dict[str, Mapping[str, Embedding]] = {}

    def capabilities(self) -> Capabilities:
        """Offer each target in each dialect that is new to it, neutrally."""
        able = self._native.capabilities()
        lent = [
            voice
            for target in self._targets.values()
            for dialect in able.dialects
            if (voice := lent_voice(target, dialect, able.voices)) is not None
        ]
        return Capabilities(tuple(lent), max_characters=able.max_characters)

    def fingerprint(self) -> str:
        """Return a digest of the native teacher, the codec, and among whom and how is chosen.

        The targets' recordings are told with their voices.
        """
        return content_id(
            "lauter.teacher.v1",
            {
                "teacher": self.name,
                "version": VERSION,
                "native": self._native.fingerprint(),
                "natives": sorted(
                    [voice.speaker, voice.dialect, voice.gender]
                    for voice in self._native.capabilities().voices
                ),
                "codec": self._codec.fingerprint,
                "timbre": self._codec.timbre_fingerprint(),
                "decoder": self._codec.decoder_fingerprint(),
                "speaker": encoder_fingerprint(),
                "decoding": [self._passes, self._steps, self._guidance],
            },
        )

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return the speech of each request, or the exception that came instead."""
        return [self._answer(request) for request in requests]

    def reference(self, speaker: str, dialect: str) -> VoiceRecording:
        """Return the recording of the target itself, against which its speech is measured."""
        target = self._target(speaker, dialect)
        return VoiceRecording(self._text(target), self._recording(target).encoded)

    def _answer(self, request: Request) -> Speech | Exception:
        try:
            prompt = request.prompt
            target = self._target(prompt.speaker, prompt.dialect)
            native = self._chosen_native(target, prompt.dialect)
            clip = self._said(replace(prompt, speaker=native), request.seed)
            spoken = regenerated(
                self._codec,
                clip,
                self._timbre(target),
                passes=self._passes,
                decoding=self._decoding,
            )
        except Exception as error:
            return error
        return Speech(self._codec.sample_rate, samples=spoken)

    def _said(self, prompt: Prompt, seed: int) -> Clip:
        """Return what the native teacher makes of a prompt."""
        request = Request(prompt, self._native.name, self._native.fingerprint(), seed).identified()
        (speech,) = self._native.speak([request])
        if isinstance(speech, Exception):
            raise speech
        if speech.samples is None:
            raise UsageError(
                f"the teacher '{self._native.name}' gives no samples, and only sound can be "
                "regenerated; choose another as teacher.native"
            )
        return Clip.of(speech.samples, speech.sample_rate)

    def _chosen_native(self, target: Target, dialect: str) -> str:
        able = self._native.capabilities()
        heard = self._native_embeddings(dialect)
        names = [voice.speaker for voice in _candidates(target, dialect, able.voices)]
        (own,) = self._encoder.embed([self._recording(target).at(SAMPLE_RATE)])
        return most_similar(own, {name: heard[name] for name in names})

    def _native_embeddings(self, dialect: str) -> Mapping[str, Embedding]:
        """Return how each native voice of a dialect sounds; all of them speak once for it."""
        if dialect not in self._natives:
            names = self._native.capabilities().speakers(dialect)
            clips = [self._said(_reference_prompt(name, dialect), 0) for name in names]
            embedded = [self._encoder.embed([clip.at(SAMPLE_RATE)])[0] for clip in clips]
            self._natives[dialect] = dict(zip(names, embedded, strict=True))
        return self._natives[dialect]

    def _recording(self, target: Target) -> Clip:
        speaker = target.voice.speaker
        if speaker not in self._recordings:
            self._recordings[speaker] = (
                Clip(target.recording.read_bytes())
                if target.recording
                else self._said(_reference_prompt(speaker, target.voice.dialect), 0)
            )
        return self._recordings[speaker]

    def _timbre(self, target: Target) -> "Timbre":
        speaker = target.voice.speaker
        if speaker not in self._timbres:
            clip = self._recording(target)
            self._timbres[speaker] = self._codec.timbre(clip.samples, clip.sample_rate)
        return self._timbres[speaker]

    def _target(self, speaker: str, dialect: str) -> Target:
        target = self._targets.get(speaker.removesuffix(f"_{dialect}"))
        if target is None:
            raise UsageError(
                f"'{speaker}' is no target in {dialect}; name it in teacher.targets or in the file "
                "of voices"
            )
        return target

    def _text(self, target: Target) -> str:
        return target.text or REFERENCE_TEXTS[Dialect(target.voice.dialect)]

    def _chosen(self, targets: Sequence[str], voices: str | None) -> list[Target]:
        if not targets and voices is None:
            raise UsageError(
                "no target is named; set teacher.voices to a file of voices, or teacher.targets "
                f"to voices of the teacher '{self._native.name}'"
            )
        return [*self._named(targets), *(_from_file(Path(voices)) if voices else [])]

    def _named(self, names: Sequence[str]) -> list[Target]:
        voices = self._native.capabilities().voices
        own = {voice.speaker: voice for voice in voices}
        if unknown := [name for name in names if name not in own]:
            raise UsageError(
                f"the teacher '{self._native.name}' has no voice '{unknown[0]}' that could be a "
                f"target; it has {', '.join(own)}"
            )
        return [
            Target(
                replace(
                    own[name],
                    reference_digest=content_id(
                        "lauter.recordings.v1",
                        {"teacher": self._native.fingerprint(), "speaker": name},
                    ),
                ),
                frozenset(one.dialect for one in voices if one.identity == own[name].identity),
            )
            for name in names
        ]

    @cached_property
    def _encoder(self) -> SpeakerEncoder:
        return SpeakerEncoder(find("speaker-encoder", None))

    @cached_property
    def _decoding(self) -> "Decoding":
        from lauter.student.codec.codec import Decoding

        return Decoding(steps=self._steps, guidance=self._guidance)

    @cached_property
    def _codec(self) -> "Codec":
        from lauter.student.codec.codec import open_codec

        return open_codec(self._codec_folder)


def _from_file(path: Path) -> list[Target]:
    """Return the voices of a file; raises ``UsageError`` where one has no recording."""
    targets = []
    for known in read_book(path).values():
        recording = known.recording(Style.PLAIN)
        if recording.audio is None:
            raise UsageError(
                f"the voice '{known.voice.speaker}' in {path} has no recording (audio), from which "
                "its timbre is taken; name one, or take the voice out"
            )
        homes = frozenset(voice.dialect for voice in known.voices)
        targets.append(Target(known.voice, homes, recording.audio, recording.text))
    return targets


def lent_voice(target: Target, dialect: str, voices: Sequence[Voice]) -> Voice | None:
    """Return a target as it is offered in a dialect, out of the native teacher's ``voices``.

    It is made of the target and of every native voice that may be chosen: which one is chosen
    would take models to know, and leave is looked at before. So all their licences are told, and
    it may be used for what each of them may. Where one was withdrawn, naming the others in
    ``teacher.native.voices`` makes it of these. None where the target is at home, no native voice
    speaks the dialect, or no use is left.
    """
    natives = _candidates(target, dialect, voices)
    if dialect in target.homes or not natives:
        return None
    home = target.voice
    uses = tuple(use for use in home.uses if all(use in native.uses for native in natives))
    if not uses:
        return None
    names = [home.speaker, *home.made_of]
    for native in natives:
        names += [native.speaker, native.identity, *native.made_of]
    return replace(
        home,
        speaker=f"{home.speaker}_{dialect}",
        dialect=dialect,
        licence=" AND ".join(sorted({home.licence, *(native.licence for native in natives)})),
        identity=home.identity or home.speaker,
        allowed_uses=uses,
        expires=min(filter(None, [home.expires, *(one.expires for one in natives)]), default=""),
        made_of=tuple(dict.fromkeys(filter(None, names))),
    )


def _candidates(target: Target, dialect: str, voices: Sequence[Voice]) -> list[Voice]:
    """Return the native voices of a dialect, of the target's gender where there are any."""
    natives = [voice for voice in voices if voice.dialect == dialect]
    return [voice for voice in natives if voice.gender == target.voice.gender] or natives


def _reference_prompt(speaker: str, dialect: str) -> Prompt:
    text = REFERENCE_TEXTS[Dialect(dialect)]
    return Prompt(text, dialect_language(dialect), dialect, speaker=speaker)
