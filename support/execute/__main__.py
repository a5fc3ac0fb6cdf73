"""The command: `python -m support.execute notebooks` (that is `make run`); `--help` says what else it can do."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from support import warm_kernel

if TYPE_CHECKING:
    from support.execute.parameters import Settings, Value

EXAMPLES = """
examples:
  python -m support.execute notebooks
  python -m support.execute notebooks/06_linear_classifier.ipynb -p learning_rate 0.2 -p steps 20
  python -m support.execute notebooks/06_linear_classifier.ipynb --sweep learning_rate=0.01,0.1 --sweep seed=0..9
  python -m support.execute notebooks --scheduler tcp://localhost:8786
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    Returns:
        0 if every notebook ran to its end, 1 if not, 2 if nothing could run, 130 if Ctrl-C ended it.
    """
    options = _parser().parse_intermixed_args(arguments)
    if not options.scheduler:
        warm_kernel.start_early()  # it imports TensorFlow while this process imports papermill
    from support.execute.many import NoCluster, open_pool, run_all
    from support.execute.report import INDEX, table, write_outcome, write_reports
    from support.execute.run import Limits, Outcome, Result, Task

    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"can't make the folder {options.output}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        paths = find_notebooks(options.notebooks)
        swept, settings = choose_parameters(paths, options)
        limits = Limits(options.cell_timeout, options.timeout, options.memory_limit)
        sources: dict[str, Path] = {}
        tasks = []
        for path in paths:
            notebook = path.read_text(encoding="utf-8", errors="replace")
            folder = None if options.scheduler else str(path.parent.resolve())
            for chosen in settings:
                name = _file_name(path.stem, chosen, swept)
                if name in sources:
                    raise ValueError(f"two runs would write to the same files, named {name}")
                sources[name] = path
                tasks.append(Task(name, notebook, folder, chosen, limits))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2

    # A long one at the end would leave cores idle; as a rule, one with more code cells takes longer.
    longest_first = sorted(tasks, key=lambda task: -task.notebook.count('"cell_type": "code"'))
    results: dict[str, Result] = {}

    def take(outcome: Outcome) -> None:
        result = outcome.result
        try:
            in_place = sources[result.name] if options.in_place else None
            write_outcome(outcome, options.output, in_place)
        except (OSError, ValueError) as error:  # ValueError: a text that UTF-8 has no bytes for
            reason = getattr(error, "strerror", None) or str(error)
            result = dataclasses.replace(result, error=result.error or reason)
        results[result.name] = result
        bar.set_postfix_str(result.name)
        bar.update()

    try:
        with (
            open_pool(options.jobs, options.scheduler) as pool,
            tqdm(total=len(tasks), unit="notebook") as bar,
        ):
            complete = run_all(pool, longest_first, take)
    except NoCluster as error:
        print(error, file=sys.stderr)
        return 2

    in_order = [results[task.name] for task in tasks]
    print(table(in_order))
    try:
        write_reports(in_order, options.output)
        print(f"\nPages: {options.output / INDEX}")
        if swept:
            from support.execute.sweep import write_sweep  # loads Matplotlib

            base = options.output / f"{paths[0].stem}-sweep"
            print("Sweep:", *write_sweep(in_order, swept, base))
    except OSError as error:
        print(error.strerror, file=sys.stderr)
        return 1
    if not complete:
        return 130
    return 1 if any(result.error for result in in_order) else 0


def find_notebooks(places: Sequence[Path]) -> list[Path]:
    """The notebooks that are named, and those in the folders that are named, sorted within each folder.

    Raises:
        ValueError: a place does not exist, is no notebook, or holds none.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = sorted(place.glob("*.ipynb"))
            if not inside:
                raise ValueError(f"no notebook in the folder {place}")
            found += inside
        elif place.suffix == ".ipynb" and place.is_file():
            found.append(place)
        else:
            raise ValueError(f"{place} is neither a notebook nor a folder of notebooks")
    return found


def choose_parameters(
    paths: Sequence[Path], options: argparse.Namespace
) -> tuple[dict[str, list[Value]], list[Settings]]:
    """What the command line says of parameters.

    Returns:
        The values to be tried of each swept parameter, and the parameters of each run of a notebook: one run without
        a sweep, the product of all values with one.

    Raises:
        ValueError: a parameter or a value is not for every one of these notebooks, or the options contradict.
    """
    if not options.parameters and not options.sweeps:
        return {}, [{}]
    if options.in_place:
        raise ValueError("--in-place stores what the defaults give; it can't go with -p or --sweep")
    if options.sweeps and len(paths) > 1:
        raise ValueError(f"a sweep runs one notebook many times; got {len(paths)} notebooks")
    from support.execute.parameters import read_settings, read_sweep

    fixed = read_settings(paths, options.parameters)
    swept = read_sweep(paths[0], options.sweeps) if options.sweeps else {}
    both = fixed.keys() & swept.keys()
    if both:
        raise ValueError(f"the parameter {min(both)} is both given with -p and swept")
    return swept, [
        fixed | dict(zip(swept, values, strict=True))
        for values in itertools.product(*swept.values())
    ]


def _file_name(stem: str, chosen: Settings, swept: dict[str, list[Value]]) -> str:
    """The name of a run and of its files: that of the notebook, and the swept parameters with their values."""
    parts = [f"{name}={chosen[name]}" for name in swept]
    return re.sub(r"[^\w.,=+-]", "_", ",".join([stem, *parts]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m support.execute",
        description="Run notebooks headlessly. The executed notebooks, an HTML page of each, an index, and reports as "
        "JSON and JUnit XML go to a folder.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("notebooks", nargs="+", type=Path, help="notebooks, or folders of them")
    add("--output", type=Path, default=Path("build"), metavar="FOLDER", help="default: build")
    add("--in-place", action="store_true", help="store the outputs in the notebooks themselves too")
    add(
        "--jobs",
        type=_count,
        default=os.cpu_count(),
        metavar="N",
        help="notebooks at a time (default: one per core)",
    )
    add(
        "--cell-timeout",
        type=_positive,
        default=300.0,
        metavar="SECONDS",
        help="limit of each cell (default: 300)",
    )
    add(
        "--timeout",
        type=_positive,
        default=1800.0,
        metavar="SECONDS",
        help="limit of each notebook (default: 1800)",
    )
    add(
        "--memory-limit",
        type=_positive,
        metavar="MIB",
        help="limit of each kernel's resident memory (default: none)",
    )
    add(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a value in place of the notebook's own",
    )
    add(
        "--sweep",
        dest="sweeps",
        type=_sweep,
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="run one notebook with each of these values, and with each combination if given several times; "
        "values are separated by commas, and 0..9 are ten of them",
    )
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster that shall do the work")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _sweep(text: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    if not (name and equals and values):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUES such as seed=0..9, got {text!r}")
    return name, values


if __name__ == "__main__":
    sys.exit(main())
