"""`lauter codec train`: learn a codec from a corpus's accepted speech."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.audio import Clip
from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.records import CODEC_FIELD
from lauter.datasets.selection import split_of
from lauter.datasets.voices import people_of, voices_of
from lauter.orchestration.devices import existing_device
from lauter.orchestration.leave import leave_of
from lauter.orchestration.making import split_shares
from lauter.orchestration.progress import stage_progress
from lauter.orchestration.tables import print_named
from lauter.pipelines.encode import unfit_for_codes
from lauter.student.codec.codec import SHIPPED, open_codec
from lauter.student.codec.train_codes import CodesTraining
from lauter.student.codec.train_decoder import train_decoder
from lauter.student.codec.train_flow import FlowTraining
from lauter.student.codec.train_vocoder import VocoderTraining
from lauter.student.codec.training import (
    CodecTraining,
    Speech,
    check_codec_folder,
    train_codec,
    train_vocoder_alone,
)


def run(settings: DictConfig, console: Console) -> int:
    """Train in four stages, of which those that are done are not done again; or a decoder alone."""
    chosen = settings.codec
    if not chosen.folder:
        raise UsageError("say where the codec is to be written: codec.folder=my-codec")
    if chosen.init and chosen.only_vocoder:
        raise UsageError(
            "codec.only_vocoder trains the vocoder of a new codec, and codec.init leaves the "
            "vocoder as it is; set one of the two"
        )
    check_codec_folder(Path(chosen.folder))
    device = existing_device("codec.device", chosen.device)
    corpus = Corpus.open(settings.corpus)
    training = CodecTraining(
        codes=CodesTraining(steps=chosen.codes_steps, seed=settings.seed),
        flow=FlowTraining(steps=chosen.flow_steps, seed=settings.seed),
        vocoder=VocoderTraining(steps=chosen.vocoder_steps, seed=settings.seed),
        seed=settings.seed,
    )
    unfit: dict[str, str] = {}
    begun = None if chosen.init is None else open_codec(_begun_in(chosen.init))
    encoded_by = begun.fingerprint if begun else None
    splits = split_shares(settings), settings.export.split_by
    speech = _speech(corpus, chosen.hours, *splits, unfit, encoded_by, leave_of(settings))
    try:
        with stage_progress(console) as on_step:
            if begun:
                codec = train_decoder(
                    speech, begun, chosen.folder, training.flow, on_step, device=device
                )
            elif chosen.only_vocoder:
                train_vocoder_alone(speech, chosen.folder, training, on_step, device=device)
            else:
                codec = train_codec(speech, chosen.folder, training, on_step, device=device)
    finally:
        print_named(console, "left {} out, with nothing to learn from in them", unfit)
    if chosen.only_vocoder:
        console.print(
            f"the vocoder is kept in {chosen.folder}; the same command without codec.only_vocoder "
            "trains what is left and writes the codec"
        )
        return 0
    trained_on = codec.about["trained_on"]
    console.print(
        f"the codec {codec.fingerprint} stands in {chosen.folder}: trained on "
        f"{trained_on['hours']:g} h by {trained_on['speakers']} speakers"
    )
    return 0


def _begun_in(word: str) -> Path:
    return SHIPPED if word == "shipped" else Path(word)


def _speech(
    corpus: Corpus,
    hours: float,
    shares: Mapping[str, float],
    split_by: str,
    unfit: dict[str, str],
    encoded_by: str | None,
    leave: Leave,
) -> Iterator[Speech]:
    """Yield accepted speech in the order of its digests, up to so many hours.

    Codes come along that a codec of the fingerprint ``encoded_by`` made.

    Texts (or speakers) of the split ``test`` are left out: they are what a codec is reported on.
    So are voices that may not be used by ``leave``, and recordings with nothing to encode in them;
    ``unfit`` is told why, by request.
    """
    lengths: dict[str, float] = {}
    people = people_of(corpus.voices()) if split_by == "speaker" else {}
    forbidden = leave.forbidden(voices_of(corpus.voices()))
    told = list(dict.fromkeys(["request_id", "speaker", split_by, "duration_s"]))
    for batch in corpus.scan_judged(told, accepted=True):
        for row in batch.select(told).to_pylist():
            drawn = people.get(row[split_by], row[split_by])
            if row["speaker"] not in forbidden and split_of(drawn, shares) != "test":
                lengths[row["request_id"]] = row["duration_s"]
    chosen: list[str] = []
    total_s = 0.0
    for request_id in sorted(lengths):
        if total_s >= hours * 3600:
            break
        chosen.append(request_id)
        total_s += lengths[request_id]
    columns = ["request_id", "audio", "text", "speaker", "codes"]
    columns += [CODEC_FIELD.name] if CODEC_FIELD.name in corpus.schema.names else []
    for start in range(0, len(chosen), 64):
        rows = corpus.take(chosen[start : start + 64], columns)
        for row in rows.to_pylist():
            codes = row["codes"] if row.get(CODEC_FIELD.name) == encoded_by else None
            clip = Clip(row["audio"] or b"")
            if why := unfit_for_codes(clip):
                unfit[row["request_id"]] = why
            else:
                yield Speech(clip, row["text"], row["speaker"], codes)
