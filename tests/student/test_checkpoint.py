"""Students on disk: written whole, read exactly, and every damage is a sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lauter.datasets.errors import UsageError
from lauter.student.checkpoint import load_model, read_config, save_model
from lauter.student.model import SpeechModel, build
from lauter.student.presets import PRESETS, ModelConfig

SMALLEST = ModelConfig(
    vocabulary_size=5440, text_size=272, hidden_size=24, layers=2, heads=6, head_size=4,
    groups=2, ffn_size=32, context=128, dropout=0.1,
)  # fmt: skip
FACTS = {"preset": "none", "codec_fingerprint": "c0dec", "speakers": ["Ada", "Jörg"]}


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    return build(SMALLEST, seed=1).eval()


@pytest.fixture
def folder(model: SpeechModel, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "student", FACTS)
    return tmp_path / "student"


def equal(first: SpeechModel, second: SpeechModel) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


def test_what_is_saved_is_read_back_exactly(model: SpeechModel, folder: Path) -> None:
    again, facts = load_model(folder)
    assert equal(model, again)
    assert again.config == SMALLEST and facts == FACTS and not again.training
    ids = torch.arange(20)[None]
    assert torch.equal(model(ids), again(ids))
    assert all(weight.requires_grad for weight in again.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_keep_their_precision_or_get_the_asked_one(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    save_model(build(SMALLEST, seed=1, dtype=dtype), tmp_path / "student", {})
    assert load_model(tmp_path / "student")[0].lm_head.weight.dtype == dtype
    read, _ = load_model(tmp_path / "student", dtype=torch.float32)
    assert {weight.dtype for weight in read.parameters()} == {torch.float32}
    assert json.loads((tmp_path / "student/config.json").read_text())["torch_dtype"] in str(dtype)


def test_the_configuration_is_the_published_one(folder: Path) -> None:
    written = json.loads((folder / "config.json").read_text())
    assert written == {
        "architectures": ["Step1ForCausalLM"], "model_type": "step1", "bos_token_id": 1,
        "eos_token_id": 3, "pad_token_id": 0, "tie_word_embeddings": False,
        "torch_dtype": "float32", "vocab_size": 5440, "hidden_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 6, "num_attention_groups": 2, "intermediate_size": 32,
        "max_seq_len": 128, "rms_norm_eps": 1e-5, "text_size": 272, "dropout": 0.1,
    }  # fmt: skip


def test_the_published_3b_is_read_from_what_its_configuration_says(tmp_path: Path) -> None:
    published = {
        "architectures": ["Step1ForCausalLM"], "model_type": "step1", "hidden_size": 3072,
        "intermediate_size": 8192, "max_seq_len": 32_768, "num_attention_groups": 4,
        "num_attention_heads": 48, "num_hidden_layers": 32, "rms_norm_eps": 1e-5,
        "torch_dtype": "bfloat16", "vocab_size": 74_752,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(published))
    assert read_config(tmp_path) == PRESETS["3b"]


def test_weights_in_several_files_are_read_by_their_index(model: SpeechModel, folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    parts = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file, held in parts.items():
        save_file({name: weights[name] for name in held}, folder / file)
    placed = {name: file for file, held in parts.items() for name in held}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    (folder / "model.safetensors").unlink()
    assert equal(model, load_model(folder)[0])
    (folder / "model-2.safetensors").unlink()
    with pytest.raises(UsageError, match=r"model-2\.safetensors is missing"):
        load_model(folder)
    index.write_text(json.dumps({"weight_map": {}}))
    with pytest.raises(UsageError, match=r"has no weight .* in its"):
        load_model(folder)


def test_a_newer_model_replaces_the_older_one_whole(folder: Path) -> None:
    newer = build(SMALLEST, seed=2)
    save_model(newer, folder, {"step": 2})
    again, facts = load_model(folder)
    assert equal(newer, again) and facts == {"step": 2}
    assert sorted(path.name for path in folder.parent.iterdir()) == ["student"]


def test_what_breaks_while_saving_leaves_the_older_model(model: SpeechModel, folder: Path) -> None:
    with pytest.raises(TypeError):
        save_model(build(SMALLEST, seed=2), folder, {"what no JSON can hold": object()})
    again, facts = load_model(folder)
    assert equal(model, again) and facts == FACTS


def test_somebody_elses_folder_is_not_overwritten(model: SpeechModel, tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(UsageError, match=r"something else than a model \(diary.txt\)"):
        save_model(model, tmp_path, {})


def cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def rename_a_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["head"] = weights.pop("lm_head.weight")
    save_file(weights, folder / "model.safetensors")


def say(**changed: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        said = json.loads(file.read_text()) | changed
        file.write_text(
            json.dumps({name: value for name, value in said.items() if value is not None})
        )

    return change


def test_the_folder_of_a_run_is_told_from_that_of_its_student(tmp_path: Path) -> None:
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"did you mean .*/student\?"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "config.json").unlink(), "is no student: it has no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json cannot be read"),
        (lambda folder: (folder / "config.json").write_text("[]"), "holds no JSON object"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "is damaged"),
        (lambda folder: (folder / "student.json").write_bytes(b"\xff"), "student.json cannot be"),
        (cut, "is damaged"),
        (rename_a_weight, "has no weight lm_head.weight, so weights and config.json are of two"),
        (say(intermediate_size=48), r"of \[32, 24\] instead of \[48, 24\]"),
        (say(model_type="llama"), "is of type 'llama'; a student is of type 'step1'"),
        (say(hidden_size=None), "does not say hidden_size"),
        (say(hidden_size="wide"), "has 'wide' for hidden_size, which is no number"),
        (say(num_attention_heads=5), "do not make up a hidden size"),
    ],
)
def test_a_damaged_folder_is_told(
    folder: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(folder)
    with pytest.raises(UsageError, match=sentence):
        load_model(folder)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is no student"):
        load_model(tmp_path / "nowhere")


def test_a_model_of_another_preset_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is none of the presets \(hidden size 24, 2 layers\), "):
        load_model(folder, expected="tiny")
    save_model(build(PRESETS["tiny"], seed=1), tmp_path / "tiny", {})
    with pytest.raises(UsageError, match=r"is .tiny. .* not .small.; name another folder or"):
        load_model(tmp_path / "tiny", expected="small")
    assert load_model(tmp_path / "tiny", expected="tiny")[0].config == PRESETS["tiny"]
