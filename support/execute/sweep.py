"""Writes down what a sweep found: a CSV file with a row for each run, and a figure."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from support.execute.parameters import Value, as_text
from support.execute.report import write
from support.execute.run import Result
from support.plots import DOTS_PER_INCH, LINE_STYLES

#: Values that reach over more than this ratio are drawn on a logarithmic axis.
WIDE = 30

#: As many swept values or fewer are all written at the axis.
MOST_TICKS = 8


def write_sweep(results: Sequence[Result], swept: dict[str, list[Value]], base: Path) -> list[Path]:
    """Save `base`.csv and, if any run published a number, `base`.png. Returns what was written.

    Args:
        results: of the runs, in order.
        swept: the values tried of each parameter; the first one is the figure's horizontal axis.
        base: the path of both files, without suffix.

    Raises:
        OSError: a file can't be written.
    """
    table, picture = (base.with_name(base.name + suffix) for suffix in (".csv", ".png"))
    write(table, as_csv(results))
    picture.unlink(missing_ok=True)
    if not any(result.published for result in results):
        return [table]
    figure(results, swept).savefig(picture, dpi=DOTS_PER_INCH)
    return [table, picture]


def as_csv(results: Sequence[Result]) -> str:
    """One row for each run: its parameters, what it published, seconds, peak memory in MiB, and error.

    A run that failed has empty fields for what it did not publish.
    """
    parameters = _names(result.parameters for result in results)
    published = _names(result.published for result in results)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*parameters, *published, "seconds", "peak_mib", "error"])
    for result in results:
        row = [result.parameters.get(name) for name in parameters]
        row += [result.published.get(name) for name in published]
        peak = None if result.peak_mib is None else round(result.peak_mib)
        rows.writerow([*row, round(result.seconds, 2), peak, result.error])
    return text.getvalue()


def figure(results: Sequence[Result], swept: dict[str, list[Value]]) -> Figure:
    """A panel for each published number over the first swept parameter: a mark for each run, a line by the medians.

    If the other parameters have as many combinations as there are line styles, or fewer, each has a line of its own.
    """
    published = _names(result.published for result in results)
    first, *others = swept
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(as_text({name: result.parameters[name] for name in others}), []).append(
            result
        )
    if len(groups) > len(LINE_STYLES):
        tried = ", ".join(f"{len(swept[name])} values of {name}" for name in others)
        groups = {f"median over {tried}": list(results)}

    drawing = Figure(figsize=(5.6, 0.6 + 2.6 * len(published)), layout="constrained")
    panels = drawing.subplots(len(published), 1, squeeze=False, sharex=True)[:, 0]
    for axes, number in zip(panels, published, strict=True):
        _draw(axes, groups, first, number, swept[first])
    panels[-1].set_xlabel(first)
    if any(groups):
        panels[0].legend()
    return drawing


def _draw(
    axes: Axes, groups: dict[str, list[Result]], parameter: str, number: str, values: list[Value]
) -> None:
    numeric = not isinstance(values[0], bool | str)
    place = {value: float(value) if numeric else at for at, value in enumerate(values)}
    drawn: list[float] = []
    without: list[Value] = []
    for (label, group), (color, line, marker) in zip(groups.items(), LINE_STYLES, strict=False):
        runs: dict[float, list[float]] = {}
        for result in group:
            value, y = result.parameters[parameter], result.published.get(number, math.nan)
            if math.isfinite(y):
                runs.setdefault(place[value], []).append(y)
            else:
                without.append(value)
        at = sorted(runs)
        style: dict[str, Any] = {"color": color, "marker": marker, "markersize": 5}
        axes.plot(
            at, [statistics.median(runs[x]) for x in at], linestyle=line, label=label, **style
        )
        dots = [(x, y) for x in at for y in runs[x]]
        axes.plot(*zip(*dots, strict=True), linestyle="none", alpha=0.5, **style)
        drawn += [y for _, y in dots]
    if numeric and _is_wide([float(value) for value in values]):
        axes.set_xscale("log")
    if len(values) <= MOST_TICKS or not numeric:
        axes.set_xticks(list(place.values()), [str(value) for value in values])
        axes.set_xticks([], minor=True)
    if _is_wide(drawn):
        axes.set_yscale("log")
    axes.set_ylabel(number)
    if without:
        where = ", ".join(map(str, dict.fromkeys(without)))
        runs_gave = "1 run gave" if len(without) == 1 else f"{len(without)} runs gave"
        note = f"{runs_gave} no finite number, at {parameter} {where}"
        axes.set_title(note, fontsize="small")


def _is_wide(numbers: Sequence[float]) -> bool:
    return bool(numbers) and min(numbers) > 0 and max(numbers) / min(numbers) > WIDE


def _names(rows: Any) -> list[str]:
    """All keys of the rows, in the order in which they first come."""
    return list(dict.fromkeys(name for row in rows for name in row))
