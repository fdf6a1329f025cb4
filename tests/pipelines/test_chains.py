"""Chains of edits, read from a corpus whose figures are made by hand."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from canned_utterances import utterances
from hand_made_chains import NEUTRAL, Made, batch_of, corpus_of, felt, id_of, later
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.pipelines.chains import MOVED, Chain, Link, read_chains

ROOT = Made("root")


def read(folder: Path, *rows: Made) -> list[Chain]:
    return read_chains(corpus_of(folder / "corpus", [rows]))


def names(chain: Chain) -> list[str]:
    return [link.name for link in (chain.root, *chain.links)]


def test_a_chain_runs_from_neutral_speech_over_every_level(tmp_path: Path) -> None:
    (chain,) = read(tmp_path, felt(3), ROOT, felt(1), felt(2))
    assert names(chain) == ["neutral", "joy 1", "joy 2", "joy 3"]
    assert chain.kind == "joy"
    assert [link.moved[MOVED] for link in chain.links] == pytest.approx([1, 2, 3])
    assert chain.root.moved == {} and chain.root.row["text"] == NEUTRAL.text
    assert chain.is_monotone() is True
    assert chain.is_monotone("step_pitch_st") is True
    assert chain.is_monotone("step_pitch_st", rising=False) is False


def test_a_level_that_fell_back_is_no_rise(tmp_path: Path) -> None:
    (chain,) = read(tmp_path, ROOT, felt(1, 1.0), felt(2, 0.8), felt(3, 3.0))
    assert chain.is_monotone() is False


def test_a_first_level_on_the_other_side_of_neutral_is_no_rise(tmp_path: Path) -> None:
    (chain,) = read(tmp_path, ROOT, felt(1, -0.5), felt(2, 2.0))
    assert chain.is_monotone() is False


def test_only_accepted_links_are_asked_and_the_gates_of_others_are_told(tmp_path: Path) -> None:
    rows = (ROOT, felt(1), felt(2, 9.0, accepted=False), felt(3))
    (chain,) = read(tmp_path, *rows)
    assert [link.accepted for link in chain.links] == [True, False, True]
    assert chain.links[1].failed_gates == ("words",)
    assert chain.is_monotone() is True


def test_of_one_accepted_link_or_of_none_no_order_is_told(tmp_path: Path) -> None:
    rows = (ROOT, felt(1), felt(2, accepted=False))
    (chain,) = read(tmp_path, *rows)
    assert chain.is_monotone() is None


def test_of_a_measure_that_is_missing_no_order_is_told(tmp_path: Path) -> None:
    rows = (ROOT, felt(1), felt(2), replace(felt(3), levels=None))
    (chain,) = read(tmp_path, *rows)
    assert chain.links[2].moved == dict.fromkeys(chain.links[2].moved)
    assert chain.is_monotone() is None
    part = replace(felt(3), figures={"f0_mean_hz": float("nan")})
    (chain,) = read(tmp_path / "part", ROOT, felt(1), felt(2), part)
    assert chain.is_monotone("step_pitch_st") is None
    assert chain.is_monotone() is True  # by what is known


def test_links_that_were_not_judged_are_neither(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "corpus", [[ROOT, felt(1)]])
    with corpus.writing() as writer:
        writer.append(batch_of([felt(2)]))
    (chain,) = read_chains(Corpus.open(corpus.path))
    assert [link.accepted for link in chain.links] == [True, None]
    assert chain.accepted == chain.links[:1]


def test_where_chains_part_each_path_is_one(tmp_path: Path) -> None:
    anger = [felt(level, emotion="anger") for level in (1, 2)]
    faster = replace(
        felt(2), name="faster", parent="joy 1", edit="speed +1",
        prompt=replace(felt(1).prompt, speed_level=1),
    )  # fmt: skip
    chains = read(tmp_path, ROOT, felt(1), felt(2), *anger, faster)
    assert [(chain.kind, names(chain)[1:]) for chain in chains] == [
        ("anger", ["anger 1", "anger 2"]),
        ("faster", ["joy 1", "speed +1"]),
        ("joy", ["joy 1", "joy 2"]),
    ]


def test_slower_and_styles_are_kinds_of_their_own(tmp_path: Path) -> None:
    slower = Made("slow", replace(NEUTRAL, speed_level=-1), "root", "speed -1", 1.0)
    sung = Made("sung", replace(NEUTRAL, style="sung"), "root", "sung", 1.0)
    chains = read(tmp_path, ROOT, slower, sung)
    assert [chain.kind for chain in chains] == ["slower", "sung"]
    assert chains[0].links[0].moved[MOVED] == pytest.approx(1.0)
    assert chains[1].links[0].moved[MOVED] is None  # a melody is no level


def test_a_row_whose_parent_is_not_there_begins_no_chain(tmp_path: Path) -> None:
    lost = [replace(felt(level, emotion="fear"), parent=f"fear {level - 1}") for level in (2, 3)]
    (chain,) = read(tmp_path, ROOT, felt(1), *lost)
    assert names(chain) == ["neutral", "joy 1"]


def test_where_no_parent_is_there_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is an edit of other speech in it; ask for chains"):
        read(tmp_path, felt(2), felt(3))


def test_what_was_edited_later_is_no_level_of_what_it_was_made_of(tmp_path: Path) -> None:
    noisy = later(felt(2), "noise", accepted=True)
    cleaned = later(noisy, "denoise")
    breath = later(ROOT, "breathing")
    chains = read(tmp_path, ROOT, felt(1), felt(2), noisy, cleaned, breath)
    assert [(chain.kind, names(chain)) for chain in chains] == [
        ("breathing", ["neutral", "breathing"]),
        ("joy", ["neutral", "joy 1", "joy 2"]),
        ("noise, denoise", ["joy 2", "noise", "denoise"]),
    ]
    assert chains[1].is_monotone() is True
    assert chains[2].is_monotone() is None
    assert chains[2].links[0].moved["step_energy_db"] == pytest.approx(0.0)


def test_an_emotion_that_is_taken_away_is_held_against_where_it_was(tmp_path: Path) -> None:
    back = later(felt(2), "remove emotion", prompt=NEUTRAL, levels=0.0)
    chains = read(tmp_path, ROOT, felt(1), felt(2), back)
    (chain,) = [chain for chain in chains if chain.kind == "remove emotion"]
    assert chain.links[0].moved[MOVED] == pytest.approx(2.0)  # both levels


def test_chains_come_in_one_order_whatever_that_of_the_rows(tmp_path: Path) -> None:
    noises = [later(ROOT, "noise"), later(ROOT, "noise", "other"), later(felt(1), "noise", "third")]
    rows = [ROOT, felt(1), felt(2), felt(1, emotion="fear"), *noises]
    one, other = (
        [[link.row["request_id"] for link in (chain.root, *chain.links)] for chain in chains]
        for chains in (read(tmp_path / "a", *rows), read(tmp_path / "b", *reversed(rows)))
    )
    assert one == other and len(one) == 5


def test_links_that_came_in_other_commits_are_found(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "corpus", [[felt(2)], [felt(1)], [ROOT]])
    (chain,) = read_chains(corpus)
    assert [link.row["request_id"] for link in chain.links] == [id_of("joy 1"), id_of("joy 2")]


def test_a_corpus_without_edits_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing in the corpus .* `lauter derive`"):
        read(tmp_path, ROOT)
    older = Corpus.create(tmp_path / "older")  # before lineage was kept
    with older.writing() as writer:
        writer.append(utterances(range(3)))
    with pytest.raises(UsageError, match="nothing in the corpus"):
        read_chains(older)


def test_a_corpus_that_was_not_judged_is_told_to_be(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "corpus", [[ROOT, felt(1)]], judged=False)
    with pytest.raises(UsageError, match="has not been judged"):
        read_chains(corpus)


def chain_of(places: list[float | None], accepted: list[bool]) -> Chain:
    root = Link({"edit": None}, True, (), {})
    links = [
        Link({"edit": "x"}, kept, (), {MOVED: place})
        for place, kept in zip(places, accepted, strict=True)
    ]
    return Chain(root, tuple(links))


PLACES = st.lists(st.tuples(st.none() | st.floats(-5, 5), st.booleans()), min_size=1, max_size=6)


@given(PLACES)
def test_monotone_is_what_it_says(links: list[tuple[float | None, bool]]) -> None:
    chain = chain_of([place for place, _ in links], [kept for _, kept in links])
    kept = [place for place, is_kept in links if is_kept]
    told = chain.is_monotone()
    if len(kept) < 2 or None in kept:
        assert told is None
    else:
        rising = [0.0, *(place for place in kept if place is not None)]
        assert told == all(later > earlier for earlier, later in pairwise(rising))
        mirrored = chain_of([-place if place else place for place, _ in links],
                            [is_kept for _, is_kept in links])  # fmt: skip
        assert mirrored.is_monotone(rising=False) == told
