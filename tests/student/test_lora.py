"""Adapters: they begin as nothing, learn alone, and can be put into the weights."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from lauter.datasets.errors import UsageError
from lauter.student.lora import (
    PROJECTIONS,
    LoraSettings,
    adapters,
    add_adapters,
    load_adapters,
    merge_adapters,
    save_adapters,
)
from lauter.student.model import SpeechModel, build
from lauter.student.presets import ModelConfig

SMALLEST = ModelConfig(
    vocabulary_size=5440, text_size=272, hidden_size=24, layers=2, heads=6, head_size=4,
    groups=2, ffn_size=32, context=128,
)  # fmt: skip
EVERYWHERE = LoraSettings(rank=3, alpha=6.0, targets=PROJECTIONS)
IDS = torch.arange(300, 330)[None]


def learnt(settings: LoraSettings) -> SpeechModel:
    """Return a model whose adapters have learnt a little."""
    model = add_adapters(build(SMALLEST, seed=1), settings, seed=2)
    optimizer = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], 1e-2)
    for _ in range(3):
        loss(model).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def loss(model: SpeechModel) -> Tensor:
    return torch.nn.functional.cross_entropy(model(IDS[:, :-1])[0], IDS[0, 1:])


def test_a_newly_adapted_model_is_the_one_it_was() -> None:
    model = build(SMALLEST, seed=1)
    before, names = model(IDS), set(model.state_dict())
    add_adapters(model, EVERYWHERE, seed=2)
    assert torch.equal(model(IDS), before)
    assert set(model.state_dict()) > names


def test_only_the_adapters_of_the_chosen_projections_learn() -> None:
    plain = build(SMALLEST, seed=1)
    before = loss(plain)
    model = learnt(LoraSettings(rank=3, targets=("q_proj", "down_proj")))
    learners = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert learners == {
        f"model.layers.{layer}.{place}.{part}"
        for layer in (0, 1)
        for place in ("self_attn.q_proj", "mlp.down_proj")
        for part in ("down", "up")
    }
    for name, weight in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight), name
    assert loss(model) < before


def test_merged_the_model_says_the_same_with_the_weights_of_a_plain_one() -> None:
    model = learnt(EVERYWHERE)
    apart = model(IDS)
    assert not torch.allclose(apart, build(SMALLEST, seed=1)(IDS), atol=1e-3)
    merged = merge_adapters(model)
    torch.testing.assert_close(merged(IDS), apart, atol=1e-5, rtol=1e-4)
    assert set(merged.state_dict()) == set(build(SMALLEST, seed=1).state_dict())
    assert all(weight.requires_grad for weight in merged.parameters())


def test_a_merged_weight_is_the_frozen_one_and_the_scaled_product() -> None:
    model, plain = learnt(EVERYWHERE), build(SMALLEST, seed=1).state_dict()
    found = adapters(model)
    assert len(found) == 2 * len(PROJECTIONS)
    for name, adapter in found.items():
        delta = 6.0 / 3 * adapter.up.detach().double() @ adapter.down.detach().double()
        expected = plain[f"{name}.weight"].double() + delta
        torch.testing.assert_close(adapter.merged_weight().double(), expected, atol=1e-7, rtol=0)
        assert torch.linalg.matrix_rank(delta) <= 3
        assert torch.equal(adapter.merged().weight, adapter.merged_weight())


def test_in_bfloat16_a_weight_is_rounded_once() -> None:
    model = learnt(EVERYWHERE).to(torch.bfloat16)
    for adapter in adapters(model).values():
        exact = adapter.weight.double() + 2.0 * adapter.up.double() @ adapter.down.double()
        torch.testing.assert_close(adapter.merged_weight(), exact.bfloat16(), atol=1e-5, rtol=4e-3)


def test_merging_twice_changes_nothing() -> None:
    merged = merge_adapters(learnt(EVERYWHERE))
    before = {name: weight.clone() for name, weight in merged.state_dict().items()}
    for name, weight in merge_adapters(merged).state_dict().items():
        assert torch.equal(weight, before[name]), name


def test_saved_adapters_fit_the_model_they_were_trained_on(tmp_path: Path) -> None:
    model = learnt(EVERYWHERE)
    save_adapters(model, tmp_path / "adapter", EVERYWHERE)
    again = build(SMALLEST, seed=1)
    assert load_adapters(again, tmp_path / "adapter") == EVERYWHERE
    assert torch.equal(again(IDS), model(IDS))
    assert (tmp_path / "adapter/adapter_model.safetensors").stat().st_size < 100_000


@pytest.mark.parametrize(
    "other", [{"layers": 1}, {"layers": 3}, {"ffn_size": 40}], ids=["less", "more", "wider"]
)
def test_adapters_of_another_model_are_told(tmp_path: Path, other: dict[str, int]) -> None:
    save_adapters(learnt(EVERYWHERE), tmp_path / "adapter", EVERYWHERE)
    fields = {name: getattr(SMALLEST, name) for name in SMALLEST.__slots__}
    with pytest.raises(UsageError, match="load them into the one they were trained on"):
        load_adapters(build(ModelConfig(**fields | other), seed=1), tmp_path / "adapter")


def test_a_folder_without_adapters_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no adapters that can be read"):
        load_adapters(build(SMALLEST, seed=1), tmp_path)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"rank": -1}, "lora.rank is -1"),
        (
            {"targets": ("lm_head",)},
            "'lm_head' is no projection to adapt; set distill.lora.targets to some of q_proj",
        ),
        ({"targets": ()}, "no projection is named"),
        ({"alpha": 0.0}, "lora.alpha is 0; set a factor above 0"),
    ],
)
def test_settings_that_adapt_nothing_are_told(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        LoraSettings(**wrong)  # type: ignore[arg-type]


def test_an_adapter_of_no_rank_is_told() -> None:
    with pytest.raises(UsageError, match="an adapter of rank 0 can learn nothing"):
        add_adapters(build(SMALLEST, seed=1), LoraSettings(), seed=0)
