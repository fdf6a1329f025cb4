"""Figures stand in the panel of the slice whose bounds they were held against."""

import pyarrow as pa

from lauter.filters.policy import parse_policy
from lauter.orchestration.audit.distributions import Distributions

POLICY = parse_policy("""
gates:
  - {gate: silence, score: leading_silence_s, at_most: 1.0, reason: Wait.,
     slices: [{edit: [silence, pause], at_most: 2.0}]}
  - {gate: noise, score: step_background, at_most: -0.5, reason: None., applies_to: {edit: noise}}
""")
CELL = {
    "language": "en", "dialect": "en-US", "emotion": "neutral", "emotion_level": 0,
    "style": "plain", "speed_level": 0, "speaker": "ada",
}  # fmt: skip


def test_an_edit_is_a_slice_of_its_own() -> None:
    figures = {None: 0.1, "silence": 1.5, "noise": 0.2, "pause": 1.6}
    batch = pa.RecordBatch.from_pylist(
        [
            CELL | {"edit": edit, "leading_silence_s": seconds, "accepted": True,
                    "step_background": -1.0}
            for edit, seconds in figures.items()
        ]
    )  # fmt: skip
    distributions = Distributions(POLICY, batch.schema.names)
    distributions.add(batch)
    (silence, noise) = distributions.panels()
    told = {panel.label: panel.accepted.tolist() for panel in silence[1]}
    assert told == {"all others": [0.1, 0.2], "edit silence, pause": [1.5, 1.6]}
    assert [panel.accepted.tolist() for panel in noise[1]] == [[-1.0]]


def test_a_corpus_without_lineage_has_the_other_slices() -> None:
    row = CELL | {"leading_silence_s": 0.1, "accepted": False}
    batch = pa.RecordBatch.from_pylist([row])
    distributions = Distributions(POLICY, batch.schema.names)
    distributions.add(batch)
    ((_, (panel,)),) = distributions.panels()
    assert (panel.label, panel.rejected.tolist()) == ("all others", [0.1])
