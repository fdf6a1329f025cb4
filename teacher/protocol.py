"""What a teacher is: something that speaks requests, says what it can do, and is identified.

To add one, write a class with these four members in a file of its own, and a configuration that
names it (orchestration/conf/teacher/). Nothing else need know of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lauter.datasets.audio import Samples
from lauter.datasets.errors import LauterError
from lauter.datasets.identity import content_id
from lauter.datasets.layout import Reference
from lauter.datasets.records import Prompt, Request
from lauter.datasets.tags import Emotion, Style
from lauter.datasets.voices import Voice
from lauter.teacher.attempts import Attempt


@dataclass(frozen=True, slots=True)
class Speech:
    """What came back for one request.

    Give either ``samples`` (float32 ``[samples]`` in -1…1) or ``flac`` (bytes that are stored as
    they are, with ``duration_s``); ``codes`` are interleaved dual-codebook ids where the teacher
    speaks in them: a teacher whose capabilities say so may give nothing else, and leave the sound
    to the stage that decodes. ``top_logits`` are its likeliest codes at each place, as
    ``datasets/top_logits.py`` writes them. ``device_s`` is the accelerator or core time that was
    spent, ``server_attempts`` every time that a server was asked. ``worked_s`` is set where not all
    of a batch took equally long: its part of its teacher's time, against that of its neighbours.
    """

    sample_rate: int = 0
    samples: Samples | None = None
    flac: bytes | None = None
    duration_s: float | None = None
    codes: tuple[int, ...] | None = None
    device_s: float = 0.0
    top_logits: bytes | None = None
    server_attempts: tuple[Attempt, ...] = ()
    worked_s: float | None = None


class UnspokenError(LauterError):
    """No speech came, and asking the teacher again would not help: it has asked often enough.

    ``kind`` is what stands in ``error_kind``: ``invalid`` where ``codes`` came that are no speech,
    which are kept to be looked at, ``failed`` where nothing came.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "failed",
        codes: Sequence[int] | None = None,
        device_s: float = 0.0,
        server_attempts: tuple[Attempt, ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.worked_s: float | None = None
        self.codes = codes
        self.device_s = device_s
        self.server_attempts = server_attempts


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a teacher can be asked for; whatever is not named here is refused at planning.

    ``emotion_levels`` and ``speed_levels`` give, for each emotion and for ``fast`` and ``slow``,
    the highest level. ``codes`` says that it answers in codes alone, ``logits`` that its likeliest
    ones come along, ``sampled`` that another seed gives other speech.
    """

    voices: tuple[Voice, ...]
    emotion_levels: Mapping[str, int] = field(default_factory=lambda: {Emotion.NEUTRAL.value: 0})
    speed_levels: Mapping[str, int] = field(default_factory=dict)
    styles: tuple[str, ...] = (Style.PLAIN.value,)
    cloning: bool = False
    editing: bool = False
    edits_parents: bool = False
    codes: bool = False
    logits: bool = False
    sampled: bool = False
    max_characters: int = 400

    @property
    def dialects(self) -> tuple[str, ...]:
        """The dialects spoken, sorted."""
        return tuple(sorted({voice.dialect for voice in self.voices}))

    def speakers(self, dialect: str) -> tuple[str, ...]:
        """The speakers of a dialect, sorted by name."""
        return tuple(sorted(voice.speaker for voice in self.voices if voice.dialect == dialect))


def parts_of(answers: Sequence[Speech | Exception], seconds: float) -> list[float]:
    """Return what each answer of a batch took of so many seconds, all of them together.

    Equal parts, unless teachers say more; what nothing is said of took as long as the others.
    """
    told = [getattr(answer, "worked_s", None) for answer in answers]
    known = [one for one in told if one is not None]
    if not any(known):
        return [seconds / len(answers) for _ in answers]
    usual = sum(known) / len(known)
    weights = [usual if one is None else one for one in told]
    return [seconds * weight / sum(weights) for weight in weights]


class Teacher(Protocol):
    """A voice, or many, that can be asked to speak."""

    name: str

    def capabilities(self) -> Capabilities:
        """Say what may be asked; cheap: no model is loaded for it."""
        ...

    def fingerprint(self) -> str:
        """Return a digest of name, version, weights and sampling; cheap and stable."""
        ...

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return, in order, what each request sounds like, or the exception that came instead.

        Speech depends on the request alone, not on its neighbours in the batch. An exception
        raised instead of returned makes the caller ask again, one request at a time.
        """
        ...


class EditingTeacher(Teacher, Protocol):
    """A teacher that makes manners of speech that was spoken before."""

    def edit(
        self, requests: Sequence[Request], parents: Sequence[Reference | None]
    ) -> Sequence[Speech | Exception]:
        """Return, in order, each request's speech, made of the parent's beside it.

        A request without one is spoken from its text.
        """
        ...


def voiced_fingerprint(
    fingerprint: str, speaker: str, dialect: str, capabilities: Capabilities
) -> str:
    """Return what requests for a voice bear: the teacher's fingerprint, and the recording's.

    Two recordings of one speaker are two voices to a teacher that clones.
    """
    for one in capabilities.voices:
        if (one.speaker, one.dialect) == (speaker, dialect) and one.reference_digest:
            cloned = {"teacher": fingerprint, "reference": one.reference_digest}
            return content_id("lauter.cloned.v1", cloned)
    return fingerprint


@dataclass(frozen=True, slots=True)
class VoiceRecording:
    """A recording of a voice (an encoded file's bytes), and what it says."""

    text: str
    audio: bytes


def own_reference(teacher: Teacher, speaker: str, dialect: str) -> VoiceRecording | None:
    """Return the recording that a teacher brings of a voice; None where it only speaks as it."""
    bring = getattr(teacher, "reference", None)
    return None if bring is None else bring(speaker, dialect)


def keep(teacher: Teacher) -> None:
    """Have what a teacher runs elsewhere outlive those who ask for it, until it is closed here."""
    hold = getattr(teacher, "keep", None)
    if hold is not None:
        hold()


def close(teacher: Teacher) -> None:
    """Have a teacher let go of connections, workers and cards, where it holds any."""
    let_go = getattr(teacher, "close", None)
    if let_go is not None:
        let_go()


def refusal(capabilities: Capabilities, teacher: str, prompt: Prompt) -> str | None:
    """Return why ``teacher`` cannot serve ``prompt``, as a sentence that says what it can do.

    None where it can. The text is not looked at, so one answer serves all prompts of a cell.
    """
    dialects = capabilities.dialects
    if prompt.dialect not in dialects:
        return (
            f"no voice of the teacher '{teacher}' speaks {prompt.dialect}; "
            f"it speaks {_listed(dialects)}"
        )
    speakers = capabilities.speakers(prompt.dialect)
    if prompt.speaker and prompt.speaker not in speakers:
        return (
            f"the teacher '{teacher}' has no speaker '{prompt.speaker}' for {prompt.dialect}; "
            f"it has {_listed(speakers)}"
        )
    levels = capabilities.emotion_levels
    if prompt.emotion not in levels:
        return (
            f"the teacher '{teacher}' has no emotion '{prompt.emotion}'; it has {_listed(levels)}"
        )
    if (prompt.emotion == Emotion.NEUTRAL) != (prompt.emotion_level == 0):
        return (
            f"emotion '{prompt.emotion}' at level {prompt.emotion_level} is a contradiction; "
            "neutral has level 0, every other emotion a level from 1"
        )
    if not 0 <= prompt.emotion_level <= levels[prompt.emotion]:
        return (
            f"the teacher '{teacher}' has levels 1 to {levels[prompt.emotion]} of "
            f"'{prompt.emotion}', not {prompt.emotion_level}"
        )
    if prompt.speed_level:
        slowest = -capabilities.speed_levels.get("slow", 0)
        fastest = capabilities.speed_levels.get("fast", 0)
        if not slowest <= prompt.speed_level <= fastest:
            return (
                f"the teacher '{teacher}' has speed levels {slowest} to {fastest}, "
                f"not {prompt.speed_level}"
            )
    if prompt.style not in capabilities.styles:
        return (
            f"the teacher '{teacher}' has no style '{prompt.style}'; "
            f"it has {_listed(capabilities.styles)}"
        )
    return None


def _listed(names: Mapping[str, int] | Sequence[str]) -> str:
    names = list(names)
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return shown or "none"
