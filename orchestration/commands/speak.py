"""`lauter speak`: a student says a text, or a file of texts."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.audio import Clip
from lauter.datasets.errors import QualityGateMissedError, UsageError
from lauter.datasets.marking import Marks
from lauter.datasets.records import Prompt
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Style
from lauter.filters.asr import Recogniser, WhisperRecogniser
from lauter.orchestration.devices import existing_device
from lauter.orchestration.progress import counted_progress
from lauter.orchestration.sampling import sampling_of
from lauter.orchestration.single_page import check_writable
from lauter.orchestration.sound import write_wav
from lauter.pipelines.best_of import Choice, best_of
from lauter.student.facts import CELLS, EDITS
from lauter.student.marks import student_marks
from lauter.student.speak import SpeechRequest, Student
from lauter.student.teaching import weights_digest

SUFFIX = ".wav"
WRITTEN_TOGETHER = 64
"""Texts that are held in memory at once, and lost together where the machine dies."""


def run(settings: DictConfig, console: Console) -> int:
    """Speak what is asked, write it and say what came; what has no end is exit code 3."""
    options = settings.speaking
    if settings.student is None:
        raise UsageError("no student is named; set student=… to the folder of one")
    places = _places(options)
    reference = _reference(options)
    requests = [_request(options, text, settings.seed, reference) for text in places.values()]
    _check_writable(list(places))
    student = Student.open(
        settings.student,
        codec=settings.codec.folder,
        device=existing_device("speaking.device", options.device),
        sampling=sampling_of(settings),
        batch_size=options.texts_at_once,
    )
    _check_speaks(student, settings)
    student.check(requests)  # all of them, before any is spoken
    _check_learnt(student, settings)
    recogniser = WhisperRecogniser() if options.best_of > 1 else None
    name = Path(settings.student).resolve().name
    checkpoint = weights_digest(student.model)
    failures: list[str | None] = []
    heard_s = spent_s = 0.0
    named = list(zip(places.items(), requests, strict=True))
    with counted_progress(console, "speaking") as on_spoken:
        for first in range(0, len(named), WRITTEN_TOGETHER):
            group = named[first : first + WRITTEN_TOGETHER]
            asked = [request for _, request in group]
            for ((place, text), request), choice in zip(
                group, _choices(student, asked, recogniser, options.best_of), strict=True
            ):
                marks = _marks(student, name, checkpoint, request, choice.seed)
                console.print(_written(place, text, choice, marks))
                failures.append(choice.spoken.failure)
                heard_s += _heard_s(choice)
                spent_s += choice.spoken.seconds
            on_spoken(len(failures), len(named))
    if heard_s:
        console.print(f"{heard_s:.1f} s of speech, each second in {spent_s / heard_s:.2f} s")
    _check_all_ended(failures)
    return 0


def _choices(
    student: Student, asked: Sequence[SpeechRequest], recogniser: Recogniser | None, tries: int
) -> list[Choice]:
    """Return what was kept of each request: with a recogniser the best of so many tries."""
    if recogniser is not None:
        return best_of(student, asked, recogniser, tries)
    return [
        Choice(one, request.seed, None, None)
        for one, request in zip(student.speak(asked), asked, strict=True)
    ]


def _places(options: DictConfig) -> dict[Path, str]:
    """Return which text goes into which file."""
    out = Path(options.out)
    if (options.text is None) == (options.texts is None):
        raise UsageError(
            'nothing to say is named; set speaking.text="…" or speaking.texts to a file'
            if options.text is None
            else "speaking.text and speaking.texts are both set; set one of them"
        )
    if options.text is not None:
        if out.suffix.lower() != SUFFIX:
            raise UsageError(f"speaking.out is {out}; name a {SUFFIX} file")
        return {out: options.text}
    folder = out.with_suffix("") if out.suffix.lower() == SUFFIX else out
    named = _named_texts(Path(options.texts))
    return {folder / f"{name}{SUFFIX}": text for name, text in named.items()}


def _named_texts(file: Path) -> dict[str, str]:
    """Return the texts of a file by their names, or else by their numbers."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no text in UTF-8; convert it") from error
    texts: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        before, tab, after = line.partition("\t")
        name, text = (before.strip(), after) if tab else (f"{number:04d}", line)
        if not re.fullmatch(r"[\w-][\w.-]*", name):
            raise UsageError(
                f"line {number} of {file} has the name '{name}', which makes no file name; "
                "use letters, digits, dots, - and _"
            )
        if name in texts:
            raise UsageError(f"{file} has two texts of the name '{name}'; name them apart")
        texts[name] = text.strip()
    if not texts:
        raise UsageError(f"{file} holds no texts; write one on each line")
    return texts


def _reference(options: DictConfig) -> Clip | None:
    if options.reference is None:
        if options.reference_text is not None:
            raise UsageError(
                "speaking.reference_text is what a recording says, and there is none; "
                "set speaking.reference as well"
            )
        return None
    recording = Clip(Path(options.reference).read_bytes())
    if not recording.encoded:
        raise UsageError(f"the reference {options.reference} is empty; name a recording")
    return recording


def _request(options: DictConfig, text: str, seed: int, reference: Clip | None) -> SpeechRequest:
    dialect = Dialect(_chosen("dialect", options.dialect, list(Dialect)))
    emotion = _chosen("emotion", options.emotion, list(Emotion))
    if not -MAX_LEVEL <= options.speed_level <= MAX_LEVEL:
        raise UsageError(
            f"speaking.speed_level is {options.speed_level}; set -{MAX_LEVEL} to {MAX_LEVEL}"
        )
    least, most = (0, 0) if emotion == Emotion.NEUTRAL else (1, MAX_LEVEL)
    if not least <= options.emotion_level <= most:
        raise UsageError(
            f"speaking.emotion_level is {options.emotion_level} with {emotion}; "
            f"set {f'{least} to {most}' if most else 0}"
        )
    prompt = Prompt(
        text=text,
        language=dialect.language.value,
        dialect=dialect.value,
        emotion=emotion,
        emotion_level=options.emotion_level,
        style=_chosen("style", options.style, list(Style)),
        speed_level=options.speed_level,
        speaker=options.speaker or "",
    )
    return SpeechRequest(prompt, seed, reference, options.reference_text)


def _chosen(name: str, word: str, choices: Sequence[str]) -> str:
    if word not in choices:
        raise UsageError(f"speaking.{name} is '{word}'; choose {', '.join(choices)}")
    return word


def _check_speaks(student: Student, settings: DictConfig) -> None:
    if student.facts.get(EDITS) and not student.facts.get(CELLS):
        raise UsageError(
            f"the student in {settings.student} has learnt to edit speech and not to say texts; "
            "use `lauter edit`"
        )


def _check_learnt(student: Student, settings: DictConfig) -> None:
    """Refuse what no speech that the student learnt from was like; it would say something else."""
    for name in ("dialect", "emotion"):
        heard = sorted({cell[name] for cell in student.facts.get(CELLS, ())})
        asked = settings.speaking[name]
        if heard and asked not in heard:
            raise UsageError(
                f"the student in {settings.student} has learnt from no speech of the {name} "
                f"{asked}; set speaking.{name} to {' or '.join(heard)}"
            )


def _check_writable(places: Sequence[Path]) -> None:
    """Make the folder before anything is spoken, so that nothing is spoken in vain."""
    check_writable(places[0].parent)
    places[0].parent.mkdir(parents=True, exist_ok=True)
    for place in places:
        if place.is_dir():
            raise UsageError(f"{place} is a folder; name another file")


def _marks(
    student: Student, name: str, checkpoint: str, request: SpeechRequest, seed: int
) -> Marks:
    """Return the mark of what was said; without a reference, an unnamed voice is the first."""
    prompt = request.prompt
    if request.reference is None and not prompt.speaker:
        prompt = replace(prompt, speaker=(student.speakers or [""])[0])
    return student_marks(name, checkpoint, prompt, seed, reference=request.reference)


def _written(place: Path, text: str, choice: Choice, marks: Marks) -> str:
    """Write what was spoken, with its mark; return a line that says what it is."""
    spoken = choice.spoken
    told = [] if spoken.failure is None else [spoken.failure]
    if choice.cer is not None:
        told.append(f"CER {choice.cer:.3f} (seed {choice.seed})")
    if spoken.samples is None:
        return f"-  {', '.join(told)}: {text}"
    write_wav(place, spoken.samples, spoken.sample_rate, marks)
    told.insert(0, f"{len(spoken.samples) / spoken.sample_rate:.2f} s")
    return f"{place}  {', '.join(told)}: {text}"


def _heard_s(choice: Choice) -> float:
    samples = choice.spoken.samples
    return 0.0 if samples is None else len(samples) / choice.spoken.sample_rate


def _check_all_ended(failures: Sequence[str | None]) -> None:
    failed = [failure for failure in failures if failure is not None]
    if failed:
        raise QualityGateMissedError(
            f"{len(failed)} of {len(failures)} texts were not said to their end "
            f"({', '.join(sorted(set(failed)))}); try another seed=…, speaking.best_of=4, or a "
            "student that has learnt longer"
        )
