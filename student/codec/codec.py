"""The codec: speech to codes of two books, and codes and a voice to speech.

A codec is a folder: ``codec.json`` says what it is and how it was trained, ``codec.safetensors``
holds its weights in 16 bits, and ``evaluation.json``, where it is there, says how well it does. Its
fingerprint is a digest of what decides codes: the semantic encoder, the linguistic book and the
recogniser whose features that divides. Codes of one codec mean nothing to another, so whoever
stores codes stores the fingerprint with them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lauter.datasets.audio import Samples
from lauter.datasets.codes import Codes, Entries, check_codes, deinterleave, interleave
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id, digest
from lauter.student.codec import linguistic
from lauter.student.codec.blocks import mask_of
from lauter.student.codec.condition import Condition, TimbreEncoder
from lauter.student.codec.flow import Flow, euler, group_noise, prompt_of, start_of, told_by
from lauter.student.codec.griffin_lim import griffin_lim
from lauter.student.codec.linguistic import LinguisticBook, RecogniserFeatures
from lauter.student.codec.mel import (
    FRAMES_PER_GROUP,
    HOP,
    SAMPLE_RATE,
    SAMPLES_PER_GROUP,
    LogMel,
    normalised,
)
from lauter.student.codec.semantic import SemanticEncoder, entries_of, points_of, quantise
from lauter.student.codec.vocoder import Vocoder
from lauter.student.tensors import write_tensors

SHIPPED: Final = Path(__file__).parent / "shipped"
"""The codec that comes with Lauter."""

FORMAT: Final = 1
ABOUT: Final = "codec.json"
WEIGHTS: Final = "codec.safetensors"
EVALUATION: Final = "evaluation.json"
"""How well a codec does, beside it, if `lauter codec report` was asked to leave it there."""
_BATCH = 8
_LEAST_REFERENCE_S = 0.5
_LONGEST_REFERENCE_S = 10.0
_QUIETEST = 1e-3


@dataclass(frozen=True, slots=True)
class Timbre:
    """A voice, float32 ``[128]``; and a little of its speech to go on from, if any.

    ``prompt`` is a normalised mel ``[12 * groups, 80]``, ``prompt_codes`` what is said in it.
    """

    vector: Tensor
    prompt: Tensor | None = None
    prompt_codes: Codes | None = None


@dataclass(frozen=True, slots=True)
class Decoding:
    """How codes are decoded."""

    steps: int = 2
    """Euler steps of the flow; more of them are not understood better (docs/results.md)."""
    guidance: float = 0.0
    """How hard what is told is pressed (published: 0.7); 0 takes half the time."""
    use_linguistic: bool = True
    use_semantic: bool = True
    """A book that is left out shows what the other carries alone."""
    griffin_lim: bool = False
    """Without the vocoder's network: the baseline that it is held against."""


class Codec:
    """Encodes and decodes; made by ``open_codec`` or by training."""

    sample_rate: Final = SAMPLE_RATE

    def __init__(
        self,
        semantic: SemanticEncoder,
        timbre: TimbreEncoder,
        condition: Condition,
        flow: Flow,
        vocoder: Vocoder,
        book: LinguisticBook,
        fingerprint: str = "",
        about: dict[str, Any] | None = None,
    ) -> None:
        self.fingerprint = fingerprint
        self.about = about or {}
        self.parts = {
            "semantic": semantic,
            "timbre": timbre,
            "condition": condition,
            "flow": flow,
            "vocoder": vocoder,
        }
        self._semantic, self._timbre, self._condition = semantic, timbre, condition
        self._flow, self._vocoder, self._book = flow, vocoder, book
        for part in self.parts.values():
            part.eval()
        self._log_mel = LogMel()
        self.device = torch.device("cpu")

    def timbre_fingerprint(self) -> str:
        """Return a digest of what hears voices, which learns anew with the flow."""
        weights = self.parts["timbre"].state_dict()
        return content_id(
            "lauter.timbre.v1",
            {
                name: digest("lauter.tensor.v1", tensor.cpu().contiguous().numpy().tobytes())
                for name, tensor in weights.items()
            },
        )

    def decoder_fingerprint(self) -> str:
        """Return a digest of what makes sound of codes and a timbre."""
        weights = {
            f"{part}.{name}": digest(
                "lauter.tensor.v1", tensor.cpu().contiguous().numpy().tobytes()
            )
            for part in ("condition", "flow", "vocoder")
            for name, tensor in self.parts[part].state_dict().items()
        }
        return content_id("lauter.decoder.v1", weights)

    def to(self, device: str | torch.device) -> "Codec":
        """Move the networks; the recogniser stays where it is."""
        self.device = torch.device(device)
        for part in [*self.parts.values(), self._log_mel]:
            part.to(self.device)
        return self

    def encode(self, clips: Sequence[Samples], sample_rates: Sequence[int]) -> list[Codes]:
        """Return the codes of each clip; its end is filled up with silence to a whole group.

        A clip's codes do not depend on its neighbours, but for rounding, which may move what lies
        on a border. Raises ``UsageError`` for an empty clip.
        """
        for number, clip in enumerate(clips):
            if not len(clip):
                raise UsageError(f"clip {number} is empty: there is nothing to encode")
        whole = [in_whole_groups(*pair) for pair in zip(clips, sample_rates, strict=True)]
        features = self._recogniser.of(
            [soxr.resample(clip, SAMPLE_RATE, linguistic.SAMPLE_RATE) for clip in whole]
        )
        semantic = self._semantic_entries(whole)
        return [
            interleave(self._book.entries(found), entries)
            for found, entries in zip(features, semantic, strict=True)
        ]

    @cached_property
    def _recogniser(self) -> RecogniserFeatures:
        return RecogniserFeatures()

    def _semantic_entries(self, clips: Sequence[Samples]) -> list[Entries]:
        order = sorted(range(len(clips)), key=lambda number: len(clips[number]))
        found: list[Entries] = [np.empty(0, np.int32)] * len(clips)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            mels, groups = self._padded([self._mel(clips[number]) for number in chosen])
            with torch.inference_mode():
                places = self._semantic(mels, mask_of(groups * 3, mels.shape[1] // 4))
                entries = entries_of(quantise(places)).cpu().numpy().astype(np.int32)
            for row, number, count in zip(entries, chosen, groups.tolist(), strict=True):
                found[number] = row[: count * 3]
        return found

    def _mel(self, clip: Samples) -> Tensor:
        with torch.inference_mode():
            return normalised(self._log_mel(torch.from_numpy(clip)[None].to(self.device)))[0]

    def _padded(self, mels: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        groups = torch.tensor([len(mel) // FRAMES_PER_GROUP for mel in mels], device=self.device)
        return torch.nn.utils.rnn.pad_sequence(list(mels), batch_first=True), groups

    def timbre(self, clip: Samples, sample_rate: int, *, prompt_groups: int = 0) -> Timbre:
        """Return the voice of a recording; its last ``prompt_groups`` groups are gone on from.

        The first ten seconds are heard. Raises ``UsageError`` for one that is empty, silent or
        shorter than half a second.
        """
        length_s = len(clip) / sample_rate
        if length_s < _LEAST_REFERENCE_S:
            raise UsageError(
                f"the reference recording lasts {length_s:.2f} s; give at least "
                f"{_LEAST_REFERENCE_S:g} s of speech"
            )
        clip = clip[: int(_LONGEST_REFERENCE_S * sample_rate)]
        if float(np.abs(clip).max()) < _QUIETEST:
            raise UsageError("the reference recording is silent; give one with speech in it")
        whole = in_whole_groups(clip, sample_rate)
        mel = self._mel(whole)
        mask = torch.ones(1, len(mel) // 4, 1, device=self.device)
        with torch.inference_mode():
            vector = self._timbre(mel[None], mask)[0]
        if not prompt_groups:
            return Timbre(vector)
        codes = self.encode([whole], [SAMPLE_RATE])[0]
        kept = min(prompt_groups, len(codes) // 5)
        return Timbre(vector, mel[-kept * FRAMES_PER_GROUP :], codes[-kept * 5 :])

    def decode(
        self,
        codes: Sequence[Codes],
        timbres: Sequence[Timbre],
        *,
        seed: int = 0,
        decoding: Decoding | None = None,
    ) -> list[Samples]:
        """Return the speech of each stream, float32 at 24 kHz, 2880 samples a group.

        What a stream sounds like does not depend on its neighbours, up to rounding. Raises
        ``InvalidCodesError`` for a stream that is not valid.
        """
        decoding = decoding or Decoding()
        for number, stream in enumerate(codes):
            check_codes(stream, f"stream {number}")
        order = sorted(range(len(codes)), key=lambda number: len(codes[number]))
        spoken: list[Samples] = [np.empty(0, np.float32)] * len(codes)
        for start in range(0, len(order), _BATCH):
            chosen = [number for number in order[start : start + _BATCH] if len(codes[number])]
            if not chosen:
                continue
            mels = self._decoded_mels(
                [codes[number] for number in chosen],
                [timbres[number] for number in chosen],
                seed,
                0,
                decoding,
            )
            padded, groups = self._padded(mels)
            mask = mask_of(groups * FRAMES_PER_GROUP, padded.shape[1])
            with torch.inference_mode():
                if decoding.griffin_lim:
                    # It knows no mask, and its phases follow from the shape: each by itself.
                    voiced = [griffin_lim(mel[None], seed=seed)[0] for mel in mels]
                else:
                    voiced = list(self._vocoder(padded, mask))
                for row, number, mel in zip(voiced, chosen, mels, strict=True):
                    spoken[number] = row[: len(mel) * HOP].clamp(-1, 1).cpu().numpy()
        return spoken

    def stream(
        self,
        codes: Sequence[int] | Codes,
        timbre: Timbre,
        *,
        seed: int = 0,
        decoding: Decoding | None = None,
        chunk_groups: int = 8,
        context_groups: int = 6,
    ) -> Iterator[Samples]:
        """Yield the speech of a stream, ``chunk_groups`` at a time.

        Each chunk is decoded with ``context_groups`` before and after it, which is what the first
        sound waits for. Steps of the flow reach farther than the context, so the sound is not that
        of ``decode`` to the bit; tests hold the difference below -30 dB of the signal's power.
        """
        decoding = decoding or Decoding()
        deinterleave(codes)
        groups = len(codes) // 5
        for start in range(0, groups, chunk_groups):
            first = max(0, start - context_groups)
            last = min(groups, start + chunk_groups + context_groups)
            stop = min(groups, start + chunk_groups)
            part = np.asarray(codes, np.int32)[first * 5 : last * 5]
            mels = self._decoded_mels([part], [timbre], seed, first, decoding)
            with torch.inference_mode():
                ones = torch.ones_like(mels[0][None, :, :1])
                samples = self._vocoder(mels[0][None], ones)[0].clamp(-1, 1).cpu().numpy()
            yield samples[(start - first) * SAMPLES_PER_GROUP : (stop - first) * SAMPLES_PER_GROUP]

    def _decoded_mels(
        self,
        codes: Sequence[Codes],
        timbres: Sequence[Timbre],
        seed: int,
        first: int,
        decoding: Decoding,
    ) -> list[Tensor]:
        """Return normalised mels ``[12 * groups, 80]``, without the prompts."""
        prompts = [timbre.prompt_codes for timbre in timbres]
        whole = [
            code if prompt is None else np.concatenate([prompt, code])
            for code, prompt in zip(codes, prompts, strict=True)
        ]
        pairs = [deinterleave(stream) for stream in whole]
        groups = torch.tensor([len(stream) // 5 for stream in whole], device=self.device)
        longest = int(groups.max())
        entries = torch.zeros(len(whole), longest * 2, dtype=torch.long)
        points = torch.zeros(len(whole), longest * 3, 4)
        noise = torch.zeros(len(whole), longest * FRAMES_PER_GROUP, 80)
        known = torch.zeros_like(noise)
        prompt_frames = torch.zeros(len(whole), dtype=torch.long)
        for row, (one, two) in enumerate(pairs):
            entries[row, : len(one)] = torch.from_numpy(one.astype(np.int64))
            points[row, : len(two)] = points_of(torch.from_numpy(two.astype(np.int64)))
            prompt = timbres[row].prompt
            before = 0 if prompt is None else len(prompt)
            count = len(codes[row]) // 5
            noise[row, before : before + count * FRAMES_PER_GROUP] = group_noise(count, seed, first)
            if prompt is not None:
                known[row, :before] = prompt.cpu()
                noise[row, :before] = group_noise(before // FRAMES_PER_GROUP, seed + 1)
            prompt_frames[row] = before
        here = self.device
        mask = mask_of(groups * FRAMES_PER_GROUP, longest * FRAMES_PER_GROUP)
        with torch.inference_mode():
            features, coarse = self._condition(
                entries.to(here),
                points.to(here),
                torch.stack([timbre.vector.to(here) for timbre in timbres]),
                groups,
                use_linguistic=torch.full((len(whole),), decoding.use_linguistic, device=here),
                use_semantic=torch.full((len(whole),), decoding.use_semantic, device=here),
            )
            mels = euler(
                self._flow,
                start_of(coarse, noise.to(here)),
                told_by(features, coarse),
                prompt_of(known, prompt_frames).to(here),
                mask,
                steps=decoding.steps,
                guidance=decoding.guidance,
            )
        return [
            mel[int(before) : int(before) + len(code) // 5 * FRAMES_PER_GROUP]
            for mel, before, code in zip(mels, prompt_frames, codes, strict=True)
        ]

    def save(self, folder: str | Path, about: dict[str, Any]) -> None:
        """Write the codec; ``about`` says how it was trained.

        Each file is written beside its place and renamed into it, so none is ever half there. An
        evaluation of the codec that was there before says nothing of this one, and is removed.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / EVALUATION).unlink(missing_ok=True)
        tensors = {
            f"{name}.{key}": value.detach().cpu().half().contiguous()
            for name, part in self.parts.items()
            for key, value in part.state_dict().items()
        }
        tensors["book.mean"] = torch.from_numpy(self._book.mean)
        tensors["book.deviation"] = torch.from_numpy(self._book.deviation)
        tensors["book.centroids"] = torch.from_numpy(self._book.centroids).half()
        text = json.dumps({"format": FORMAT, **about}, indent=1, ensure_ascii=False)
        weights, facts = (folder / f"{name}.part" for name in (WEIGHTS, ABOUT))
        write_tensors(tensors, weights)
        facts.write_text(text + "\n", encoding="utf-8")
        weights.replace(folder / WEIGHTS)
        facts.replace(folder / ABOUT)


def open_codec(folder: str | Path | None = None) -> Codec:
    """Open a codec's folder; None: the one that comes with Lauter.

    Raises ``UsageError`` for a folder that holds none, or a damaged one.
    """
    place = Path(folder) if folder else SHIPPED
    try:
        about = json.loads((place / ABOUT).read_text(encoding="utf-8"))
        tensors = {name: value.float() for name, value in load_file(place / WEIGHTS).items()}
    except OSError as error:
        raise UsageError(
            f"{place} is no codec: {error.filename or place / WEIGHTS} cannot be read; name a "
            "folder that `lauter codec` wrote"
        ) from error
    except (ValueError, SafetensorError) as error:
        raise UsageError(f"the codec in {place} is damaged ({error}); copy it again") from error
    made_in = about.get("format") if isinstance(about, dict) else None
    if made_in != FORMAT:
        raise UsageError(
            f"the codec in {place} has format {made_in}, and this version reads "
            f"{FORMAT}; train it again or take a version of Lauter that fits"
        )
    parts: dict[str, Any] = {
        "semantic": SemanticEncoder(),
        "timbre": TimbreEncoder(),
        "condition": Condition(),
        "flow": Flow(),
        "vocoder": Vocoder(),
    }
    try:
        for name, part in parts.items():
            part.load_state_dict(
                {
                    key.partition(".")[2]: value
                    for key, value in tensors.items()
                    if key.startswith(f"{name}.")
                }
            )
        book = LinguisticBook(
            *(tensors[f"book.{name}"].numpy() for name in ("mean", "deviation", "centroids"))
        )
    except (KeyError, RuntimeError) as error:
        raise UsageError(
            f"the codec in {place} has not the weights that it should have; copy it again"
        ) from error
    return Codec(**parts, book=book, fingerprint=_fingerprint(tensors), about=about)


def _fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of all that decides codes; the decoder may be trained anew without it."""
    weights = {
        name: digest("lauter.tensor.v1", tensor.contiguous().numpy().tobytes())
        for name, tensor in tensors.items()
        if name.startswith(("semantic.", "book."))
    }
    return content_id(
        "lauter.codec.v1", {"weights": weights, "recogniser": RecogniserFeatures().fingerprint()}
    )


def in_whole_groups(clip: Samples, sample_rate: int) -> Samples:
    """Return a clip at 24 kHz, filled up with silence to a whole group."""
    at_24_khz = (
        clip if sample_rate == SAMPLE_RATE else soxr.resample(clip, sample_rate, SAMPLE_RATE)
    )
    missing = -len(at_24_khz) % SAMPLES_PER_GROUP
    return np.ascontiguousarray(np.pad(at_24_khz, (0, missing)), np.float32)
