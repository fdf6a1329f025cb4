"""The script that `import_over_pool` is measured against, and the clips that both are given.

The script is what one would write without Lauter: a process pool reads a NeMo manifest, takes
duration and energy, computes CER with jiwer, keeps what is at most 0.2 and writes WebDataset
shards of FLAC. It has no ids, no reasons, no rejects and no second run.
"""

import io
import json
import multiprocessing
import shutil
import string
import time
from itertools import product
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import soundfile
import webdataset
from hibari import SAMPLE_RATE, Hibari

CLIPS = 2400
CLIP_SECONDS = 3
MAX_CER = 0.2
MANIFEST = "manifest.jsonl"

_WHO = ("The baker", "My neighbour", "A tired nurse", "The night train", "Our teacher", "Nobody")
_DOES = ("left before seven", "carried eleven boxes", "forgot the blue umbrella", "sang all night")
_WHERE = ("near the harbour.", "behind the old mill.")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def make_clips(folder: Path, count: int = CLIPS) -> None:
    """Fill ``folder`` with clips of real speech, 3 s each, no two the same, and their manifest.

    One in five has a transcript that lacks half its words; its CER is above 0.2.
    """
    speak = Hibari()
    texts = [" ".join(parts) for parts in product(_WHO, _DOES, _WHERE)]
    samples = CLIP_SECONDS * SAMPLE_RATE
    speech = [np.resize(speak(text, seed=0), samples) for text in texts]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / MANIFEST).open("w") as manifest:
        for number in range(count):
            text = texts[number % len(texts)]
            sound = 0.9 * np.roll(speech[number % len(texts)], 31 * number)
            name = f"{number:05d}.wav"
            soundfile.write(folder / name, sound, SAMPLE_RATE, subtype="PCM_16")
            words = text.split()
            row = {
                "audio_filepath": name,
                "text": f"{text} Take {number}.",
                "pred_text": f"{' '.join(words[::2] if number % 5 == 0 else words)} take {number}",
                "duration": float(CLIP_SECONDS),
                "lang": "en-US",
                "speaker": "heart",
            }
            manifest.write(json.dumps(row) + "\n")


def run(folder: Path, *, processes: int | None = None) -> float:
    """Do the whole job on the clips in ``folder`` and return the seconds that it took.

    Shards lie in ``folder/pool`` afterwards.
    """
    started = time.perf_counter()
    shards = folder / "pool"
    shutil.rmtree(shards, ignore_errors=True)
    shards.mkdir()
    rows = [json.loads(line) for line in (folder / MANIFEST).read_text().splitlines()]
    work = [(str(folder / row["audio_filepath"]), row) for row in rows]
    with (
        multiprocessing.get_context("fork").Pool(processes) as pool,
        webdataset.ShardWriter(f"{shards}/%06d.tar", maxsize=256 << 20, verbose=0) as writer,
    ):
        for number, sample in enumerate(pool.imap(_measure, work, chunksize=32)):
            if sample is not None:
                writer.write({"__key__": f"{number:08d}", **sample})
    return time.perf_counter() - started


def _measure(item: tuple[str, dict[str, Any]]) -> dict[str, Any] | None:
    path, row = item
    samples, rate = soundfile.read(path, dtype="int16")
    cer = jiwer.cer(_bare(row["text"]), _bare(row["pred_text"]))
    if cer > MAX_CER:
        return None
    scaled = samples / 32768
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="FLAC", subtype="PCM_16")
    scores = {
        "cer": cer,
        "duration_s": len(samples) / rate,
        "energy_db": 10 * float(np.log10(np.mean(scaled**2) + 1e-10)),
    }
    return {"flac": buffer.getvalue(), "json": row | scores}


def _bare(text: str) -> str:
    return text.lower().translate(_PUNCTUATION)
