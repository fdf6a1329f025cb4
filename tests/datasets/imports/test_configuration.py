"""The configurations make the readers that they name."""

from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

import lauter.datasets.imports as imports
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import Folder, LhotseManifest, NemoManifest, Origin, WebDatasetTars

CONFIGURATIONS = Path(__file__).parents[3] / "orchestration" / "conf" / "source"
READERS = {
    "folder": Folder,
    "lhotse": LhotseManifest,
    "nemo": NemoManifest,
    "webdataset": WebDatasetTars,
}


@pytest.mark.parametrize("name", READERS)
def test_a_configuration_makes_its_reader_with_the_defaults_of_the_code(name: str) -> None:
    settings = OmegaConf.load(CONFIGURATIONS / f"{name}.yaml")
    with pytest.raises(UsageError, match=r"set source\.path="):
        next(iter(instantiate(settings)))
    made = instantiate(settings, path="somewhere", columns={"text": "said"}, _convert_="all")
    assert made == READERS[name]("somewhere", Origin(), {"text": "said"})


def test_every_reader_has_a_configuration() -> None:
    readers = {name for name in imports.__all__ if hasattr(getattr(imports, name), "__iter__")}
    assert {reader.__name__ for reader in READERS.values()} == readers - {"Source"} - {
        name for name in imports.__all__ if name.endswith("SCHEMA")
    }
    assert {path.stem for path in CONFIGURATIONS.glob("*.yaml")} == {*READERS, "songs"}
    # Lines of songs are not fetched as they lie: tests/pipelines/test_harvest.py makes that source.
