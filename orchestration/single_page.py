"""Reports as one HTML file that plays its own sounds and asks nothing of the network."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lauter.datasets.errors import UsageError
from lauter.datasets.location import Location


def generator_mark(report: str) -> bytes:
    """Return the element by which a page is known as ours, and may be written over."""
    return f'<meta name="generator" content="Lauter {report}">'.encode()


def check_replaceable(page: Location, mark: bytes) -> None:
    """Raise ``UsageError`` where ``page`` is there and none of ours."""
    if page.is_dir():
        raise UsageError(f"{page} is a folder; name a file for the report")
    if page.is_file() and mark not in page.read_bytes()[:2000]:
        raise UsageError(f"{page} is there and no report of Lauter's; name another file")


def check_writable(folder: Path) -> None:
    """Raise ``UsageError`` where no folder can be made here: known before hours are measured."""
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise UsageError(f"{folder} cannot be written, as {nearest} cannot; name another folder")


def render(template: str, *folders: Path, filters: Mapping[str, Any], **facts: Any) -> str:
    """Return a template of ``folders`` filled with ``facts``; what is a text stays a text."""
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"base64": as_base64, **filters}
    return environment.get_template(template).render(**facts)


def as_base64(content: bytes) -> str:
    """Return bytes as a page can hold them."""
    return base64.b64encode(content).decode()
