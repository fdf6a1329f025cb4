"""The catalogue of scores is what the scorers add, and names every one of them."""

from pathlib import Path

import pytest
import yaml
from hydra.utils import get_class

import lauter.orchestration
from lauter.datasets.errors import UsageError
from lauter.filters.catalogue import NO_FIGURES, SCORES, SONG_SCORES, known_scores, no_figures
from lauter.filters.policy import POLICY_FOLDER, check_scores, load_policy, parse_policy

CONFIGURED = Path(next(iter(lauter.orchestration.__path__))) / "conf" / "filters"


def scorers(name: str) -> list[type]:
    content = yaml.safe_load((CONFIGURED / f"{name}.yaml").read_text("utf-8"))
    return [get_class(entry["_target_"]) for entry in content["scorers"]]


def test_the_configurations_name_every_scorer_and_the_catalogue_their_columns() -> None:
    default, classified = (
        {one.name: tuple(field.name for field in one.fields) for one in scorers(name)}
        for name in ("default", "classified")
    )
    assert default | classified == SCORES
    # It wants a model that does not come with Lauter.
    assert SCORES.keys() - default.keys() == {"emotion"}


def test_the_shipped_columns_that_are_no_numbers_are_known_without_the_scorers() -> None:
    fields = [field for one in scorers("default") for field in one.fields]
    assert no_figures(fields) == NO_FIGURES & {field.name for field in fields}


def test_every_column_says_what_it_is() -> None:
    fields = [field for one in scorers("default") for field in one.fields]
    assert all(field.metadata[b"description"] for field in fields)
    assert len({field.name for field in fields}) == len(fields)


def test_the_configuration_for_songs_adds_melody_and_beat_to_the_default() -> None:
    added, default = (
        {one.name: tuple(field.name for field in one.fields) for one in scorers(name)}
        for name in ("song", "default")
    )
    assert added == {**default, **{name: SONG_SCORES[name] for name in ("melody", "beat")}}


def test_the_recogniser_configuration_leaves_out_naturalness_and_prosody_alone() -> None:
    assert {one.name for one in scorers("default")} - {
        one.name for one in scorers("recogniser")
    } == {
        "mos",
        "prosody",
    }


@pytest.mark.parametrize("policy", sorted(path.stem for path in POLICY_FOLDER.glob("*.yaml")))
def test_the_policies_read_scores_that_some_scorer_measures(policy: str) -> None:
    check_scores(load_policy(policy), known_scores([]))


def test_a_score_of_a_scorer_of_ones_own_is_known_where_it_is_configured() -> None:
    policy = parse_policy("gates: [{gate: a, score: smiles, at_least: 1, reason: Too few.}]")
    check_scores(policy, known_scores(["smiles"]))
    with pytest.raises(UsageError, match="'smiles', which no scorer measures"):
        check_scores(policy, known_scores([]))
