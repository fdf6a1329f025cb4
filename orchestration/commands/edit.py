"""`lauter edit`: a student changes speech that is there, step by step."""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.audio import Clip
from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.edits import edit_named
from lauter.datasets.errors import QualityGateMissedError, UsageError
from lauter.datasets.records import Prompt
from lauter.datasets.voices import voices_of
from lauter.orchestration.devices import existing_device
from lauter.orchestration.leave import leave_of
from lauter.orchestration.sampling import sampling_of
from lauter.orchestration.single_page import check_writable
from lauter.orchestration.sound import write_wav
from lauter.student.edit import check_edit, edited_again
from lauter.student.marks import student_marks
from lauter.student.speak import Student
from lauter.student.teaching import weights_digest


def run(settings: DictConfig, console: Console) -> int:
    """Edit, write the sound after each pass and say what came; what broke off is exit code 3."""
    options = settings.editing
    if settings.student is None:
        raise UsageError("no student is named; set student=… to the folder of one")
    edit = edit_named(options.edit)
    recording, text = _source(settings)
    folder = Path(options.out)
    check_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    student = Student.open(
        settings.student,
        codec=settings.codec.folder,
        device=existing_device("editing.device", options.device),
        sampling=sampling_of(settings),
    )
    check_edit(student, edit)
    passes = edited_again(student, recording, text, edit, options.times, seed=settings.seed)
    name, checkpoint = Path(settings.student).resolve().name, weights_digest(student.model)
    for number, one in enumerate(passes, start=1):
        told = f"{edit} {number} time{'' if number == 1 else 's'}"
        if one.samples is None:
            console.print(f"-  {told}: {one.failure}")
            continue
        place = folder / f"{number}.wav"
        asked = Prompt(f"({edit}) {text}", language="", dialect="")
        seed = settings.seed + number - 1
        marks = student_marks(name, checkpoint, asked, seed, reference=recording)
        write_wav(place, one.samples, one.sample_rate, marks)
        seconds = f"{len(one.samples) / one.sample_rate:.2f} s"
        console.print(f"{place}  {told}, {', '.join(filter(None, (seconds, one.failure)))}")
    if failure := passes[-1].failure:
        raise QualityGateMissedError(
            f"pass {len(passes)} of {options.times} came to no good end ({failure}), and editing "
            "stopped there; try another seed=…, or a student that has learnt longer"
        )
    return 0


def _source(settings: DictConfig) -> tuple[Clip, str]:
    """Return the recording that is edited, and what it says."""
    options = settings.editing
    if (options.source is None) == (options.request is None):
        raise UsageError(
            "name what is to be edited: editing.source=FILE with editing.text=…, or "
            "editing.request=ID of an utterance of the corpus, and only one of them"
        )
    if options.request is not None:
        return _utterance(settings.corpus, options.request, leave_of(settings))
    if not (options.text or "").strip():
        raise UsageError(
            f"nothing says what is spoken in {options.source}; set editing.text to its words"
        )
    recording = Clip(Path(options.source).read_bytes())
    if not recording.encoded:
        raise UsageError(f"the recording {options.source} is empty; name another one")
    return recording, options.text


def _utterance(folder: str, request_id: str, leave: Leave) -> tuple[Clip, str]:
    corpus = Corpus.open(folder)
    (row,) = corpus.take([request_id], ["audio", "text", "speaker"]).to_pylist()
    if not row["audio"]:
        raise UsageError(f"the request {request_id} of {folder} was not spoken; name another one")
    if reason := leave.forbidden(voices_of(corpus.voices())).get(row["speaker"]):
        raise UsageError(f"the request {request_id} may not be edited: {reason}")
    return Clip(row["audio"]), row["text"]
