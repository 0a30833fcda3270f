"""A layout of boxes and the ways between them, layer by layer from the top (Sugiyama's method).

Ways back are reversed; every box stands below all boxes that lead to it; boxes of a layer are ordered like their
neighbours; and each is moved as near to the middle of its neighbours as the others allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

LAYER_GAP: Final = 26.0
BOX_GAP: Final = 28.0
_BEND: Final = 10.0
"""Width kept free for a way that passes a layer."""
_SWEEPS: Final = 12

Way: TypeAlias = tuple[str, str]
Point: TypeAlias = tuple[float, float]
_Layers: TypeAlias = list[list[str]]


@dataclass(frozen=True, slots=True)
class Places:
    """Centres of boxes; ``bends`` are the points a way passes between its ends; the whole begins at (0, 0)."""

    width: float
    height: float
    centres: Mapping[str, Point]
    bends: Mapping[Way, tuple[Point, ...]]


def arrange(sizes: Mapping[str, tuple[float, float]], ways: Sequence[Way], start: str) -> Places:
    """``sizes`` are (width, height); ways from a box to itself count for nothing."""
    ways = [way for way in dict.fromkeys(ways) if way[0] != way[1]]
    down, turned = _downward(sizes, ways, start)
    ranks = _ranks(sizes, down)
    chains = {way: _chain(way, ranks) for way in down}
    links = [link for chain in chains.values() for link in pairwise(chain)]
    layers = _layers(sizes, ranks, chains, start, down)
    above, below = _neighbours(links)
    _order(layers, above, below)
    widths = {name: sizes[name][0] if name in sizes else _BEND for layer in layers for name in layer}
    across = _across(layers, widths, above, below)
    heights = [max((sizes[name][1] for name in layer if name in sizes), default=0.0) for layer in layers]
    middles = [sum(heights[:i]) + heights[i] / 2 + i * LAYER_GAP for i in range(len(layers))]
    centres = {name: (across[name], middles[rank]) for rank, layer in enumerate(layers) for name in layer}
    bends = {}
    for way, chain in chains.items():
        points = tuple(centres[name] for name in chain[1:-1])
        bends[way[::-1] if way in turned else way] = points[::-1] if way in turned else points
    width = max((across[name] + widths[name] / 2 for name in across), default=0.0)
    height = sum(heights) + LAYER_GAP * max(len(layers) - 1, 0)
    return Places(width, height, {name: centres[name] for name in sizes}, bends)


def _downward(names: Mapping[str, object], ways: Sequence[Way], start: str) -> tuple[list[Way], set[Way]]:
    """The ways without a circle: those that lead back are turned round. Without recursion, as chains may be long."""
    out: dict[str, list[str]] = {name: [] for name in names}
    for source, target in ways:
        out[source].append(target)
    done: set[str] = set()
    open_: set[str] = set()
    back: set[Way] = set()
    for root in [start, *names]:
        waiting = [(root, iter(out.get(root, ())))] if root in out and root not in done else []
        open_.update(name for name, _ in waiting)
        while waiting:
            name, targets = waiting[-1]
            following = next(targets, None)
            if following is None:
                waiting.pop()
                open_.discard(name)
                done.add(name)
            elif following in open_:
                back.add((name, following))
            elif following not in done:
                open_.add(following)
                waiting.append((following, iter(out[following])))
    kept = dict.fromkeys(way[::-1] if way in back else way for way in ways)
    return list(kept), {way[::-1] for way in back if way[::-1] not in ways}


def _ranks(names: Mapping[str, object], down: Sequence[Way]) -> dict[str, int]:
    """The layer of each box: below all boxes that lead to it."""
    before: dict[str, int] = dict.fromkeys(names, 0)
    out: dict[str, list[str]] = {name: [] for name in names}
    for source, target in down:
        before[target] += 1
        out[source].append(target)
    ranks = dict.fromkeys(names, 0)
    ready = [name for name in names if not before[name]]
    while ready:
        name = ready.pop()
        for target in out[name]:
            ranks[target] = max(ranks[target], ranks[name] + 1)
            before[target] -= 1
            if not before[target]:
                ready.append(target)
    return ranks


def _chain(way: Way, ranks: Mapping[str, int]) -> list[str]:
    """A way, with a bend in each layer that it passes."""
    source, target = way
    return [source, *(f"{source}\0{target}\0{rank}" for rank in range(ranks[source] + 1, ranks[target])), target]


def _layers(
    names: Mapping[str, object],
    ranks: Mapping[str, int],
    chains: Mapping[Way, list[str]],
    start: str,
    down: Sequence[Way],
) -> _Layers:
    """The boxes of each layer, in the order in which a walk from the start reaches them."""
    layers: _Layers = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    out: dict[str, list[str]] = {}
    for source, target in down:
        out.setdefault(source, []).append(target)
    seen: set[str] = set()
    waiting = [*reversed(list(names)), *([start] if start in ranks else [])]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        layers[ranks[name]].append(name)
        for target in out.get(name, ()):
            for rank, bend in enumerate(chains[name, target][1:-1], ranks[name] + 1):
                layers[rank].append(bend)
        waiting += reversed(out.get(name, ()))
    return layers


def _neighbours(links: Sequence[Way]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for source, target in links:
        below.setdefault(source, []).append(target)
        above.setdefault(target, []).append(source)
    return above, below


def _order(layers: _Layers, above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> None:
    for sweep in range(_SWEEPS):
        towards, order = (above, layers) if sweep % 2 == 0 else (below, layers[::-1])
        for fixed, moved in pairwise(order):
            at = {name: float(i) for i, name in enumerate(fixed)}
            here = {name: float(i) for i, name in enumerate(moved)}
            moved.sort(key=lambda name: _mean([at[n] for n in towards.get(name, ())], here[name]))


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _across(
    layers: _Layers,
    widths: Mapping[str, float],
    above: Mapping[str, list[str]],
    below: Mapping[str, list[str]],
) -> dict[str, float]:
    """Horizontal centres; the leftmost edge is at 0."""
    at: dict[str, float] = {}
    for layer in layers:
        _settle(layer, [0.0] * len(layer), widths, at)
    for sweep in range(_SWEEPS):
        towards, order = (above, layers) if sweep % 2 == 0 else (below, layers[::-1])
        for layer in order:
            wanted = [_mean([at[n] for n in towards.get(name, ())], at[name]) for name in layer]
            _settle(layer, wanted, widths, at)
    left = min((at[name] - widths[name] / 2 for name in at), default=0.0)
    return {name: x - left for name, x in at.items()}


def _settle(layer: Sequence[str], wanted: Sequence[float], widths: Mapping[str, float], at: dict[str, float]) -> None:
    """The places nearest to the wanted ones that keep order and gaps: isotonic regression, which pools boxes that
    collide.
    """
    shifts, pools = [0.0], list[tuple[float, int]]()
    for left, right in pairwise(layer):
        shifts.append(shifts[-1] + (widths[left] + widths[right]) / 2 + BOX_GAP)
    for want, shift in zip(wanted, shifts, strict=False):
        mean, count = want - shift, 1
        while pools and pools[-1][0] > mean:
            other, many = pools.pop()
            mean, count = (mean * count + other * many) / (count + many), count + many
        pools.append((mean, count))
    bases = [mean for mean, count in pools for _ in range(count)]
    for name, base, shift in zip(layer, bases, shifts, strict=False):
        at[name] = base + shift
