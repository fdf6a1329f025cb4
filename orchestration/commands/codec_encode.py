"""`lauter codec encode`: give a corpus the codes of its speech."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.devices import existing_device
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.tables import print_named
from lauter.pipelines.encode import Encoder, encode_corpus, left_without_codes
from lauter.student.codec.codec import open_codec
from lauter.student.codec.released import open_released


def run(settings: DictConfig, console: Console) -> int:
    """Encode what this codec has not encoded yet; name what there is nothing to encode in."""
    corpus = Corpus.open(settings.corpus)
    codec = _open(settings)
    with corpus.writing() as writer, speech_progress(console, "encoding") as progress:
        encoded = encode_corpus(
            corpus, writer, codec, on_start=progress.start, on_batch=progress.advance
        )
    corpus.refresh()
    console.print(f"encoded {encoded.rows} utterances with the codec {codec.fingerprint}")
    print_named(console, "left {} without codes (see the column codec_error)", encoded.unfit)
    print_named(console, "failed at {}, which the next run tries again", encoded.failed)
    if earlier := left_without_codes(corpus, codec) - len(encoded.unfit):
        console.print(f"left {earlier} without codes in earlier runs (see the column codec_error)")
    return 0


def _open(settings: DictConfig) -> Encoder:
    if settings.codec.released:
        return open_released(settings.codec.released)
    device = existing_device("codec.device", settings.codec.device)
    return open_codec(settings.codec.folder).to(device)
