"""Croissant metadata (MLCommons, version 1.0): what an export's files hold, for machines.

The record set describes ``samples.parquet``, column by column; the shards stand beside it as sets
of files, to be opened where a row says.
"""

import json
import re
from typing import Any

import pyarrow as pa

from lauter.datasets.exported import PLACE_FIELDS, SAMPLES, ExportSummary
from lauter.datasets.selection import Selection

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    **{
        name: f"cr:{name}"
        for name in (
            "citeAs", "column", "extract", "field", "fileObject", "fileProperty", "fileSet",
            "equivalentProperty", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5",
            "parentField", "path", "recordSet", "references", "regex", "repeated", "replace",
            "samplingRate", "separator", "source", "subField", "transform",
        )
    },
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}  # fmt: skip


def croissant(selection: Selection, export: ExportSummary) -> str:
    """Return the JSON-LD of a WebDataset export."""
    samples = next(file for file in export.files if file.path == SAMPLES)
    tally = selection.tally
    digest = selection.corpus.digest(selection.policy)
    metadata = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "lauter-speech",
        "description": (
            f"{export.samples} utterances, {export.duration_s / 3600:.3f} h of speech by "
            f"{', '.join(sorted(tally.teachers))}, judged under the policy {selection.policy}. "
            "README.md tells the rest."
        ),
        "license": [licence_url(licence) for licence in licences(selection)],
        "inLanguage": sorted(tally.languages),
        "keywords": ["speech", "text-to-speech", "synthetic speech"],
        "version": "1.0.0",
        "citeAs": f"Speech made with Lauter, corpus digest {digest}",
        "datePublished": selection.corpus.committed().date().isoformat(),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": SAMPLES,
                "name": SAMPLES,
                "description": "One row a sample: where it lies, and its record",
                "contentUrl": SAMPLES,
                "contentSize": f"{samples.size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": samples.sha256,
            },
            *(_file_set(split) for split in selection.splits),
        ],
        "recordSet": [_record_set(selection)],
    }
    return json.dumps(metadata, ensure_ascii=False, indent=2) + "\n"


def licences(selection: Selection) -> list[str]:
    """Return the SPDX ids under which the exported texts and their voices stand."""
    spoken = selection.tally.speakers
    voices = [
        voice["licence"]
        for voice in selection.corpus.voices().select(["speaker", "licence"]).to_pylist()
        if voice["speaker"] in spoken
    ]
    texts = [licence for _, licence in selection.tally.texts]
    return sorted({licence for licence in (*voices, *texts) if licence})


_SPDX_ID = re.compile(r"(CC|Apache|MIT|BSD|GPL|LGPL|AGPL|MPL|ODbL|ODC|PDDL|OGL|Unlicense)[\w.+-]*")


def licence_url(licence: str) -> str:
    """Return where SPDX tells a licence's text; what is no single SPDX id stays as it is."""
    if not _SPDX_ID.fullmatch(licence):
        return licence
    return f"https://spdx.org/licenses/{licence}.html"


def _file_set(split: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-shards",
        "name": f"{split}-shards",
        "description": f"Tars of the split {split}: <request_id>.flac and <request_id>.json",
        "encodingFormat": "application/x-tar",
        "includes": f"{split}/*.tar",
    }


def _record_set(selection: Selection) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "samples",
        "name": "samples",
        "description": "One record a sample",
        "key": {"@id": "samples/request_id"},
        "field": [
            described
            for field in (*PLACE_FIELDS, *selection.fields)
            if (described := _field(field)) is not None
        ],
    }


def _field(field: pa.Field) -> dict[str, Any] | None:
    """Describe a column; Croissant has no word for lists of structures, so these are left out."""
    kind, repeated = field.type, False
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        kind, repeated = kind.value_type, True
    if (data_type := _data_type(kind)) is None:
        return None
    metadata = field.metadata or {}
    unit = f" ({metadata[b'unit'].decode()})" if b"unit" in metadata else ""
    return {
        "@type": "cr:Field",
        "@id": f"samples/{field.name}",
        "name": field.name,
        "description": metadata.get(b"description", field.name.encode()).decode() + unit,
        "dataType": data_type,
        **({"repeated": True} if repeated else {}),
        "source": {"fileObject": {"@id": SAMPLES}, "extract": {"column": field.name}},
    }


def _data_type(kind: pa.DataType) -> str | None:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "sc:Text"
    return None
