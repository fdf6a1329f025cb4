"""How well voices are taken out of songs: `python bench/separation.py songs`, a folder of songs.py.

For each song the clean voice is known, so the gain in SI-SDR (J. Le Roux et al., ICASSP 2019) over
the song itself is measured where a line is sung, by level and style, with 95 % intervals from a
bootstrap over songs. Lines that have noise in them, a second voice, or no voice are left out.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lauter.datasets.audio import Samples, decode_audio
from lauter.datasets.imports.songs import read_song
from lauter.filters.separation import Separator, SignalSeparator, SpleeterSeparator
from lauter.student.evaluation import Bootstrap, Ratio

SEPARATORS = {"spleeter": SpleeterSeparator, "signal": SignalSeparator}
_UNCLEAN = ("two voices", "nobody sings", "noise")


def si_sdr_db(found: Samples, true: Samples) -> float:
    """Return the ratio of what is true in ``found`` to all else, whatever its gain, in dB."""
    target = float(found @ true) / max(float(true @ true), 1e-12) * true
    error = found - target
    return float(10 * np.log10((target @ target + 1e-12) / (error @ error + 1e-12)))


def measure(folder: Path, separator: Separator) -> list[dict[str, object]]:
    """Return, for each song, SI-SDR of the song and of the found voice against the true voice."""
    rows: list[dict[str, object]] = []
    for description in sorted((folder / "truth").glob("*.json")):
        name, truth = description.stem, json.loads(description.read_text())
        song = read_song(folder / "songs" / name)
        samples, rate = decode_audio(song.path.read_bytes())
        true, _ = decode_audio((folder / "truth" / f"{name}.flac").read_bytes())
        started = time.perf_counter()
        found = separator.voice(samples, rate)
        seconds = time.perf_counter() - started
        sung = np.zeros(len(samples), bool)
        for place, line in enumerate(song.lyrics.lines):
            if truth["faults"].get(str(place)) not in _UNCLEAN:
                start_s, end_s = (at - truth["late_s"] for at in song.span_s(line))
                sung[max(0, round(start_s * rate)) : round(end_s * rate)] = True
        before, after = (si_sdr_db(one[sung], true[sung]) for one in (samples, found))
        rows.append(
            {
                "song": name,
                "style": song.facts.style,
                "level_db": truth["level_db"],
                "before_db": before,
                "after_db": after,
                "real_time_factor": seconds * rate / len(samples),
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, and write the figures beside the songs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--separators", nargs="+", default=list(SEPARATORS), choices=SEPARATORS)
    chosen = parser.parse_args(arguments)
    for name in chosen.separators:
        rows = measure(chosen.folder, SEPARATORS[name]())
        (chosen.folder / f"separation-{name}.json").write_text(json.dumps(rows, indent=1))
        factor = np.mean([row["real_time_factor"] for row in rows])
        print(f"{name}: {factor:.3f} s for a second of song")
        cells = defaultdict(list)
        for row in rows:
            cells[row["style"], row["level_db"]].append(row)
        for (style, level_db), of_cell in sorted(cells.items(), reverse=True):
            before = np.mean([row["before_db"] for row in of_cell])
            after = np.mean([row["after_db"] for row in of_cell])
            gains = [row["after_db"] - row["before_db"] for row in of_cell]
            gain = Bootstrap().estimate(Ratio.mean(gains))
            print(
                f"  {style:5} {level_db:+3g} dB: {before:6.1f} -> {after:6.1f} dB, "
                f"gain {gain.value:+.1f} ({gain.low:+.1f} to {gain.high:+.1f}), {len(gains)} songs"
            )


if __name__ == "__main__":
    main()
