"""Policies: which figures an utterance must have, and why.

A policy is a YAML file of gates. Each gate names a score, its bounds, the slices (by dialect,
style, …) where other bounds hold, a reason that a reader of the verdict will see, and its own
examples: figures that must pass and figures that must fail, checked by `lauter doctor` and the
tests. Two files with the same content are the same policy, whatever their layout.
"""

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.lineage import EDIT_FIELD, EDITS
from lauter.datasets.records import CELL_COLUMNS
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Language, Style

POLICY_DOMAIN = "lauter.policy.v1"
POLICY_FOLDER = Path(__file__).parent / "policies"

SPOKEN = "spoken"
"""The gate that every row without speech fails, whatever the policy."""
MEASURED = "measured"
"""The gate that a row fails of which a scorer could not make, or was not asked for, its figures."""

CONSENT = "consent"
"""The gate that a row fails whose voice may not be used, whatever the policy."""
TAG_COLUMNS = (*CELL_COLUMNS, EDIT_FIELD.name)
"""What bounds may be distinguished by: the cell of a row, and the edit that made it."""

_BOUND_KEYS = ("at_least", "at_most", "between")
_GATE_KEYS = {
    "gate", "score", *_BOUND_KEYS, "absent", "slices", "applies_to", "reason", "stop",
    "required", "examples",
}  # fmt: skip
_KNOWN_VALUES: Mapping[str, Collection[object]] = {
    "language": [value.value for value in Language],
    "dialect": [value.value for value in Dialect],
    "emotion": [value.value for value in Emotion],
    "style": [value.value for value in Style],
    "emotion_level": range(MAX_LEVEL + 1),
    "speed_level": range(-MAX_LEVEL, MAX_LEVEL + 1),
    EDIT_FIELD.name: EDITS,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The figures that pass: from ``lower`` to ``upper``, both included."""

    lower: float = -math.inf
    upper: float = math.inf

    def missed(self, figure: float) -> float | None:
        """Return the bound that ``figure`` misses, or None; NaN misses every finite one."""
        if math.isfinite(self.lower) and not figure >= self.lower:
            return self.lower
        if math.isfinite(self.upper) and not figure <= self.upper:
            return self.upper
        return None


@dataclass(frozen=True, slots=True)
class Slice:
    """Other bounds for the rows whose ``column`` has one of ``values``; the last match holds."""

    column: str
    values: tuple[Any, ...]
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Example:
    """A figure with the tags of its row (column → value), and whether it must pass."""

    figure: float
    tags: Mapping[str, Any]
    passes: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition on one score.

    A null score is *not applicable* and passes, unless the gate is ``required``. ``absent`` turns
    this round: the score must be null. A gate marked ``stop`` spares the dearer scorers.
    """

    name: str
    score: str
    bounds: Bounds
    reason: str
    slices: tuple[Slice, ...] = ()
    applies_to: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    absent: bool = False
    stop: bool = False
    required: bool = False
    examples: tuple[Example, ...] = ()

    @property
    def thresholds(self) -> list[float]:
        """The finite bounds that hold where no slice says otherwise."""
        return [b for b in (self.bounds.lower, self.bounds.upper) if math.isfinite(b)]

    def bounds_for(self, tags: Mapping[str, Any]) -> Bounds | None:
        """Return the bounds for a row with these tags; None where the gate does not apply."""
        for column, values in self.applies_to.items():
            if tags.get(column) not in values:
                return None
        bounds = self.bounds
        for piece in self.slices:
            if tags.get(piece.column) in piece.values:
                bounds = piece.bounds
        return bounds


@dataclass(frozen=True, slots=True)
class Policy:
    """Gates under a name. ``yaml`` is its text, ``digest`` its content's."""

    name: str
    gates: tuple[Gate, ...]
    digest: str
    yaml: str

    @property
    def scores(self) -> list[str]:
        """The score columns that the gates read, each once."""
        return list(dict.fromkeys(gate.score for gate in self.gates))


def load_policy(path: str | Path) -> Policy:
    """Read a policy from a file, or by the name of one that comes with Lauter (``default``)."""
    file = Path(path)
    shipped = POLICY_FOLDER / f"{path}.yaml"
    if not file.is_file():
        file = shipped
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        names = ", ".join(sorted(known.stem for known in POLICY_FOLDER.glob("*.yaml")))
        raise UsageError(
            f"there is no policy file {path}; name a YAML file or one of {names}"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"the policy file {path} is no UTF-8 text; name a YAML file") from None
    return parse_policy(text, str(path))


def parse_policy(text: str, origin: str = "the policy") -> Policy:
    """Read a policy from YAML text; raises ``UsageError`` with the gate and key that is wrong."""
    try:
        content = yaml.load(text, _EachKeyOnce)
    except (ValueError, OverflowError, RecursionError) as error:
        raise UsageError(f"{origin} is no valid YAML ({error}); mend it there") from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" at line {place.line + 1}" if place else ""
        problem = getattr(error, "problem", None)
        line += f" ({problem})" if problem else ""
        raise UsageError(f"{origin} is no valid YAML{line}; mend it there") from error
    if not isinstance(content, dict) or not isinstance(content.get("gates"), list):
        raise UsageError(f"{origin} is no policy; it needs `name:` and a list of `gates:`")
    if unknown := set(content) - {"name", "gates"}:
        raise UsageError(
            f"{origin} has an unknown key '{min(map(str, unknown))}'; it has `name:` and `gates:`"
        )
    gates = tuple(_gate(entry, number, origin) for number, entry in enumerate(content["gates"], 1))
    names = [gate.name for gate in gates]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"{origin} has two gates named {', '.join(sorted(doubled))}; rename one")
    name = str(content.get("name") or Path(origin).stem)
    return Policy(name, gates, _digest(gates), text)


class _EachKeyOnce(yaml.SafeLoader):
    """YAML as it should be: the second of two equal keys would replace the first in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if doubled := [key for key in keys if keys.count(key) > 1]:
            raise yaml.MarkedYAMLError(
                problem=f"the key '{doubled[0]}' stands twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


def _digest(gates: tuple[Gate, ...]) -> str:
    """Return the digest of all that shows in verdicts: what is judged and what is said of it.

    It is taken of what was read, not of the file: layout, comments, examples, the order of keys
    and ``1`` for ``1.0`` do not change it.
    """
    content = [
        {
            "gate": gate.name,
            "score": gate.score,
            "bounds": _finite(gate.bounds),
            "slices": [[s.column, list(s.values), _finite(s.bounds)] for s in gate.slices],
            "applies_to": {column: list(values) for column, values in gate.applies_to.items()},
            "absent": gate.absent,
            "stop": gate.stop,
            "required": gate.required,
            "reason": gate.reason,
        }
        for gate in gates
    ]
    return content_id(POLICY_DOMAIN, {"gates": content})


def _finite(bounds: Bounds) -> list[float | None]:
    return [side if math.isfinite(side) else None for side in (bounds.lower, bounds.upper)]


def check_scores(policy: Policy, known: Collection[str], no_figures: Collection[str] = ()) -> None:
    """Raise ``UsageError`` where a gate reads a score that nothing measures.

    Also where it compares one of ``no_figures``, which are no numbers.
    """
    for gate in policy.gates:
        if gate.score in no_figures and not gate.absent:
            raise UsageError(
                f"the gate '{gate.name}' compares the score '{gate.score}', which is no number; "
                "use `absent: true` or another score"
            )
        if gate.score not in known:
            near = difflib.get_close_matches(gate.score, known, 1)
            hint = f"did you mean {near[0]}?" if near else "add the scorer that measures it"
            raise UsageError(
                f"the gate '{gate.name}' of the policy '{policy.name}' reads the score "
                f"'{gate.score}', which no scorer measures; {hint}"
            )


def check_examples(policy: Policy) -> list[str]:
    """Return a sentence for each example that a gate gets wrong, and each gate without any."""
    wrong = []
    for gate in policy.gates:
        if gate.absent:
            continue
        kinds = {example.passes for example in gate.examples}
        if kinds != {True, False}:
            wrong.append(f"the gate '{gate.name}' needs examples that pass and examples that fail")
        for example in gate.examples:
            bounds = gate.bounds_for(example.tags)
            passes = bounds is None or bounds.missed(example.figure) is None
            if passes != example.passes:
                expected = "pass" if example.passes else "fail"
                where = f" for {dict(example.tags)}" if example.tags else ""
                wrong.append(
                    f"the gate '{gate.name}' should {expected} {gate.score} "
                    f"{example.figure:g}{where}, and does not"
                )
    return wrong


def _gate(entry: Any, number: int, origin: str) -> Gate:
    where = f"gate {number} of {origin}"
    if not isinstance(entry, dict):
        raise UsageError(f"{where} is no mapping; write `gate:`, `score:`, a bound and `reason:`")
    where = f"the gate '{entry.get('gate', number)}' of {origin}"
    if unknown := set(entry) - _GATE_KEYS:
        key = sorted(map(str, unknown))[0]
        near = difflib.get_close_matches(key, _GATE_KEYS, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(_GATE_KEYS))}"
        raise UsageError(f"{where} has an unknown key '{key}'; {hint}")
    for key in ("gate", "score", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise UsageError(f"{where} has no {key}; every gate says what it reads and why")
    if entry["gate"] in (SPOKEN, MEASURED, CONSENT):
        raise UsageError(f"{where} has the name of a gate that every policy has; rename it")
    absent = _flag(entry, "absent", where)
    if absent == any(key in entry for key in _BOUND_KEYS):
        raise UsageError(
            f"{where} needs at_least, at_most, both, or between; or `absent: true` alone"
        )
    bounds = _bounds(entry, Bounds(), where)
    return Gate(
        name=entry["gate"],
        score=entry["score"],
        bounds=bounds,
        reason=" ".join(entry["reason"].split()),
        slices=tuple(
            _slice(piece, bounds, where) for piece in _listed(entry.get("slices"), where, "slices")
        ),
        applies_to=_applies_to(entry.get("applies_to") or {}, where),
        absent=absent,
        stop=_flag(entry, "stop", where),
        required=_flag(entry, "required", where),
        examples=_examples(entry.get("examples") or {}, where),
    )


def _flag(entry: Mapping[str, Any], key: str, where: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise UsageError(f"{where} has {key}: {value!r}; write true or false")
    return value


def _bounds(entry: Mapping[str, Any], otherwise: Bounds, where: str) -> Bounds:
    if "between" in entry:
        pair = entry["between"]
        if not isinstance(pair, list) or len(pair) != 2 or {"at_least", "at_most"} & set(entry):
            raise UsageError(f"{where} has a `between` that is not alone or no pair; write [a, b]")
        entry = {"at_least": pair[0], "at_most": pair[1]}
    found = {}
    for key, side in (("at_least", "lower"), ("at_most", "upper")):
        value = entry.get(key, getattr(otherwise, side))
        found[side] = _as_number(value, key, where)
    if not (found["lower"] <= found["upper"] and found["lower"] < math.inf > -found["upper"]):
        raise UsageError(
            f"{where} lets nothing pass: {found['lower']:g} is above {found['upper']:g}"
        )
    return Bounds(**found)


def _as_number(value: Any, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise UsageError(f"{where} has {key}: {value!r}, which is no number")
    try:
        return float(value)
    except OverflowError:
        raise UsageError(f"{where} has {key} beyond all numbers; write a smaller one") from None


def _slice(piece: Any, otherwise: Bounds, where: str) -> Slice:
    if not isinstance(piece, dict):
        raise UsageError(f"{where} has a slice that is no mapping; write e.g. `- dialect: cmn`")
    columns = [key for key in piece if key not in _BOUND_KEYS]
    if len(columns) != 1 or len(piece) == 1:
        raise UsageError(f"{where} has a slice {piece}; give one column and the bounds there")
    values = _values(columns[0], piece[columns[0]], where)
    return Slice(columns[0], values, _bounds(piece, otherwise, where))


def _applies_to(conditions: Any, where: str) -> dict[str, tuple[Any, ...]]:
    if not isinstance(conditions, dict):
        raise UsageError(f"{where} has an applies_to that is no mapping of columns to values")
    return {column: _values(column, value, where) for column, value in conditions.items()}


def _values(column: Any, value: Any, where: str) -> tuple[Any, ...]:
    """Return the values of a tag, each of which some row may have."""
    if column not in TAG_COLUMNS:
        near = difflib.get_close_matches(str(column), TAG_COLUMNS, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(TAG_COLUMNS)}"
        raise UsageError(f"{where} distinguishes by '{column}', which no row has; {hint}")
    values = tuple(value) if isinstance(value, list) else (value,)
    if not values:
        raise UsageError(f"{where} gives no {column} in an empty list; name some or leave it out")
    # 2.0 is 2, in digests too.
    values = tuple(int(v) if isinstance(v, float) and v.is_integer() else v for v in values)
    known = _KNOWN_VALUES.get(column)
    for one in values:
        if isinstance(one, bool) or (one not in known if known else not isinstance(one, str)):
            choices = [str(choice) for choice in known or ()]
            near = difflib.get_close_matches(str(one), choices, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(choices) or 'names'}"
            raise UsageError(f"{where} names the {column} '{one}', which there is not; {hint}")
    return values


def _examples(groups: Any, where: str) -> tuple[Example, ...]:
    if not isinstance(groups, dict) or set(groups) - {"pass", "fail"}:
        raise UsageError(f"{where} has examples that are no mapping of `pass:` and `fail:` lists")
    examples = []
    for kind in ("pass", "fail"):
        for entry in _listed(groups.get(kind), where, "examples"):
            tags = dict(entry) if isinstance(entry, dict) else {"figure": entry}
            figure = tags.pop("figure", None)
            if isinstance(figure, bool) or not isinstance(figure, int | float):
                raise UsageError(f"{where} has an example without a figure: {entry!r}")
            for column, value in tags.items():
                _values(column, value, where)
            examples.append(Example(_as_number(figure, "figure", where), tags, kind == "pass"))
    return tuple(examples)


def _listed(value: Any, where: str, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise UsageError(f"{where} has {what} that are no list")
    return value
