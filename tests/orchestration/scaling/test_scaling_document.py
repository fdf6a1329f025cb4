"""The document says what the assumptions are, and its plots are there."""

import re
import xml.etree.ElementTree as ET

import yaml
from documents import ROOT, linked_files
from small_plans import ASSUMPTIONS

DOCUMENT = ROOT / "docs" / "scaling.md"


def test_its_assumptions_are_those_that_are_reckoned_with() -> None:
    known = yaml.safe_load((ASSUMPTIONS / "h100.yaml").read_text())
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| ([\d.e]+) \| \D", DOCUMENT.read_text(), re.MULTILINE)
    assert len(rows) > 15
    for group, name, figure in rows:
        assert float(figure) == float(known[group][name]), f"{group}.{name}"


def test_what_it_links_to_is_there_and_its_plots_are_small_drawings() -> None:
    links = linked_files("docs/scaling.md")
    assert links
    for link in links:
        assert (DOCUMENT.parent / link.split("#")[0]).exists(), link
    plots = re.findall(r"!\[[^\]]+\]\((scaling/\w+\.svg)\)", DOCUMENT.read_text())
    assert len(plots) == 5
    for plot in plots:
        file = DOCUMENT.parent / plot
        ET.fromstring(file.read_text())
        assert file.stat().st_size < 20_000
