"""What the lineage page draws, as SVG that takes its colours from the page.

Two drawings a chain: its measures against the root, level by level, and its path, a dot a link.
And one drawing of all: how many of the utterances of each step were accepted, and where they went
on from there.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from lauter.orchestration.lineage.figures import distinct
from lauter.pipelines.chains import MEASURES, MOVED, Chain, Link

_WIDTH: Final = 132
_HEIGHT: Final = 74
_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 126, 16, 62
_RADIUS: Final = 3.2
_BOX: Final = 144
_TREE_COLUMN: Final = _BOX + 22
_TREE_ROW: Final = 26


def measures_plot(chain: Chain, limits: Mapping[str, float]) -> str:
    """Return small plots of what is known of a chain's measures over its levels, side by side.

    ``limits`` gives for each measure the largest movement that its plot has room for.
    """
    names = {MOVED: "levels moved", **MEASURES}
    known = {
        name for link in chain.links for name, moved in link.moved.items() if moved is not None
    }
    plots = [_plot(name, names[name], chain, limits[name]) for name in names if name in known]
    return "".join(plots)


def _plot(name: str, label: str, chain: Chain, limit: float) -> str:
    steps = (_RIGHT - _LEFT) / len(chain.links)
    middle, reach = (_TOP + _BOTTOM) / 2, (_BOTTOM - _TOP) / 2
    places = [(float(_LEFT), middle, True, f"{chain.root.name}: 0")]
    for number, link in enumerate(chain.links, 1):
        moved = link.moved.get(name)
        if moved is not None:
            y = middle - max(-1.0, min(1.0, moved / limit)) * reach
            told = f"{link.name}: {_figure(moved)}"
            places.append((_LEFT + steps * number, y, bool(link.accepted), told))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in places)
    dots = "".join(
        f'<circle class="{"yes" if fine else "no"}" cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}">'
        f"<title>{escape(told)}</title></circle>"
        for x, y, fine, told in places
    )
    spoken = escape(f"{label}: " + "; ".join(told for *_, told in places))
    return (
        f'<svg class="measure" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{spoken}">'
        f'<text x="{_LEFT}" y="10">{escape(label)}</text>'
        f'<line class="axis" x1="{_LEFT}" x2="{_RIGHT}" y1="{middle:.1f}" y2="{middle:.1f}"/>'
        f'<polyline class="path" points="{line}"/>{dots}'
        f'<text x="{_RIGHT}" y="{_HEIGHT - 2}" text-anchor="end">±{_figure(limit)}</text></svg>'
    )


def limits_of(chains: Sequence[Chain]) -> dict[str, float]:
    """Return for each measure what nearly all links stay within, so that plots can be compared."""
    limits = {}
    for name in (MOVED, *MEASURES):
        found = sorted(
            abs(moved)
            for chain in chains
            for link in chain.links
            if (moved := link.moved.get(name)) is not None
        )
        limits[name] = max(1e-6, found[int(0.98 * (len(found) - 1))]) if found else 1.0
    return limits


def forest(chains: Sequence[Chain]) -> str:
    """Return the lineage of all chains as one drawing: a row a kind, a node a step.

    A node says how many of its utterances were accepted; the width of a line how many went on.
    """
    kinds = sorted({chain.kind for chain in chains})
    widest = max(len(chain.links) for chain in chains)
    roots = distinct(chain.root for chain in chains)
    (label, *others) = {root.name for root in roots}
    width = (widest + 1) * _TREE_COLUMN + 20
    height = len(kinds) * _TREE_ROW * 2 + 10
    root_y = height / 2
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="lineage of all edits">']
    nodes = [_node("as spoken" if others else label, roots, 4, root_y)]
    for number, kind in enumerate(kinds):
        y = (2 * number + 1) * _TREE_ROW + 5
        of_kind = [chain for chain in chains if chain.kind == kind]
        before_x, before_y = 4.0, root_y
        for place in range(max(len(chain.links) for chain in of_kind)):
            links = distinct(chain.links[place] for chain in of_kind if len(chain.links) > place)
            x = 4 + (place + 1) * _TREE_COLUMN
            thickness = 1 + 5 * len(links) / max(1, len(roots))
            parts.append(
                f'<path class="path" style="stroke-width:{min(6.0, thickness):.1f}" '
                f'd="M{before_x + _BOX:.0f},{before_y:.0f} C{x - 10:.0f},{before_y:.0f} '
                f'{before_x + _BOX + 10:.0f},{y:.0f} {x:.0f},{y:.0f}"/>'
            )
            nodes.append(_node(links[0].name, links, x, y))
            before_x, before_y = x, float(y)
    return "".join([*parts, *nodes, "</svg>"])


def _node(label: str, links: Sequence[Link], x: float, y: float) -> str:
    accepted = sum(bool(link.accepted) for link in links)
    share = accepted / len(links)
    told = f"{label}: {accepted} of {len(links)} accepted"
    return (
        f"<g><title>{escape(told)}</title>"
        f'<rect class="node" x="{x:.0f}" y="{y - 11:.0f}" width="{_BOX}" height="22" rx="5"/>'
        f'<rect class="yes" x="{x:.0f}" y="{y + 7:.0f}" width="{_BOX * share:.1f}" height="4"/>'
        f'<text x="{x + 6:.0f}" y="{y + 3:.0f}">{escape(label)} '
        f"· {accepted}/{len(links)}</text></g>"
    )


def _figure(figure: float) -> str:
    return f"{figure:.2g}".replace("-", "\N{MINUS SIGN}")
