"""Students on disk: a folder in the layout of the published 3B, and the facts of how it was made.

``config.json`` and safetensors are as Step-Audio-TTS-3B has them, so its folder loads here, and
ours in whatever loads Step1 models. What these cannot say (codec, data, voices) stands in
``student.json``, and a tokenizer that was learnt in ``tokenizer.json``. A folder is written beside
its place and renamed into it: it is there whole or not at all.

The published weights are named as ``model.py`` names its modules: ``model.embed_tokens``,
``model.layers.N`` with ``self_attn.{q,k,v,o}_proj``, ``mlp.{gate,up,down}_proj``,
``input_layernorm`` and ``post_attention_layernorm``, ``model.norm``, ``lm_head``. Some loaders take
a head that the configuration does not mention for tied, so it says that ours is not.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import BOS, END, PAD, STEP_AUDIO
from lauter.datasets.pair_tokenizer import PairTokenizer
from lauter.datasets.text_tokens import ByteTokenizer, TextTokenizer
from lauter.datasets.whole_folder import written_whole
from lauter.student.model import SpeechModel, build
from lauter.student.presets import PRESETS, ModelConfig, preset
from lauter.student.tensors import write_tensors

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
FACTS: Final = "student.json"
TOKENIZER: Final = "tokenizer.json"

_NAMES_IN_CONFIG: Final[Mapping[str, str]] = {
    "vocab_size": "vocabulary_size",
    "hidden_size": "hidden_size",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "num_attention_groups": "groups",
    "intermediate_size": "ffn_size",
    "max_seq_len": "context",
    "rms_norm_eps": "norm_epsilon",
}
"""How the published configuration calls what ours calls otherwise."""
_PUBLISHED_CONTEXT: Final = PRESETS["3b"].context

DTYPES: Final[Mapping[str, torch.dtype | None]] = {
    "as_stored": None,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
}
"""How weights may be held, by the names that settings have for it."""

Shape: TypeAlias = tuple[int, ...]


def save_model(
    model: SpeechModel,
    folder: str | Path,
    facts: Mapping[str, Any],
    *,
    weights: Mapping[str, Tensor] | None = None,
    tokenizer: TextTokenizer | None = None,
) -> None:
    """Write a model; an earlier one in this folder is replaced when all of the new is there.

    ``facts`` is anything JSON can hold: preset, tokenizer fingerprint, ``codec_fingerprint``, data
    digest, speakers. ``weights`` are written instead of the model's own, where those lie scattered
    over processes; a ``tokenizer`` that was learnt is written beside. Raises ``UsageError`` where
    the folder holds something else than a model, or cannot be written.
    """
    source = model.state_dict() if weights is None else weights
    tensors = {name: value.detach().contiguous() for name, value in source.items()}
    dtype = tensors["lm_head.weight"].dtype
    with written_whole(
        Path(folder),
        overwrite=True,
        marks=[CONFIG],
        others=[WEIGHTS, FACTS, TOKENIZER],
        kind="model",
    ) as new:
        write_tensors(tensors, new / WEIGHTS)
        _write_json(new / CONFIG, published_config(model.config, dtype))
        _write_json(new / FACTS, facts)
        if isinstance(tokenizer, PairTokenizer):
            (new / TOKENIZER).write_text(tokenizer.to_json() + "\n", encoding="utf-8")


def load_tokenizer(folder: str | Path) -> TextTokenizer:
    """Return what the student in a folder reads with: its ``tokenizer.json``, else bytes.

    Raises ``UsageError`` where that is damaged, or is not what the student has learnt with.
    """
    place = Path(folder)
    written = place / TOKENIZER
    tokenizer = PairTokenizer.read(written) if written.exists() else ByteTokenizer()
    check_tokenizer(tokenizer, read_config(place), read_facts(place), f"the student in {folder}")
    return tokenizer


def check_tokenizer(
    tokenizer: TextTokenizer, config: ModelConfig, facts: Mapping[str, Any], name: str
) -> None:
    """Raise ``UsageError`` where a student of this shape and facts does not read so."""
    ours = tokenizer.fingerprint()
    if facts.get("tokenizer_fingerprint", ours) != ours or tokenizer.size > config.text_size:
        raise UsageError(
            f"{name} has learnt with another tokenizer than the one that lies beside it; copy its "
            f"whole folder again, {TOKENIZER} too"
        )
    if not facts and tokenizer.size != config.text_size:
        raise UsageError(
            f"{name} reads {config.text_size} ids of text, and the tokenizer at hand has "
            f"{tokenizer.size}; the published tokenizers are not read yet, so take a student that "
            "`lauter distill` trained"
        )


def add_facts(folder: str | Path, facts: Mapping[str, Any]) -> None:
    """Add to what is known of a student on disk; what has another value there is replaced.

    Raises ``UsageError`` where the folder is no student.
    """
    known = read_facts(folder)
    hidden = Path(folder) / f".{FACTS}.new"
    _write_json(hidden, known | dict(facts))
    hidden.replace(Path(folder) / FACTS)


def read_facts(folder: str | Path) -> dict[str, Any]:
    """Return what is known of a student on disk (nothing: an empty mapping).

    Raises ``UsageError`` where the folder is no student.
    """
    place = Path(folder)
    read_config(place)
    return _read_json(place / FACTS) if (place / FACTS).exists() else {}


def published_config(config: ModelConfig, dtype: torch.dtype) -> dict[str, Any]:
    """Return what stands in ``config.json``."""
    shape = {theirs: getattr(config, ours) for theirs, ours in _NAMES_IN_CONFIG.items()}
    return {
        "architectures": ["Step1ForCausalLM"],
        "model_type": "step1",
        "bos_token_id": BOS,
        "eos_token_id": END,
        "pad_token_id": PAD,
        "tie_word_embeddings": False,
        "torch_dtype": str(dtype).removeprefix("torch."),
        **shape,
        # Ours: the published one knows neither.
        "text_size": config.text_size,
        "dropout": config.dropout,
    }


def load_model(
    folder: str | Path,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    expected: str | None = None,
) -> tuple[SpeechModel, dict[str, Any]]:
    """Return the model of a folder, in evaluation mode, and its facts (none: an empty mapping).

    ``dtype`` None keeps that of the file; ``expected`` names the preset that it must have. Raises
    ``UsageError`` where the folder is no model, is damaged, or has another shape than it says or
    than is expected.
    """
    place = Path(folder)
    config = read_config(place)
    if expected is not None:
        _check_preset(place, config, expected)
    facts = read_facts(place)
    model = build(config, seed=None, device="meta")
    weights = {
        name: value.to(device=device, dtype=dtype or value.dtype)
        for name, value in stored_weights(place, weight_shapes(config))
    }
    model.load_state_dict(weights, assign=True)
    return model.eval(), facts


def read_config(folder: Path) -> ModelConfig:
    """Return the shape of the model in a folder; raises ``UsageError`` where there is none."""
    if not (folder / CONFIG).is_file():
        inside = folder / "student"
        hint = (
            f"did you mean {inside}?"
            if (inside / CONFIG).is_file()
            else "name the folder `student` that `lauter distill` wrote, or a published Step1 model"
        )
        raise UsageError(f"{folder} is no student: it has no {CONFIG}; {hint}")
    read = _read_json(folder / CONFIG)
    if read.get("model_type") != "step1":
        raise UsageError(
            f"the model in {folder} is of type '{read.get('model_type')}'; "
            "a student is of type 'step1'"
        )
    defaults = {"max_seq_len": _PUBLISHED_CONTEXT, "rms_norm_eps": 1e-5}
    missing = [name for name in _NAMES_IN_CONFIG if name not in read and name not in defaults]
    if missing:
        raise UsageError(
            f"{folder / CONFIG} does not say {', '.join(missing)}; take it from its source again"
        )
    shape = {ours: (defaults | read)[theirs] for theirs, ours in _NAMES_IN_CONFIG.items()}
    wrong = [name for name, value in shape.items() if not isinstance(value, int | float)]
    if wrong:
        raise UsageError(
            f"{folder / CONFIG} has {shape[wrong[0]]!r} for {wrong[0]}, which is no number; "
            "take it from its source again"
        )
    return ModelConfig(
        **shape,
        text_size=read.get("text_size", STEP_AUDIO.text_size),
        head_size=shape["hidden_size"] // max(1, shape["heads"]),
        dropout=read.get("dropout", 0.0),
    )


def _check_preset(folder: Path, config: ModelConfig, expected: str) -> None:
    def shape(one: ModelConfig) -> tuple[int, ...]:
        return (
            one.hidden_size, one.layers, one.heads, one.groups, one.ffn_size
        )  # fmt: skip

    if shape(config) == shape(preset(expected)):
        return
    names = [name for name, one in PRESETS.items() if shape(one) == shape(config)]
    found = f"'{names[0]}'" if names else "none of the presets"
    raise UsageError(
        f"the model in {folder} is {found} (hidden size {config.hidden_size}, "
        f"{config.layers} layers), not '{expected}'; name another folder or choose its preset"
    )


def weight_shapes(config: ModelConfig) -> dict[str, Shape]:
    """Return the name and shape of each weight of a model of this shape."""
    model = build(config, seed=None, device="meta")
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def stored_weights(
    folder: Path,
    expected: Mapping[str, Shape],
    part_of: Callable[[str, Shape], tuple[slice, ...]] | None = None,
) -> Iterator[tuple[str, Tensor]]:
    """Yield the weights of these names and shapes, from one file or several.

    With ``part_of`` only the part that it names of each is read, which may be far less than all.
    Raises ``UsageError`` where a weight is missing, of another shape, or its file damaged.
    """
    for file, names in _places(folder, expected).items():
        if not file.is_file():
            raise UsageError(f"{file} is missing; copy the whole folder again")
        try:
            with safe_open(file, "pt") as opened:
                here = set(opened.keys())
                for name in names:
                    if name not in here:
                        raise UsageError(_unfit(folder, f"has no weight {name}"))
                    stored = opened.get_slice(name)
                    if tuple(stored.get_shape()) != expected[name]:
                        found, wanted = list(stored.get_shape()), list(expected[name])
                        raise UsageError(
                            _unfit(folder, f"has the weight {name} of {found} instead of {wanted}")
                        )
                    if part_of is None:
                        yield name, opened.get_tensor(name)
                    else:
                        yield name, stored[part_of(name, expected[name])]
        except (SafetensorError, OSError) as error:
            raise UsageError(
                f"{file} is damaged ({error}); take it from its source or train again"
            ) from error


def _unfit(folder: Path, what: str) -> str:
    return f"{folder} {what}, so weights and {CONFIG} are of two models; copy the folder again"


def _places(folder: Path, names: Mapping[str, Any]) -> dict[Path, list[str]]:
    """Return which weights lie in which file."""
    if not (folder / INDEX).is_file():
        return {folder / WEIGHTS: list(names)}
    placed = _read_json(folder / INDEX).get("weight_map", {})
    found: dict[Path, list[str]] = {}
    for name in names:
        if name not in placed:
            raise UsageError(_unfit(folder, f"has no weight {name} in its {INDEX}"))
        # A file's name alone: an index does not lead out of its folder.
        found.setdefault(folder / Path(placed[name]).name, []).append(name)
    return found


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(dict(content), ensure_ascii=False, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read ({error}); take it from its source again"
        ) from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no JSON object; take it from its source again")
    return content
