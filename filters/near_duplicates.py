"""Near-duplicates over a whole corpus: the same words said alike, or the same recording.

Two texts are alike in one cell only (the same voice, emotion, level, style and speed: the same
text by another speaker is wanted) and only with the same figures in them (*room 12* is not *room
13*); case, width, punctuation and spacing do not count, and up to a tenth of the characters may
differ. Two recordings are alike by their prints (``sound.py``) whatever their texts and speakers
say, but in the same manner only: the next level of an emotion is made of the same recording.

Of rows that are alike the one with the smallest id is kept, one that is fit to be kept before one
that is not, and the others say that they repeat it; so the order of rows changes nothing, and what
is kept is never itself a duplicate.

Not every row is compared with every other. Candidates are neighbours in sorted lists: of texts by
the smallest hashes of their groups of three characters (MinHash, A. Broder 1997), of recordings by
the frames that they have in common to the bit. Their number grows as the corpus, and only what
hangs together by candidates that proved alike is compared with whom it may repeat.
"""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lauter.datasets.records import CELL_COLUMNS, described
from lauter.filters.sound import BITS

DUPLICATE_FIELDS = (
    described("duplicate_of", pa.string(), "The row that this one repeats; null: it repeats none"),
    described("text_duplicate_similarity", pa.float64(), "Likeness of the two texts, 0 to 1"),
    described(
        "sound_duplicate_similarity",
        pa.float64(),
        "Likeness of the two recordings: 1 the same bits, about 0 another recording",
    ),
)

TEXT_ALIKE = 0.9
"""Characters in common, as 1 - distance / length."""
SOUND_ALIKE = 0.7
"""Bits in common, from 0 (chance) to 1. Of 20 sentences of hibari and Open JTalk, copies turned
down, cut at the edges and put through MP3 had 0.84 and more, two sentences of one voice at most
0.26, a sentence and the first level of an emotion at most 0.51."""
MIN_FRAMES = 12
"""Fewer frames in common (0.4 s) say nothing."""
MIN_OVERLAP = 0.7
"""The share of the shorter recording that must lie over the other."""
MAX_SHIFT = 16
"""Frames (0.5 s) by which one recording may begin later than the other."""

_MANNER = ("emotion", "emotion_level", "style", "speed_level")
_HASHES = 16
_NEIGHBOURS = 2
"""How many that follow in a sorted list are candidates."""
_STIR = np.uint32(0x9E3779B1)
_PAIRS_AT_ONCE = 1 << 13

Rows = NDArray[np.int64]
"""Positions of rows, int64."""


class _Pairs(NamedTuple):
    """Candidates: the rows, and by how many frames the first one's recording is ahead."""

    left: Rows
    right: Rows
    shift: Rows


def duplicates(rows: pa.Table) -> pa.Table:
    """Return ``request_id`` and ``DUPLICATE_FIELDS`` for each row, in the order of ids.

    ``rows`` has ``request_id`` (each once), ``text``, the columns of ``CELL_COLUMNS`` and, where
    recordings are to be compared too, ``sound_print``. ``fit``, a boolean column, says which rows
    may be kept; without it all may. Rows of which ``variant``, a column of strings, differs are no
    copies: an edit of speech has its words, its voice and most of its sound.
    """
    order = [("request_id", "ascending")]
    if "fit" in rows.column_names:
        order.insert(0, ("fit", "descending"))
    rows = rows.sort_by(order).combine_chunks()
    texts, sounds = _Texts(rows), _Sounds(rows)
    left, right = (
        np.concatenate(sides)
        for sides in zip(texts.alike_candidates(), sounds.alike_candidates(), strict=True)
    )
    repeated = np.full(len(rows), -1)
    text_similarity, sound_similarity = np.full((2, len(rows)), np.nan)
    for members in _connected(left, right, len(rows)):
        while len(members) > 1:
            kept, others = np.full(len(members) - 1, members[0]), members[1:]
            by_text, by_sound = texts.likeness(kept, others), sounds.likeness(kept, others)
            alike = (by_text >= TEXT_ALIKE) | (by_sound >= SOUND_ALIKE)
            found, members = others[alike], others[~alike]
            repeated[found] = kept[0]
            text_similarity[found], sound_similarity[found] = by_text[alike], by_sound[alike]
    ids = rows["request_id"]
    return pa.table(
        [
            ids,
            ids.take(pa.array(repeated, mask=repeated < 0)),
            pa.array(text_similarity, from_pandas=True),
            pa.array(sound_similarity, from_pandas=True),
        ],
        schema=pa.schema([pa.field("request_id", pa.string()), *DUPLICATE_FIELDS]),
    ).sort_by("request_id")


def _connected(left: Rows, right: Rows, count: int) -> list[Rows]:
    """Return the groups of rows that hang together by pairs, each in ascending order."""
    edges = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(count, count))
    _, labels = connected_components(edges, directed=False)
    members = np.unique(np.concatenate([left, right]))
    members = members[np.argsort(labels[members], kind="stable")]
    bounds = np.flatnonzero(np.diff(labels[members])) + 1
    return np.split(members, bounds)


class _Texts:
    """Texts as they are compared: letters and digits only, in blocks of cell and figures."""

    def __init__(self, rows: pa.Table) -> None:
        plain = pc.utf8_lower(pc.utf8_normalize(rows["text"], form="NFKC"))
        plain = pc.replace_substring_regex(plain, r"[^\p{L}\p{M}\p{N}]+", "")
        self._texts: list[str] = plain.to_pylist()
        figures = pa.array([" ".join(re.findall(r"\d+", text)) for text in self._texts])
        self._blocks = _numbered(rows, CELL_COLUMNS, figures, *_variants(rows))

    def likeness(self, left: Rows, right: Rows) -> NDArray[np.float64]:
        """Return the likeness of each pair; NaN for two texts that are not comparable."""
        found = np.full(len(left), np.nan)
        comparable = np.flatnonzero(self._blocks[left] == self._blocks[right])
        found[comparable] = cpdist(
            [self._texts[row] for row in left[comparable]],
            [self._texts[row] for row in right[comparable]],
            scorer=Levenshtein.normalized_similarity,
            dtype=np.float64,
        ).reshape(-1)
        return found

    def alike_candidates(self) -> tuple[Rows, Rows]:
        """Return pairs of rows whose texts are alike: nearly all that there are."""
        rows = np.array([row for row, text in enumerate(self._texts) if text], np.int64)
        if len(rows) < 2:
            return rows[:0], rows[:0]
        count = len(self._texts)
        by_text = np.empty(count, np.int64)
        by_text[sorted(rows, key=lambda row: self._texts[row])] = np.arange(len(rows))
        found = []
        for smallest in _smallest_hashes([self._texts[row] for row in rows]):
            order = np.lexsort((by_text[rows], smallest, self._blocks[rows]))
            ordered, keys = rows[order], smallest[order]
            for step in range(1, _NEIGHBOURS + 1):
                same = np.flatnonzero(keys[:-step] == keys[step:])
                one, other = ordered[same], ordered[same + step]
                found.append(np.minimum(one, other) * count + np.maximum(one, other))
        left, right = np.divmod(_each_once(np.concatenate(found)), count)
        alike = self.likeness(left, right) >= TEXT_ALIKE
        return left[alike], right[alike]


def _smallest_hashes(texts: list[str]) -> list[NDArray[np.uint64]]:
    """Return, for each of ``_HASHES`` hash functions, the smallest over each text's trigrams."""
    padded = "".join(f"\0{text}\0" for text in texts).encode("utf-32-le", "surrogatepass")
    characters = np.frombuffer(padded, np.uint32).astype(np.uint64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 2
    starts = np.cumsum(lengths) - lengths
    chance = np.random.default_rng(0)
    odd = chance.integers(0, 2**63, (3 + _HASHES), np.uint64) * np.uint64(2) + np.uint64(1)
    trigrams = characters * odd[0]
    trigrams[:-1] += characters[1:] * odd[1]
    trigrams[:-2] += characters[2:] * odd[2]
    across = np.zeros(len(characters), bool)  # trigrams that reach into the next text
    across[starts + lengths - 1] = across[starts + lengths - 2] = True
    found = []
    for factor in odd[3:]:
        mixed = (trigrams ^ (trigrams >> np.uint64(31))) * factor
        mixed[across] = np.iinfo(np.uint64).max
        found.append(np.minimum.reduceat(mixed, starts))
    return found


class _Sounds:
    """Prints of recordings as they are compared, in blocks of manner."""

    def __init__(self, rows: pa.Table) -> None:
        self._blocks = _numbered(rows, _MANNER, *_variants(rows))
        self._lengths = np.zeros(len(rows), np.int64)
        self._bits = np.zeros(0, np.uint32)
        if "sound_print" in rows.column_names and rows["sound_print"].null_count < len(rows):
            prints = rows["sound_print"].combine_chunks()
            self._lengths = pc.fill_null(pc.list_value_length(prints), 0).to_numpy()
            self._lengths = self._lengths.astype(np.int64)
            self._bits = prints.flatten().to_numpy()
        self._starts = np.cumsum(self._lengths) - self._lengths

    def likeness(self, left: Rows, right: Rows) -> NDArray[np.float64]:
        """Return the likeness of each pair where they fit best; NaN where not comparable."""
        shifts = range(-MAX_SHIFT, MAX_SHIFT + 1)
        found = [self._at(_Pairs(left, right, np.full(len(left), shift))) for shift in shifts]
        best: NDArray[np.float64] = np.fmax.reduce(found)
        return best

    def alike_candidates(self) -> tuple[Rows, Rows]:
        """Return pairs of rows whose recordings are alike: nearly all that there are."""
        # Blocks are stirred into the bits, so that neighbours are mostly of one block; and one
        # number for bits and place sorts six times as fast as two keys.
        stirred = np.repeat(self._blocks.astype(np.uint32) * _STIR, self._lengths)
        keyed = (self._bits ^ stirred).astype(np.uint64) << np.uint64(32)
        keyed |= np.arange(len(keyed), dtype=np.uint64)
        keyed.sort()
        bits, places = (keyed >> np.uint64(32)).astype(np.uint32), keyed.astype(np.uint32)
        ends = self._starts + self._lengths
        count, shifts = len(self._lengths), 2 * MAX_SHIFT + 1
        found = []
        for step in range(1, _NEIGHBOURS + 1):
            same = np.flatnonzero(bits[:-step] == bits[step:])
            first, second = places[same].astype(np.int64), places[same + step].astype(np.int64)
            one, other = (np.searchsorted(ends, place, "right") for place in (first, second))
            shift = first - self._starts[one] - (second - self._starts[other])
            near = (np.abs(shift) <= MAX_SHIFT) & (one != other)
            pair = one * count + other
            found.append((pair * shifts + shift + MAX_SHIFT)[near])
        pair, shift = np.divmod(_each_once(np.concatenate(found)), shifts)
        pairs = _Pairs(*np.divmod(pair, max(count, 1)), shift - MAX_SHIFT)
        alike = self._at(pairs) >= SOUND_ALIKE
        return pairs.left[alike], pairs.right[alike]

    def _at(self, pairs: _Pairs) -> NDArray[np.float64]:
        """Return the likeness of each pair with one recording moved against the other."""
        found = np.full(len(pairs.left), np.nan)
        for start in range(0, len(found), _PAIRS_AT_ONCE):
            piece = slice(start, start + _PAIRS_AT_ONCE)
            found[piece] = self._some_at(*(column[piece] for column in pairs))
        return found

    def _some_at(self, left: Rows, right: Rows, shift: Rows) -> NDArray[np.float64]:
        found = np.full(len(left), np.nan)
        from_left, from_right = np.maximum(shift, 0), np.maximum(-shift, 0)
        lengths = self._lengths[left], self._lengths[right]
        common = np.minimum(lengths[0] - from_left, lengths[1] - from_right)
        least = np.maximum(MIN_FRAMES, MIN_OVERLAP * np.minimum(*lengths))
        comparable = (self._blocks[left] == self._blocks[right]) & (common >= least)
        if not comparable.any():
            return found
        common = common[comparable]
        ends = np.cumsum(common)
        within = np.arange(ends[-1]) - np.repeat(ends - common, common)
        mine = np.repeat((self._starts[left] + from_left)[comparable], common) + within
        theirs = np.repeat((self._starts[right] + from_right)[comparable], common) + within
        differ = np.bitwise_count(self._bits[mine] ^ self._bits[theirs]).astype(np.int64)
        found[comparable] = 1.0 - 2.0 * np.add.reduceat(differ, ends - common) / (BITS * common)
        return found


def _variants(rows: pa.Table) -> list[pa.Array]:
    return [rows["variant"].combine_chunks()] if "variant" in rows.column_names else []


def _each_once(numbers: Rows) -> Rows:
    """Return ``numbers`` sorted and each once; numpy's own takes five times as long."""
    ordered = np.sort(numbers)
    first: NDArray[np.bool_] = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    once: Rows = ordered[first]
    return once


def _numbered(rows: pa.Table, columns: tuple[str, ...], *more: pa.Array) -> Rows:
    """Return a number for each row, the same where all columns and ``more`` are."""
    parts = [pc.cast(rows[column], pa.string()).combine_chunks() for column in columns]
    # Of no rows, `more` has no type.
    parts += [pc.cast(one, pa.string()) for one in more]
    joined = pc.binary_join_element_wise(*parts, "\t")
    numbers: Rows = pc.dictionary_encode(joined).indices.to_numpy().astype(np.int64)
    return numbers
