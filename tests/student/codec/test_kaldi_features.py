"""Filter banks and their stacking, held to Kaldi's numbers and to the release's own front end."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.student.codec.kaldi_features import BANDS, Normalisation, log_mel_banks, stacked

SWEEP = (0.3 * np.sin(np.arange(4000) ** 1.5 * 0.002)).astype(np.float32)


def test_banks_are_those_of_kaldi() -> None:
    # kaldi-native-fbank 1.23: 80 bins, Hamming, no dither, snipped edges, an energy floor of 0.
    kaldi = {
        0: [18.470, 14.743, 11.054, 9.377, 8.734],
        11: [14.411, 12.972, 12.941, 11.346, 10.507],
        22: [13.019, 13.105, 14.609, 12.118, 11.276],
    }
    banks = log_mel_banks(SWEEP)
    assert banks.shape == (23, BANDS)
    for frame, numbers in kaldi.items():
        assert banks[frame, [0, 7, 20, 45, 79]] == pytest.approx(numbers, abs=2e-3)


def test_banks_follow_their_definition() -> None:
    frame = SWEEP[320:720].astype(np.float64) * 32768
    frame = frame - frame.mean()
    frame = np.asarray([frame[i] - 0.97 * frame[max(i - 1, 0)] for i in range(400)])
    frame *= 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 399)
    angles = np.outer(np.arange(257), np.arange(400)) * (-2j * np.pi / 512)
    power = np.abs(np.exp(angles) @ frame) ** 2
    edge = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700), 82)
    energies = np.zeros(80)
    for band in range(80):
        for k in range(257):
            mel = 1127 * np.log(1 + k * 31.25 / 700)
            if edge[band] < mel < edge[band + 2]:
                side = edge[band] if mel <= edge[band + 1] else edge[band + 2]
                energies[band] += power[k] * (mel - side) / (edge[band + 1] - side)
    assert log_mel_banks(SWEEP)[2] == pytest.approx(np.log(energies), abs=1e-3)


def test_digital_silence_has_the_least_energy_and_no_infinity() -> None:
    assert log_mel_banks(np.zeros(800, np.float32)) == pytest.approx(np.log(2.0**-23), abs=1e-4)


@pytest.mark.parametrize(
    ("samples", "frames"),
    # What FunASR's streaming front end gave, as Step-Audio carries it.
    [
        (399, 0), (400, 0), (879, 0), (880, 1), (1360, 2), (1840, 2), (1920, 2), (3839, 4),
        (3840, 4), (3919, 4), (3920, 4), (4719, 4), (4720, 5), (5760, 6), (7680, 8), (8559, 8),
        (8560, 9), (16000, 16),
    ],
)  # fmt: skip
def test_as_many_frames_as_the_release_makes(samples: int, frames: int) -> None:
    banks = log_mel_banks(np.ones(samples, np.float32))
    assert stacked(banks, samples).shape == (frames, 560)


def streamed(banks: np.ndarray, samples: int) -> np.ndarray:
    """Stack banks as they come in with 240 ms of audio, keeping what may be needed later."""
    waiting = [banks[0]] * 3
    seen, frames = 0, []
    for end in [*range(3840, samples, 3840), samples]:
        is_last = end == samples
        known = (end - 400) // 160 + 1
        waiting += list(banks[seen:known])
        seen = known
        if len(waiting) < 7:
            continue
        start = 0
        while len(waiting) - start >= 7 or (is_last and len(waiting) - start > 3):
            window = waiting[start : start + 7]
            frames.append(np.concatenate(window + [window[-1]] * (7 - len(window))))
            start += 6
        waiting = waiting[start:]
    return np.asarray(frames).reshape(-1, 560)


@settings(max_examples=50, deadline=None)
@given(st.integers(400, 12_000))
def test_all_at_once_is_chunk_by_chunk(samples: int) -> None:
    noise = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    banks = log_mel_banks(noise)
    assert np.array_equal(stacked(banks, samples), streamed(banks, samples))


def statistics(path: Path, shifts: int = 560, scales: int = 560) -> Path:
    path.write_text(
        "<Nnet>\n"
        f"<AddShift> 560 560\n<LearnRateCoef> 0 [ {' '.join(['-8.5'] * shifts)} ]\n"
        f"<Rescale> 560 560\n<LearnRateCoef> 0 [ {' '.join(['2.5e-1'] * scales)} ]\n"
        "</Nnet>\n"
    )
    return path


def test_features_are_shifted_and_then_scaled(tmp_path: Path) -> None:
    normalise = Normalisation(statistics(tmp_path / "am.mvn"))
    assert normalise(np.full((2, 560), 10.5, np.float32)).tolist() == [[0.5] * 560] * 2


@pytest.mark.parametrize("text", ["", "<AddShift> 560 560\n<LearnRateCoef> 0 [ 1 2 ]", "[ x ]"])
def test_statistics_that_are_damaged_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "am.mvn").write_text(text)
    with pytest.raises(UsageError, match="holds no 560 numbers of <AddShift>"):
        Normalisation(tmp_path / "am.mvn")
    with pytest.raises(UsageError, match="holds no 560 numbers of <Rescale>"):
        Normalisation(statistics(tmp_path / "am.mvn", scales=559))
