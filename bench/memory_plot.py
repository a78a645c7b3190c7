"""The retention plot as an SVG, written by hand: one line a layout over the horizons.

Comes in: horizons and values. Goes out: a file that any browser shows and any page can embed.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["write_plot"]

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 380, 60, 24, 190, 50
COLOURS = ("#c2410c", "#ea9a6b", "#1d4ed8", "#0f766e", "#7e22ce", "#4d7c0f", "#475569", "#be185d")


def write_plot(path: Path, horizons_s: Sequence[int], series: Mapping[str, Sequence[float]]) -> None:
    """Percent over the logarithm of the horizon."""
    low, high = math.log(horizons_s[0]), math.log(horizons_s[-1])

    def place(horizon_s: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (math.log(horizon_s) - low) / (high - low)
        return round(x, 1), round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / 100), 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for value in range(0, 101, 20):
        x, y = place(horizons_s[0], value)
        lines.append(f'<line x1="{x}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#e2e8f0"/>')
        lines.append(f'<text x="{x - 8}" y="{y + 4}" text-anchor="end" fill="#334155">{value}</text>')
    for horizon_s in horizons_s:
        x, y = place(horizon_s, 0)
        title = f"{horizon_s} s" if horizon_s < 60 else f"{horizon_s // 60} min"
        lines.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle" fill="#334155">{title}</text>')
    lines.append(
        f'<text x="{LEFT}" y="{HEIGHT - 8}" fill="#334155">time since the event; pairs of twin streams both answered '
        "right, percent; events of 3 frames or more</text>"
    )
    heights = _spread([place(horizons_s[-1], values[-1])[1] for values in series.values()])
    for (name, values), colour, height in zip(series.items(), COLOURS, heights, strict=False):
        points = " ".join(f"{x},{y}" for x, y in (place(h, v) for h, v in zip(horizons_s, values, strict=True)))
        width = 3 if name.startswith("ours") else 1.6
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        lines.append(f'<text x="{WIDTH - RIGHT + 8}" y="{height + 4}" fill="{colour}">{name.replace("_", " ")}</text>')
    path.write_text("\n".join([*lines, "</svg>"]) + "\n", encoding="utf-8")


def _spread(heights: Sequence[float], least: float = 15.0) -> list[float]:
    """The heights of the names, moved so that none covers another."""
    order = sorted(range(len(heights)), key=lambda row: -heights[row])
    moved = list(heights)
    for below, row in zip(order, order[1:], strict=False):
        moved[row] = min(moved[row], moved[below] - least)
    return moved
