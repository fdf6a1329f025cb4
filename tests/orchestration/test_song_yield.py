"""The yield of songs: a line is counted out once, at the first step that it fails."""

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lauter.filters.policy import load_policy
from lauter.orchestration.song_yield import ALL, STEPS, print_song_yield, yield_of


def row(*scores: str, group: str = "+6 dB", style: str = "sung") -> dict[str, object]:
    return {
        "style": style,
        "song_group": group,
        "duration_s": None if "error_kind" in scores else 2.0,
        "accepted": not scores,
        "failed_gates": [{"score": score} for score in scores],
    }


def test_a_line_is_counted_out_at_its_first_fault() -> None:
    found = yield_of([row(), row("cer", "voice_over_rest_db"), row("mos_background"), row("peak")])
    left = [found.left[ALL][step] for step in STEPS]
    assert left == [4, 4, 3, 3, 3, 3, 2, 2, 1]
    assert found.kept(ALL).rate == 0.25 and found.accepted_s == 2.0 and found.spoken_s == 8.0


def test_groups_are_counted_apart_and_together() -> None:
    found = yield_of([row(), row("error_kind", group="-6 dB"), row(style="rap", group="")])
    assert {group: found.left[group][STEPS[-1]] for group in found.left} == {
        ALL: 2, "sung, +6 dB": 1, "sung, -6 dB": 0, "rap": 1,
    }  # fmt: skip


_SCORES = [gate.score for gate in load_policy("singing").gates]


@given(st.lists(st.lists(st.sampled_from([*_SCORES, "error_kind", "other"]), max_size=3)))
def test_steps_only_ever_lose_lines_and_what_is_left_was_accepted(failed: list[list[str]]) -> None:
    rows = [row(*scores) for scores in failed]
    left = [yield_of(rows).left[ALL][step] for step in STEPS]
    assert left == sorted(left, reverse=True)
    assert left[0] == len(rows) and left[-1] == sum(bool(one["accepted"]) for one in rows)


def test_every_gate_of_the_policy_for_singing_belongs_to_a_step() -> None:
    for score in _SCORES:
        assert yield_of([row(score)]).left[ALL][STEPS[-2]] == 0, score


def test_the_table_shows_the_interval_and_the_published_share() -> None:
    console = Console(record=True, width=120)
    print_song_yield(console, yield_of([row(), row("cer")]))
    said = console.export_text()
    assert "50%" in said and "9–91%" in said and "17.8%" in said
