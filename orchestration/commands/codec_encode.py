"""`lauter codec encode`: give a corpus the codes of its speech."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.devices import existing_device
from lauter.orchestration.progress import speech_progress
from lauter.pipelines.encode import Encoder, encode_corpus
from lauter.student.codec.codec import open_codec
from lauter.student.codec.released import open_released


def run(settings: DictConfig, console: Console) -> int:
    """Encode what this codec has not encoded yet."""
    corpus = Corpus.open(settings.corpus)
    codec = _open(settings)
    with corpus.writing() as writer, speech_progress(console, "encoding") as progress:
        encoded = encode_corpus(
            corpus, writer, codec, on_start=progress.start, on_batch=progress.advance
        )
    console.print(f"encoded {encoded} utterances with the codec {codec.fingerprint}")
    return 0


def _open(settings: DictConfig) -> Encoder:
    if settings.codec.released:
        return open_released(settings.codec.released)
    device = existing_device("codec.device", settings.codec.device)
    return open_codec(settings.codec.folder).to(device)
