"""A cell: one manner in one dialect, the unit of quotas, yields and forecasts."""

from dataclasses import asdict, dataclass

from lauter.datasets.lineage import parent_of
from lauter.datasets.records import Prompt


@dataclass(frozen=True, slots=True)
class Cell:
    """One manner in one dialect, by one speaker or by any (an empty name)."""

    dialect: str
    emotion: str
    emotion_level: int
    style: str
    speed_level: int
    speaker: str

    def __str__(self) -> str:
        """Return it in words, such as ``en-US joy 2 plain``."""
        level = f" {self.emotion_level}" if self.emotion_level else ""
        speed = f", speed {self.speed_level:+}" if self.speed_level else ""
        speaker = f", {self.speaker}" if self.speaker else ""
        return f"{self.dialect} {self.emotion}{level} {self.style}{speed}{speaker}"


def chain_of(cell: Cell) -> list[Cell]:
    """Return a cell and those that it is edited from, nearest first, without plain neutral."""
    links = [cell]
    while True:
        asked = Prompt("", "", **asdict(links[-1]))
        parent = parent_of(asked)
        if parent is None or parent_of(parent) is None:
            return links
        links.append(Cell(**{name: getattr(parent, name) for name in asdict(cell)}))
