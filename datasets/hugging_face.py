"""The head of a data card that Hugging Face datasets reads: where the data are, of which types.

With it ``load_dataset(folder)`` needs no further word, decodes no audio unasked, and does not
guess types from the first samples (a score that is null in all of them would break the rest).
"""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import yaml

from lauter.datasets.selection import Selection

_NAMES = {
    "double": "float64", "float": "float32", "large_string": "string", "halffloat": "float16",
    # A record is JSON, where bytes stand in base64.
    "binary": "string", "large_binary": "string",
}  # fmt: skip


def front_matter(selection: Selection) -> str:
    """Return the YAML between two rulers with which the card of a WebDataset export begins."""
    head = {
        "pretty_name": "Speech by Lauter",
        "language": sorted(selection.tally.languages),
        "license": "other",
        "task_categories": ["text-to-speech"],
        "tags": ["speech", "synthetic", "webdataset"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"{split}/*.tar"} for split in selection.splits
                ],
            }
        ],
        "dataset_info": {"features": features(selection.fields)},
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n"


def features(fields: Iterable[pa.Field]) -> list[dict[str, Any]]:
    """Return the features of a sample whose record has ``fields``."""
    source = [
        {"name": "type", "dtype": "string"},
        {"name": "channels", "list": "int64"},
        {"name": "source", "struct": [_feature(field) for field in fields]},
    ]
    manifest = [
        {"name": "id", "dtype": "string"},
        {"name": "sources", "list": source},
        {"name": "sampling_rate", "dtype": "int64"},
        {"name": "num_samples", "dtype": "int64"},
        {"name": "duration", "dtype": "float64"},
        {"name": "channel_ids", "list": "int64"},
    ]
    return [
        {"name": "flac", "dtype": "binary"},
        {"name": "json", "struct": manifest},
        {"name": "__key__", "dtype": "string"},
        {"name": "__url__", "dtype": "string"},
    ]


def _feature(field: pa.Field) -> dict[str, Any]:
    return {"name": field.name, **_type(field.type)}


def _type(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"struct": [_feature(kind.field(index)) for index in range(kind.num_fields)]}
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = _type(kind.value_type)
        length = {"length": kind.list_size} if pa.types.is_fixed_size_list(kind) else {}
        return {"list": inner.get("dtype") or inner.get("struct"), **length}
    return {"dtype": _NAMES.get(str(kind), str(kind))}
