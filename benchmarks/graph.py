"""Lines over time as an SVG that needs nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

_WIDTH, _HEIGHT, _LEFT, _TOP = 760, 320, 50, 20
_COLOURS: Final = ("#0b6bcb", "#c04a1a", "#3a7d34", "#7a4fa3")
_STEPS: Final = 5


def graph(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """``lines``: name → points of (minutes, value), all on one axis that begins at 0."""
    points = [point for line in lines.values() for point in line]
    last, most = max(x for x, _ in points) or 1, max(y for _, y in points) * 1.1 or 1
    parts = [f'<text x="{_LEFT}" y="14" font-weight="bold">{escape(title)}</text>', *_axes(last, most)]
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{_x(x, last):.1f},{_y(y, most):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        at = _LEFT + 10 + number * 170
        parts.append(f'<text x="{at}" y="{_HEIGHT + 58}" fill="{colour}">{escape(name)}: {line[-1][1]:g}</text>')
    style = 'font-family="sans-serif" font-size="12" style="background:#fff"'
    size = f'viewBox="0 0 {_WIDTH + _LEFT + 20} {_HEIGHT + 70}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{"".join(parts)}</svg>\n'


def _axes(last: float, most: float) -> Iterable[str]:
    for step in range(_STEPS + 1):
        value, minute = most * step / _STEPS, last * step / _STEPS
        y, x = _y(value, most), _x(minute, last)
        yield f'<path d="M{_LEFT} {y:.1f}h{_WIDTH}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.0f}</text>'
        yield f'<text x="{x:.1f}" y="{_HEIGHT + 38}" text-anchor="middle">{minute:.1f} min</text>'


def _x(minute: float, last: float) -> float:
    return _LEFT + _WIDTH * minute / last


def _y(value: float, most: float) -> float:
    return _TOP + _HEIGHT * (1 - value / most)
