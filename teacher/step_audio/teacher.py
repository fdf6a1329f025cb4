"""A Step-Audio checkpoint, or a student in its layout, as a teacher that answers in codes.

Each request becomes ids in the checkpoint's layout, and goes to a ``Completer`` that runs the
model: a pool of HTTP servers, Ray actors, a model in this process. What comes back is looked at
before anybody pays for its decoding; where it is no speech it is asked for again with another seed,
a few times, and then given up with the codes that came. Sound is made by a later stage.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lauter.datasets.codes import Codes
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.layout import STEP_AUDIO, Reference, Vocabulary
from lauter.datasets.lineage import edit_of, parent_of
from lauter.datasets.records import Prompt, Request
from lauter.datasets.voice_book import KnownVoice
from lauter.teacher.attempts import IN_PROCESS, OK, Attempt
from lauter.teacher.protocol import (
    Capabilities,
    Speech,
    UnspokenError,
    refusal,
    voiced_fingerprint,
)
from lauter.teacher.step_audio.abilities import capabilities
from lauter.teacher.step_audio.completion import (
    Completed,
    Completer,
    CompletionError,
    CompletionRequest,
    Identity,
)
from lauter.teacher.step_audio.edit_layout import EditLayout
from lauter.teacher.step_audio.edits import step_of
from lauter.teacher.step_audio.layouts import CONTEXT, Layout, TokenPrompt, parted
from lauter.teacher.step_audio.likeliest import cached_logits
from lauter.teacher.step_audio.repeatability import repeatability
from lauter.teacher.step_audio.sentencepiece_tokenizer import SentencePieceTokenizer
from lauter.teacher.step_audio.student_folder import StudentFolder, read_student_folder
from lauter.teacher.step_audio.templates import read_wordings
from lauter.teacher.step_audio.validation import Invalid, find_invalid
from lauter.teacher.step_audio.voices import read_voices, reference_of

VERSION: Final = 1
"""Raise it with every change of this package that changes which codes come."""
STUDENT: Final = "student"
EDITX: Final = "editx"


class StepAudio:
    """Asks a model for speech codes.

    ``layout`` is ``student``, ``tts_3b``, ``editx_clone``, ``aqaa``, ``continuation`` or ``editx``,
    which clones neutral speech and edits it pass by pass. A student is told by its folder
    (``student``: the small files of it are enough), the others by their SentencePiece model
    (``tokenizer``) and a file of voices (``voices``, see ``voices.py``). ``completer`` opens who
    runs the model. ``wordings`` replaces our templates by an operator's: a file, of ``editx`` a
    folder of two. A request is asked for ``tries`` times, each with another seed, until its answer
    is speech; with ``top`` so many likeliest codes are kept of each place (0: none). ``codec`` is
    the fingerprint of the codec whose codes a checkpoint speaks, where that is known.
    """

    name = "step_audio"
    student: str | None
    """The folder of the student, which brings the timbres of its voices."""

    def __init__(
        self,
        completer: Callable[[], Completer],
        *,
        layout: str = STUDENT,
        student: str | None = None,
        tokenizer: str | None = None,
        voices: str | None = None,
        wordings: str | None = None,
        context: int | None = None,
        tries: int = 3,
        top: int = 0,
        codec: str | None = None,
    ) -> None:
        for name, number, least in (("tries", tries, 1), ("top", top, 0)):
            if type(number) is not int or number < least:
                raise UsageError(f"teacher.{name} is {number}; set {least} or more")
        wanted = {"student": student} if layout == STUDENT else {
            "tokenizer": tokenizer, "voices": voices
        }  # fmt: skip
        for setting, value in wanted.items():
            if value is None:
                raise UsageError(
                    f"the layout '{layout}' wants teacher.{setting}, and it is not set; "
                    f"set teacher.{setting} to its place"
                )
        self._open_completer = completer
        self._kind = layout
        self.student = student
        self._tokenizer = tokenizer
        self._voices = voices
        self._wordings = wordings
        self._context = context
        self._tries = tries
        self._top = top
        self._codec = codec

    def capabilities(self) -> Capabilities:
        """Say what may be asked; no server is asked for it."""
        voices = [voice for known in self._known.values() for voice in known.voices]
        if self._folder is not None:
            return self._folder.capabilities(logits=self._top > 0, shown=voices)
        able = capabilities(self._kind, voices)
        return replace(able, logits=self._top > 0, sampled=True)

    def fingerprint(self) -> str:
        """Return a digest of prompts, sampling and model; asks the servers who they are.

        Raises ``LauterError`` where none answers. Voices are not part of it: see ``Voice``.
        """
        return self._fingerprint_with(self.identity())

    def _fingerprint_with(self, identity: Identity) -> str:
        return content_id(
            "lauter.teacher.v1",
            {
                "teacher": self.name,
                "version": VERSION,
                "layout": self._layout.fingerprint(),
                **({"edits": self._edits.fingerprint()} if self._edits else {}),
                # Where the weights are known, what a server calls them tells nothing more.
                "model": "" if identity.checkpoint else identity.model,
                "checkpoint": identity.checkpoint,
                "server": identity.server,
                "sampling": _as_floats(self.completer.sampling),
                "tries": self._tries,
            },
        )

    def identity(self) -> Identity:
        """Say who runs the model; raises ``LauterError`` where nobody answers."""
        return self.completer.identity()

    @property
    def codec_fingerprint(self) -> str | None:
        """The codec whose codes it speaks, where that is known."""
        return self._codec or (self._folder.codec_fingerprint if self._folder else None)

    @property
    def shown(self) -> tuple[str, ...]:
        """The speakers of its file of voices, whom it clones."""
        return tuple(self._known)

    def recordings(self) -> dict[str, str]:
        """Return where the recordings of its voices lie, by speaker, for whoever decodes."""
        return {
            speaker: str(recording.audio)
            for speaker, known in self._known.items()
            if (recording := known.recording("plain")).audio is not None
        }

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return the codes of each request, or the exception that came instead.

        Nothing is asked for requests that were planned with another model than answers.
        """
        return self._answers(requests, [None] * len(requests))

    def edit(
        self, requests: Sequence[Request], parents: Sequence[Reference | None]
    ) -> Sequence[Speech | Exception]:
        """Return the codes of each request, edited from the parent's where it has one."""
        return self._answers(requests, parents)

    def _answers(
        self, requests: Sequence[Request], parents: Sequence[Reference | None]
    ) -> Sequence[Speech | Exception]:
        here = self._fingerprint_here()
        wishes = [
            self._wish(request, here, parent)
            for request, parent in zip(requests, parents, strict=True)
        ]
        for number in range(self._tries):
            pending = [wish for wish in wishes if wish.answer is None]
            if not pending:
                break
            asked = [wish.asked(number, self._top) for wish in pending]
            completed = self.completer.complete(asked)
            for wish, one in zip(pending, completed, strict=True):
                wish.take(one, self._layout.vocabulary)
        # Where nobody answered before, it is known only now who does.
        here = here or self._fingerprint_here()
        return [self._other(wish.request, here) or wish.result() for wish in wishes]

    def repeatability(self, prompt: Prompt) -> str:
        """Ask for a prompt several times over with one seed; return what came of it, as a clause.

        Raises ``LauterError`` where nobody answers.
        """
        request = Request(prompt, self.name, "", 0).identified()
        asked = self._wish(request, None, None)
        if isinstance(asked.answer, Exception):
            raise asked.answer
        return repeatability(self.completer, asked.asked(0, 0))

    def keep(self) -> None:
        """Have the model outlive the workers that ask for it, where it runs in a job of Ray's."""
        hold = getattr(self.completer, "keep", None)
        if hold is not None:
            hold()

    def close(self) -> None:
        """Let go of whoever runs the model."""
        if "completer" in self.__dict__:
            self.completer.close()

    def _wish(self, request: Request, here: str | None, parent: Reference | None) -> "_Wish":
        refused = refusal(self._capabilities, self.name, request.prompt)
        if refused:
            return _Wish(request, None, UsageError(refused))
        if other := self._other(request, here):
            return _Wish(request, None, other)
        try:
            prompt = self._prompt(request, parent)
            return _Wish(request, prompt, writes=self._kind == "aqaa")
        except LauterError as error:
            return _Wish(request, None, error)

    def _prompt(self, request: Request, parent: Reference | None) -> TokenPrompt:
        if self._edits is None or parent_of(request.prompt) is None:
            return self._layout.prompt(request, self._reference(request))
        if parent is None:
            raise UsageError(
                f"the request is an edit ({edit_of(request.prompt)}) of speech that is not there; "
                "ask for its chain from the neutral speech on (quotas.chains=true)"
            )
        return self._edits.prompt(parent, step_of(request.prompt))

    def _fingerprint_here(self) -> str | None:
        """Return the fingerprint with those who answer, None where nobody does or none can change.

        A folder is read once; behind an address there may be another model tomorrow.
        """
        settled = getattr(self.completer, "settled", None)
        identity = settled() if settled else None
        return self._fingerprint_with(identity) if identity else None

    def _other(self, request: Request, here: str | None) -> UsageError | None:
        """Return why a request is not for those who answer, None where it is or none can say."""
        prompt = request.prompt
        if not here or request.teacher_fingerprint in (
            "",
            voiced_fingerprint(here, prompt.speaker, prompt.dialect, self._capabilities),
        ):
            return None
        return UsageError(
            f"request {request.request_id} was planned for another model, or for other settings, "
            f"than those of the teacher '{self.name}' now; run the same command again"
        )

    def _reference(self, request: Request) -> Reference | None:
        if self._folder is not None and request.prompt.speaker not in self._known:
            return None  # a voice that the student has learnt
        return reference_of(self._known[request.prompt.speaker], request.prompt.style)

    @cached_property
    def _capabilities(self) -> Capabilities:
        return self.capabilities()

    @cached_property
    def completer(self) -> Completer:
        """Whoever runs the model; raises ``UsageError`` where its settings cannot be."""
        try:
            return self._open_completer()
        except TypeError as error:
            raise UsageError(f"teacher.completer cannot be used: {error}") from error

    @cached_property
    def _folder(self) -> StudentFolder | None:
        return None if self.student is None else read_student_folder(Path(self.student))

    @cached_property
    def _known(self) -> dict[str, KnownVoice]:
        return {} if self._voices is None else read_voices(Path(self._voices))

    @cached_property
    def _edits(self) -> EditLayout | None:
        """How speech is edited, where the layout does that."""
        if self._kind != EDITX:
            return None
        wordings = read_wordings("editx_edit", self._wordings_of("editx_edit"))
        return EditLayout(self._layout.tokenizer, wordings, STEP_AUDIO, self._layout.context)

    def _wordings_of(self, layout: str) -> Path | None:
        """Return the operator's file; of EditX, the one of two in the operator's folder."""
        if self._wordings is None:
            return None
        given = Path(self._wordings)
        return given / f"{layout}.yaml" if self._kind == EDITX else given

    @cached_property
    def _layout(self) -> Layout:
        kind = "editx_clone" if self._kind == EDITX else self._kind
        wordings = read_wordings(kind, self._wordings_of(kind))
        folder = self._folder
        if folder is not None:
            context = self._context or folder.context
            return Layout(folder.tokenizer, wordings, folder.vocabulary, context)
        assert self._tokenizer is not None
        tokenizer = SentencePieceTokenizer.read(Path(self._tokenizer))
        return Layout(tokenizer, wordings, STEP_AUDIO, self._context or CONTEXT)


def _as_floats(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in which 1 and 1.0 are the same."""
    return {name: float(value) if type(value) is int else value for name, value in sampling.items()}


@dataclass(eq=False)
class _Wish:
    """One request and all that was answered to it; ``writes``: in text beside the codes."""

    request: Request
    prompt: TokenPrompt | None
    answer: Speech | Exception | None = None
    attempts: list[Attempt] = field(default_factory=list)
    device_s: float = 0.0
    codes: Codes | None = None
    invalid: Invalid | None = None
    writes: bool = False

    def asked(self, number: int, top: int) -> CompletionRequest:
        assert self.prompt is not None
        return CompletionRequest(
            key=self.request.request_id,
            prompt=self.prompt.ids,
            seed=_seed(self.request, number),
            max_tokens=self.prompt.max_tokens,
            stop_ids=self.prompt.stop_ids,
            top=top,
        )

    def take(self, one: Completed | CompletionError, vocabulary: Vocabulary) -> None:
        self.device_s += one.device_s
        if isinstance(one, CompletionError):
            self.attempts += one.attempts
            self.answer = UnspokenError(
                str(one), device_s=self.device_s, server_attempts=tuple(self.attempts)
            )
            return
        assert self.prompt is not None
        ids = parted(one.ids, vocabulary)[0] if self.writes else one.ids
        codes = vocabulary.codes_of(ids)
        asked = self.request.prompt
        invalid = find_invalid(
            codes,
            one.ended,
            asked.text,
            speed_level=asked.speed_level,
            most=self.prompt.max_tokens - 1,
        )
        self.attempts += _told(one.attempts, invalid)
        if invalid:
            self.codes, self.invalid = codes, invalid
            return
        # Beside text the places of speech are not those of its slots.
        whole = one.top is not None and len(ids) == len(one.ids)
        self.answer = Speech(
            codes=tuple(codes.tolist()),
            device_s=self.device_s,
            worked_s=self._worked_s,
            top_logits=cached_logits(one.top, vocabulary) if one.top and whole else None,
            server_attempts=tuple(self.attempts),
        )

    def result(self) -> Speech | Exception:
        if self.answer is None:
            assert self.invalid is not None
            self.answer = self._invalid(self.invalid)
        if isinstance(self.answer, UnspokenError):
            self.answer.worked_s = self._worked_s
        return self.answer

    @property
    def _worked_s(self) -> float | None:
        """What it took of the worker's own time, where the model runs in the worker."""
        is_here = bool(self.attempts) and self.attempts[-1].server == IN_PROCESS
        return self.device_s if is_here else None

    def _invalid(self, invalid: Invalid) -> UnspokenError:
        return UnspokenError(
            f"no answer was speech: the last one {invalid.what}",
            kind="invalid",
            codes=None if self.codes is None else self.codes.tolist(),
            device_s=self.device_s,
            server_attempts=tuple(self.attempts),
        )


def _told(attempts: tuple[Attempt, ...], invalid: Invalid | None) -> list[Attempt]:
    """Return attempts of which the one that was answered says what is wrong with the answer."""
    if invalid is None:
        return list(attempts)
    outcome = f"invalid codes: {invalid.kind}"
    return [replace(one, outcome=outcome) if one.outcome == OK else one for one in attempts]


def _seed(request: Request, number: int) -> int:
    """Return the seed of a try: the request's own, then others that it alone decides."""
    if number == 0:
        return request.seed
    mixed = hashlib.blake2b(f"{request.request_id}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(mixed) >> 1
