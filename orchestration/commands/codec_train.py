"""`lauter codec train`: learn a codec from a corpus's accepted speech."""

import time
from collections.abc import Iterator, Mapping

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.audio import Clip
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.selection import split_of
from lauter.orchestration.devices import existing_device
from lauter.orchestration.making import split_shares
from lauter.student.codec.train_codes import CodesTraining
from lauter.student.codec.train_flow import FlowTraining
from lauter.student.codec.train_vocoder import VocoderTraining
from lauter.student.codec.training import CodecTraining, Speech, train_codec

_LOG_EVERY_S = 20.0


def run(settings: DictConfig, console: Console) -> int:
    """Train in four stages; a stopped training begins with the stage that it was stopped in."""
    chosen = settings.codec
    if not chosen.folder:
        raise UsageError("say where the codec is to be written: codec.folder=my-codec")
    device = existing_device("codec.device", chosen.device)
    corpus = Corpus.open(settings.corpus)
    training = CodecTraining(
        codes=CodesTraining(steps=chosen.codes_steps, seed=settings.seed),
        flow=FlowTraining(steps=chosen.flow_steps, seed=settings.seed),
        vocoder=VocoderTraining(steps=chosen.vocoder_steps, seed=settings.seed),
        seed=settings.seed,
    )
    codec = train_codec(
        _speech(corpus, chosen.hours, split_shares(settings)),
        chosen.folder,
        training,
        _Log(console),
        device=device,
    )
    trained_on = codec.about["trained_on"]
    console.print(
        f"the codec {codec.fingerprint} stands in {chosen.folder}: trained on "
        f"{trained_on['hours']:g} h by {trained_on['speakers']} speakers"
    )
    return 0


def _speech(corpus: Corpus, hours: float, shares: Mapping[str, float]) -> Iterator[Speech]:
    """Yield accepted speech in the order of its digests, up to so many hours.

    Texts of the split ``test`` are left out: they are what a codec is reported on.
    """
    lengths: dict[str, float] = {}
    for batch in corpus.scan_judged(["request_id", "text", "duration_s"], accepted=True):
        for row in batch.select(["request_id", "text", "duration_s"]).to_pylist():
            if split_of(row["text"], shares) != "test":
                lengths[row["request_id"]] = row["duration_s"]
    chosen: list[str] = []
    total_s = 0.0
    for request_id in sorted(lengths):
        if total_s >= hours * 3600:
            break
        chosen.append(request_id)
        total_s += lengths[request_id]
    for start in range(0, len(chosen), 64):
        rows = corpus.take(chosen[start : start + 64], ["audio", "text", "speaker"])
        for row in rows.to_pylist():
            yield Speech(Clip(row["audio"]), row["text"], row["speaker"])


class _Log:
    """Prints a line now and then: the stage, its steps, the time left, the last losses."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._began = self._told = time.monotonic()

    def __call__(self, stage: str, done: int, of: int, losses: dict[str, float]) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began = stage, now
        elif now - self._told < _LOG_EVERY_S and done != of:
            return
        self._told = now
        if not of:
            self._console.print(f"{stage}: {done} utterances")
            return
        left_s = (now - self._began) / done * (of - done)
        figures = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
        self._console.print(f"{stage}: step {done} of {of}, {left_s / 60:.0f} min left; {figures}")
