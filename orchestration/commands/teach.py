"""`lauter teach`: ask a trained model about a corpus's codes, and keep its likeliest answers."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.orchestration.devices import existing_device
from lauter.orchestration.progress import speech_progress
from lauter.pipelines.teach import teach_corpus
from lauter.student.teaching import Kept, Teacher


def run(settings: DictConfig, console: Console) -> int:
    """Ask what this teacher has not answered yet, and say what its answers take."""
    if settings.student is None:
        raise UsageError(
            "nothing says who teaches; name the folder of a trained model: student=FOLDER"
        )
    options = settings.teach
    corpus = Corpus.open(settings.corpus)
    kept = Kept(options.k, options.mass)
    device = existing_device("teach.device", options.device)
    teacher = Teacher.open(settings.student, kept=kept, device=device)
    with corpus.writing() as writer, speech_progress(console, "teaching") as progress:
        asked = teach_corpus(
            corpus,
            writer,
            teacher,
            batch_size=options.batch_size,
            on_start=progress.start,
            on_batch=progress.advance,
        )
    size, places = _taken(corpus)
    console.print(
        f"{teacher.name} answered for {asked} utterances; all answers take {size / 1e6:.2f} MB, "
        f"{size / max(places, 1):.1f} bytes a code"
    )
    return 0


def _taken(corpus: Corpus) -> tuple[int, int]:
    """Return the bytes of all answers, and the places that they are for."""
    size = places = 0
    for batch in corpus.scan(["top_logits", "codes"], where="top_logits IS NOT NULL"):
        size += sum(len(answer) for answer in batch["top_logits"].to_pylist())
        places += len(batch["codes"].flatten()) + batch.num_rows
    return size, places
