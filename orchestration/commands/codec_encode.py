"""`lauter codec encode`: give a corpus the codes of its speech."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.progress import speech_progress
from lauter.pipelines.encode import encode_corpus
from lauter.student.codec.codec import open_codec


def run(settings: DictConfig, console: Console) -> int:
    """Encode what this codec has not encoded yet."""
    corpus = Corpus.open(settings.corpus)
    codec = open_codec(settings.codec.folder).to(settings.codec.device)
    with corpus.writing() as writer, speech_progress(console, "encoding") as progress:
        encoded = encode_corpus(
            corpus, writer, codec, on_start=progress.start, on_batch=progress.advance
        )
    console.print(f"encoded {encoded} utterances with the codec {codec.fingerprint}")
    return 0
