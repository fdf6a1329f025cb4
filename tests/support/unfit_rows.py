"""Rows beside good ones in which there is nothing to encode, each in its own way."""

import struct

import numpy as np
import pyarrow as pa

from lauter.datasets.audio import audio_digest, encode_flac
from lauter.datasets.corpus import Corpus
from lauter.datasets.records import UTTERANCE_SCHEMA, request_from_row

RATE = 24000
_LOUD = (0.1 * np.sin(np.arange(RATE) / 20)).astype(np.float32)
EMPTY_WAV = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack(
    "<IHHIIHH4sI", 16, 1, 1, RATE, RATE * 2, 2, 16, b"data", 0
)  # fmt: skip
UNFIT = {
    "holds no samples": EMPTY_WAV,
    "an audio of 0 bytes cannot be decoded": b"",
    "it is silent": encode_flac(np.zeros(RATE, np.float32), RATE),
    "it lasts 50 ms": encode_flac(_LOUD[: RATE // 20], RATE),
    "damaged": encode_flac(_LOUD, RATE)[:2000],
    "or in a format other than": b"no sound at all",
}
"""Recordings by what is said of them."""


def add_unfit_rows(corpus: Corpus) -> dict[str, str]:
    """Append a row for each of ``UNFIT``; return what is to be said of it by its request."""
    (like,) = corpus.take_rows(np.array([0]), UTTERANCE_SCHEMA.names).to_pylist()
    rows, said = [], {}
    for number, (sentence, audio) in enumerate(UNFIT.items()):
        like |= {"text": f"Unfit {number}.", "seed": number}
        request = request_from_row(like).identified()
        told = {"audio": audio, "audio_digest": audio_digest(audio), "codes": None}
        rows.append(
            like | told | {"request_id": request.request_id, "prompt_id": request.prompt.prompt_id}
        )
        said[request.request_id] = sentence
    with corpus.writing() as writer:
        writer.append(pa.RecordBatch.from_pylist(rows, schema=UTTERANCE_SCHEMA))
    return said
