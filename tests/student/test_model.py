"""The student's mathematics: shapes of the published weights, packing, caching, learning."""

import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from lauter.datasets.errors import UsageError
from lauter.student import attention
from lauter.student.model import SpeechModel, build
from lauter.student.presets import PRESETS, ModelConfig, preset

SMALLEST = ModelConfig(
    vocabulary_size=5440, text_size=272, hidden_size=48, layers=2, heads=6, head_size=8,
    groups=2, ffn_size=64, context=256,
)  # fmt: skip
SLOPES = attention.slopes(6)


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    return build(SMALLEST, seed=3).eval()


@pytest.fixture(autouse=True)
def _no_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.set_grad_enabled("learn" in request.node.name or "dropout" in request.node.name):
        yield


def some_ids(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 5440, shape, generator=torch.Generator().manual_seed(seed))


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Return names and shapes of Step-Audio-TTS-3B's weights."""
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (74_752, 3072),
        "model.norm.weight": (3072,),
        "lm_head.weight": (74_752, 3072),
    }
    for layer in range(32):
        of_layer = {
            "self_attn.q_proj": (3072, 3072),
            "self_attn.k_proj": (256, 3072),
            "self_attn.v_proj": (256, 3072),
            "self_attn.o_proj": (3072, 3072),
            "mlp.gate_proj": (8192, 3072),
            "mlp.up_proj": (8192, 3072),
            "mlp.down_proj": (3072, 8192),
            "input_layernorm": (3072,),
            "post_attention_layernorm": (3072,),
        }
        shapes |= {f"model.layers.{layer}.{name}.weight": of for name, of in of_layer.items()}
    return shapes


def test_the_preset_3b_has_the_published_weights_by_name_and_shape() -> None:
    weights = build(PRESETS["3b"], seed=None, device="meta").state_dict()
    assert {name: tuple(value.shape) for name, value in weights.items()} == published_shapes()


@pytest.mark.parametrize(
    ("name", "millions"), [("tiny", 3), ("small", 30), ("base", 151), ("3b", 3530)]
)
def test_presets_have_the_size_they_say(name: str, millions: int) -> None:
    model = build(preset(name), seed=None, device="meta")
    assert round(sum(value.numel() for value in model.parameters()) / 1e6) == millions


def test_a_preset_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="no preset 'huge'; choose tiny, small, base, 3b"):
        preset("huge")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"heads": 5}, "5 heads of 8 do not make up"),
        ({"groups": 4}, "6 heads cannot share 4 groups"),
        ({"layers": 0}, "every size must be 1 or more"),
        ({"dropout": 1.0}, "set a share from 0 to below 1"),
        ({"vocabulary_size": 5000}, "has no room for 5120 speech codes"),
    ],
)
def test_a_shape_that_cannot_be_is_told(changed: dict[str, float], sentence: str) -> None:
    fields = {name: getattr(SMALLEST, name) for name in SMALLEST.__slots__}
    with pytest.raises(UsageError, match=sentence):
        ModelConfig(**fields | changed)


def test_slopes_are_alibis() -> None:
    assert attention.slopes(8) == [2.0**-k for k in range(1, 9)]
    # Not a power of two: the row of 4, then every other one of the row of 8.
    assert attention.slopes(6) == [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]
    assert len(attention.slopes(48)) == 48


def test_the_penalty_is_the_slope_times_the_root_of_the_distance() -> None:
    segments = torch.ones(1, 5, dtype=torch.long)
    bias = attention.distance_bias(SLOPES, segments, segments)
    for head, slope in enumerate(SLOPES):
        for query in range(5):
            for key in range(5):
                expected = -slope * math.sqrt(query - key) if key <= query else -math.inf
                assert bias[0, head, query, key] == pytest.approx(expected)


def test_the_model_is_its_slow_reference(model: SpeechModel) -> None:
    """Loops over heads and places, from the equations."""
    ids = some_ids(1, 9)
    weights = model.state_dict()

    def norm(hidden: Tensor, name: str) -> Tensor:
        root = (hidden.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
        return hidden / root * weights[f"{name}.weight"]

    hidden = weights["model.embed_tokens.weight"][ids[0]]
    for layer in range(2):
        name = f"model.layers.{layer}"

        def apply(what: str, to: Tensor, name: str = name) -> Tensor:
            return to @ weights[f"{name}.{what}.weight"].T

        normed = norm(hidden, f"{name}.input_layernorm")
        queries, keys, values = (
            apply(f"self_attn.{letter}_proj", normed).view(9, -1, 8) for letter in "qkv"
        )
        mixed = torch.zeros(9, 6, 8)
        for head, slope in enumerate(SLOPES):
            group = head // 3
            for place in range(9):
                distance = torch.arange(place, -1, -1)
                scores = keys[: place + 1, group] @ queries[place, head] / 8**0.5
                shares = (scores - slope * distance.sqrt()).softmax(0)
                mixed[place, head] = shares @ values[: place + 1, group]
        hidden = hidden + apply("self_attn.o_proj", mixed.flatten(1))
        normed = norm(hidden, f"{name}.post_attention_layernorm")
        gate = apply("mlp.gate_proj", normed)
        hidden = hidden + apply(
            "mlp.down_proj", gate * gate.sigmoid() * apply("mlp.up_proj", normed)
        )
    expected = norm(hidden, "model.norm") @ weights["lm_head.weight"].T
    torch.testing.assert_close(model(ids)[0], expected, atol=1e-4, rtol=1e-4)


@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5), padding=st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_packed_sequences_do_not_hear_each_other(
    model: SpeechModel, lengths: list[int], padding: int
) -> None:
    rows = [some_ids(1, length, seed=number) for number, length in enumerate(lengths)]
    ids = torch.cat([*rows, torch.zeros(1, padding, dtype=torch.long)], 1)
    segments = torch.tensor(
        [[number for number, n in enumerate(lengths, 1) for _ in range(n)] + [0] * padding]
    )
    packed = model(ids, segments)
    assert torch.isfinite(packed).all()
    alone = torch.cat([model(row) for row in rows], 1)
    torch.testing.assert_close(packed[:, : sum(lengths)], alone, atol=1e-4, rtol=1e-4)


@given(pieces=st.lists(st.integers(1, 9), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_with_a_cache_the_logits_are_those_of_the_whole(
    model: SpeechModel, pieces: list[int]
) -> None:
    ids = some_ids(2, sum(pieces))
    cache = model.empty_cache(2, sum(pieces))
    by_and_by = torch.cat([model(piece, cache=cache) for piece in ids.split(pieces, 1)], 1)
    torch.testing.assert_close(by_and_by, model(ids), atol=1e-4, rtol=1e-4)
    assert cache.length == sum(pieces)


@given(padding=st.integers(1, 9), steps=st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_padding_before_a_row_changes_nothing_behind_it(
    model: SpeechModel, padding: int, steps: int
) -> None:
    ids = some_ids(1, 6 + steps)
    padded = torch.cat([torch.zeros(1, padding, dtype=torch.long), ids], 1)
    begun = padding + 6
    cache = model.empty_cache(1, padded.shape[1])
    segments = (torch.arange(begun) >= padding).long()[None]
    logits = [model(padded[:, :begun], segments, cache)]
    logits += [model(padded[:, t : t + 1], cache=cache) for t in range(begun, padded.shape[1])]
    torch.testing.assert_close(torch.cat(logits, 1)[:, padding:], model(ids), atol=1e-4, rtol=1e-4)


def test_rows_kept_in_a_cache_go_on_as_they_were(model: SpeechModel) -> None:
    ids = some_ids(3, 8)
    cache = model.empty_cache(3, 8)
    model(ids[:, :7], cache=cache)
    cache.keep(torch.tensor([2, 0]))
    torch.testing.assert_close(
        model(ids[[2, 0], 7:], cache=cache), model(ids)[[2, 0], 7:], atol=1e-4, rtol=1e-4
    )


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention_is_the_plain_one() -> None:
    draw = torch.Generator().manual_seed(5)
    queries = torch.randn(2, 6, 40, 16, generator=draw)
    keys, values = torch.randn(2, 2, 2, 40, 16, generator=draw)
    segments = torch.tensor([[1] * 13 + [2] * 20 + [0] * 7, [4] * 40])
    plain = attention.plain(SLOPES, segments, segments, torch.float32)(queries, keys, values)
    flex = attention.flex(SLOPES, segments)(queries, keys, values)
    torch.testing.assert_close(flex, plain, atol=1e-5, rtol=1e-5)


@given(
    runs=st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=5),
        min_size=1, max_size=3,
    )
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_attention_by_segment_is_the_plain_one(runs: list[list[tuple[int, int]]]) -> None:
    # Numbers may come again in a row: they are then other segments.
    rows = [
        [
            4 * place + number if number else 0
            for place, (number, n) in enumerate(row)
            for _ in range(n)
        ]
        for row in runs
    ]
    longest = max(map(len, rows))
    segments = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    draw = torch.Generator().manual_seed(5)
    queries = torch.randn(len(rows), 6, longest, 8, generator=draw)
    keys, values = torch.randn(2, len(rows), 2, longest, 8, generator=draw)
    assume(bool(segments.any()))
    plain = attention.plain(SLOPES, segments, segments, torch.float32)(queries, keys, values)
    apart = attention.by_segment(SLOPES, segments, torch.float32)(queries, keys, values)
    is_speech = (segments != 0)[:, None, :, None]
    torch.testing.assert_close(apart, plain * is_speech, atol=1e-5, rtol=1e-5)


def test_rows_of_nothing_but_padding_give_finite_gradients_to_learn_from() -> None:
    model = build(SMALLEST, seed=1).train()
    padding = torch.zeros(2, 8, dtype=torch.long)
    (model.hidden(padding, padding).sum() * 0.0).backward()
    for name, weight in model.named_parameters():
        if name != "lm_head.weight":
            assert weight.grad is not None and not weight.grad.any(), name


def test_the_same_seed_gives_the_same_weights_and_another_one_others() -> None:
    first, again, other = (build(SMALLEST, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])


@pytest.mark.parametrize("layers", [2, 16])
def test_a_new_model_is_about_as_surprised_as_one_that_knows_nothing(layers: int) -> None:
    fields = {name: getattr(SMALLEST, name) for name in SMALLEST.__slots__}
    model = build(ModelConfig(**fields | {"layers": layers}), seed=1).eval()
    ids = some_ids(4, 50)
    logits = model(ids[:, :-1])
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    assert math.log(5440) - 0.2 < loss < math.log(5440) + 1.0


def test_computing_activations_again_the_model_learns_the_same() -> None:
    ids, segments = some_ids(2, 20), torch.tensor([[1] * 12 + [2] * 8] * 2)
    gradients = []
    for again in (False, True):
        model = build(SMALLEST, seed=1).train()
        model.checkpoint_activations = again
        model(ids, segments).logsumexp(-1).mean().backward()
        gradients.append({name: value.grad for name, value in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name])


def test_dropout_acts_in_training_only() -> None:
    fields = {name: getattr(SMALLEST, name) for name in SMALLEST.__slots__}
    model = build(ModelConfig(**fields | {"dropout": 0.3}), seed=1)
    ids = some_ids(1, 10)
    model.eval()
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.equal(model(ids), model(ids))


def test_a_tiny_student_learns_a_sequence_by_heart() -> None:
    model = build(SMALLEST, seed=1).train()
    ids = some_ids(1, 24)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5
