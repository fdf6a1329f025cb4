"""The page on clusters names settings and files that there are."""

import re
from pathlib import Path

import pytest

from lauter.orchestration.loading import load_settings
from lauter.orchestration.setting_keys import known_keys

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "clusters.md").read_text()
ENGINES = ["inline", "ray", "beam", "beam_flink", "beam_spark", "beam_dataflow"]


@pytest.fixture(scope="module")
def keys() -> set[str]:
    load_settings([])  # makes the schema known to Hydra
    return set().union(*(known_keys([f"engine={engine}"]) for engine in ENGINES))


def test_its_settings_are_there(keys: set[str]) -> None:
    named = set(re.findall(r"(?<!\+)\b(?:engine|speak|score)\.[a-z_.]*[a-z]", PAGE))
    assert len(named) > 15
    assert named <= keys


def test_what_it_adds_with_a_plus_needs_one(keys: set[str]) -> None:
    added = set(re.findall(r"\+((?:engine|speak|score)\.[a-z_.]*[a-z])", PAGE))
    assert added and not added & keys
    assert {name.rpartition(".")[0] for name in added} <= keys | {"engine.options"}


def test_its_engines_and_files_are_there() -> None:
    assert set(re.findall(r"engine=(\w+)", PAGE)) <= set(ENGINES)
    for file in re.findall(r"(?:docker|pipelines|docs)/[\w/.]+\w", PAGE):
        assert (ROOT / file).is_file(), file
