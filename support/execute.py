"""Run notebooks headlessly: `python -m support.execute notebooks` (that is `make run`).

Each notebook runs in a kernel of its own with papermill, as many at a time as there are cores. The executed notebooks,
an HTML page of each and an index go to a folder; with `--in-place` (`make notebooks`) the outputs are stored in the
notebooks themselves, in a form that is the same at every run.
"""

from __future__ import annotations

import argparse
import html
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.iorw import load_notebook_node
from tqdm import tqdm

#: No cell of the curriculum takes a tenth of this.
CELL_SECONDS = 300

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


# nbconvert's page, which leaves out the alt texts that the outputs' metadata hold.
PAGE_TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block data_png scoped -%}
{%- set alt = output | get_metadata('alt', 'image/png') -%}
{{ super().replace('<img ', '<img alt="' ~ (alt | escape_html) ~ '" ', 1) if alt else super() }}
{%- endblock -%}
"""


@dataclass(frozen=True)
class Result:
    """How one notebook's run went."""

    path: Path
    cells: int  #: code cells that ran
    seconds: float  #: from the kernel's start to its end
    peak_mib: (
        float | None
    )  #: the kernel's highest resident memory; None where the system doesn't tell
    error: str | None  #: the cell and the error that ended the run; None if all is well


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return 0 if every notebook ran to its end, 1 if not."""
    options = _parser().parse_args(arguments)
    try:
        paths = find_notebooks(options.notebooks)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    results = []
    # A fresh interpreter for each worker: a fork would copy the progress bar's thread.
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = [pool.submit(run_notebook, path, options.output, options.in_place) for path in paths]
        with tqdm(total=len(runs), unit="notebook") as bar:
            for run in as_completed(runs):
                results.append(run.result())
                bar.set_postfix_str(results[-1].path.stem)
                bar.update()
    results.sort(key=lambda result: paths.index(result.path))
    (options.output / "index.html").write_text(index_page(results), encoding="utf-8")
    print(table(results))
    print(f"\nPages: {options.output / 'index.html'}")
    return 1 if any(result.error for result in results) else 0


def find_notebooks(places: Sequence[Path]) -> list[Path]:
    """The notebooks that are named, and those in the folders that are named, sorted within each folder.

    Raises:
        ValueError: a place does not exist, is no notebook, or holds none, or two notebooks have the same name.
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
    if len({path.stem for path in found}) < len(found):
        raise ValueError(
            "two of these notebooks have the same name; their results would overwrite each other"
        )
    return found


def run_notebook(path: Path, output: Path, in_place: bool = False) -> Result:
    """Execute one notebook in its own folder and save it, as far as it came, with an HTML page, in `output`.

    Args:
        path: the notebook.
        output: an existing folder.
        in_place: whether to store the outputs in `path` too. A notebook that failed is left as it was.
    """
    started = time.perf_counter()
    try:
        notebook = load_notebook_node(str(path))
    except (
        Exception
    ) as error:  # papermill and nbformat raise many types for a file that is no notebook
        return Result(path, 0, 0.0, None, f"can't be read: {_first_line(str(error))}")
    crash = None
    try:
        papermill_engines.execute_notebook_with_engine(
            "curriculum",
            notebook,
            kernel_name=papermill_engines.nb_kernel_name("curriculum", notebook),
            folder=path.parent,
            kernel_log=output / f"{path.stem}.log",
            progress_bar=False,
        )
    except Exception as error:  # a dead kernel, a cell over its time limit, a missing kernel
        crash = f"{type(error).__name__}: {_first_line(str(error))}"
    seconds = time.perf_counter() - started
    peak_mib = notebook.metadata.pop("peak_mib", None)
    ran = sum(cell.get("execution_count") is not None for cell in _code_cells(notebook))
    problem = find_error(notebook, crash)

    make_stable(notebook)
    nbformat.write(notebook, output / path.name)
    page, _ = HTMLExporter(raw_template=PAGE_TEMPLATE).from_notebook_node(notebook)
    (output / f"{path.stem}.html").write_text(page, encoding="utf-8")
    if in_place and problem is None:
        nbformat.write(notebook, path)
    return Result(path, ran, seconds, peak_mib, problem)


def find_error(notebook: NotebookNode, crash: str | None = None) -> str | None:
    """Where and why an executed notebook failed: an error in a cell not tagged for it, or a cell that never ran.

    papermill's own check knows nothing of the tag `raises-exception`, and takes `SystemExit(0)` for success.

    Args:
        notebook: the notebook after its run.
        crash: what ended the run from outside of any cell, such as a dead kernel.
    """
    cells = _code_cells(notebook)
    if crash:
        started = [
            number
            for number, cell in enumerate(cells, start=1)
            if cell.metadata.papermill.start_time
        ]
        return f"code cell {started[-1]}: {crash}" if started else crash
    for number, cell in enumerate(cells, start=1):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors and "raises-exception" not in cell.metadata.get("tags", []):
            return f"code cell {number}: {errors[0].ename}: {_first_line(errors[0].evalue)}"
    for number, cell in enumerate(cells, start=1):
        if cell.source.strip() and cell.execution_count is None:
            return f"code cell {number}: it never ran; the kernel ended in an earlier cell"
    return None


def make_stable(notebook: NotebookNode) -> None:
    """Leave out of an executed notebook what differs from run to run or from machine to machine, in place.

    Timings, the run's own metadata, Python's exact version and the tracebacks' way through the libraries go; sources,
    outputs, execution counts, tags and ids stay.
    """
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNELSPEC), language_info=NotebookNode(name="python")
    )
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = NotebookNode(tags=tags) if tags else NotebookNode()
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = [
                    part for part in output.traceback if not _plain(part).startswith("File ")
                ]


def table(results: Sequence[Result]) -> str:
    """The results as text, one notebook a line, failures spelled out."""
    width = max([len(result.path.stem) for result in results] + [len("notebook")])
    lines = [f"{'notebook':<{width}}  cells  seconds  peak MiB  result"]
    for result in results:
        peak = "?" if result.peak_mib is None else f"{result.peak_mib:.0f}"
        outcome = "ok" if result.error is None else f"FAILED in {result.error}"
        lines.append(
            f"{result.path.stem:<{width}}  {result.cells:>5}  {result.seconds:>7.1f}  {peak:>8}  {outcome}"
        )
    failed = sum(result.error is not None for result in results)
    lines.append(f"{len(results) - failed} of {len(results)} notebooks ran to the end")
    return "\n".join(lines)


def index_page(results: Sequence[Result]) -> str:
    """An HTML page that links the page of each notebook, with its result."""
    rows = "\n".join(
        f'<tr><td><a href="{html.escape(result.path.stem)}.html">{html.escape(result.path.stem)}</a></td>'
        f"<td>{result.cells}</td><td>{result.seconds:.1f}</td><td>{html.escape(result.error or 'ok')}</td></tr>"
        for result in results
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Executed notebooks</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }}
th, td {{ border-bottom: 1px solid #ccc; padding: 0.3rem 1rem 0.3rem 0; text-align: left }}
td:nth-child(2), td:nth-child(3) {{ text-align: right }}
</style>
<h1>Executed notebooks</h1>
<table>
<tr><th>notebook</th><th>cells</th><th>seconds</th><th>result</th></tr>
{rows}
</table>
</html>
"""


class _Client(PapermillNotebookClient):
    """papermill's client, which also asks the kernel at the end how much memory it took."""

    def papermill_execute_cells(self) -> None:
        super().papermill_execute_cells()
        ask = "open('/proc/self/status').read()"  # Linux; elsewhere this fails, and the peak stays unknown
        message_id = self.kc.execute("", silent=True, user_expressions={"status": ask})
        reply = self.wait_for_reply(message_id)
        answer = reply["content"].get("user_expressions", {}).get("status", {}) if reply else {}
        peak_kib = re.search(r"VmHWM:\D+(\d+) kB", str(answer.get("data")))
        if peak_kib:
            self.nb.metadata["peak_mib"] = int(peak_kib[1]) / 1024


class _Engine(NBClientEngine):
    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, folder, kernel_log, **_):  # type: ignore[no-untyped-def]
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            timeout=CELL_SECONDS,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
        )
        with kernel_log.open("w") as log:  # what the kernel's process says outside of any cell
            return client.execute(stderr=log)


papermill_engines.register("curriculum", _Engine)


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _first_line(text: str) -> str:
    """The first line that says something."""
    lines = _plain(text).strip().splitlines()
    return lines[0] if lines else "(no message)"


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m support.execute", description="Run notebooks headlessly."
    )
    parser.add_argument("notebooks", nargs="+", type=Path, help="notebooks, or folders of them")
    parser.add_argument(
        "--output", type=Path, default=Path("build"), help="folder for the results (default: build)"
    )
    parser.add_argument(
        "--in-place", action="store_true", help="store the outputs in the notebooks themselves too"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count(),
        help="notebooks at a time (default: one per core)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
