"""Writes down how the runs went: the executed notebooks, a table, JSON, JUnit XML, HTML pages and their index."""

from __future__ import annotations

import contextlib
import html
import json
import math
import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

from support.execute.run import Outcome, Result

#: The files that tell of all runs, beside those of each.
REPORT, JUNIT, INDEX = "report.json", "junit.xml", "index.html"

#: What XML 1.0 has no place for (https://www.w3.org/TR/xml/#charsets).
NOT_XML = re.compile("[^\t\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def write_outcome(outcome: Outcome, output: Path, in_place: Path | None = None) -> None:
    """Save an executed notebook, as far as it came, and its page; of a failed one also what its kernel's process said.

    Args:
        outcome: of a run.
        output: an existing folder.
        in_place: the file to store the outputs in too, if the run succeeded.

    Raises:
        OSError: a file can't be written. What stood there before still does.
    """
    name = outcome.result.name
    log = output / f"{name}.log"
    log.unlink(missing_ok=True)
    if outcome.log and outcome.result.error:
        write(log, outcome.log)
    if outcome.notebook is None or outcome.page is None:
        return
    write(output / f"{name}.ipynb", outcome.notebook)
    write(output / f"{name}.html", outcome.page)
    if in_place and outcome.result.error is None:
        write(in_place, outcome.notebook)


def write_reports(results: Sequence[Result], output: Path) -> None:
    """Save what is to be said of all runs, for people and for programs.

    Raises:
        OSError: a file can't be written.
    """
    write(output / REPORT, json_report(results))
    write(output / JUNIT, junit_report(results))
    write(output / INDEX, index_page(results))


def write(path: Path, text: str) -> None:
    """Write a file wholly or not at all.

    Raises:
        OSError: it can't be written. What stood there before still does.
    """
    path = path.resolve()
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise OSError(error.errno, f"can't write {path.name}: {error.strerror}") from None


def table(results: Sequence[Result]) -> str:
    """The results as text, one notebook a line, failures spelled out."""
    width = max([len(result.name) for result in results] + [len("notebook")])
    lines = [f"{'notebook':<{width}}  cells  seconds  peak MiB  result"]
    for result in results:
        outcome = "ok" if result.error is None else f"FAILED: {result.error}"
        numbers = f"{result.cells:>5}  {result.seconds:>7.1f}  {_peak(result):>8}"
        lines.append(f"{result.name:<{width}}  {numbers}  {outcome}")
    failed = sum(result.error is not None for result in results)
    lines.append(f"{len(results) - failed} of {len(results)} notebooks ran to the end")
    return "\n".join(lines)


def index_page(results: Sequence[Result]) -> str:
    """An HTML page that links the page of each notebook, with its result."""
    rows = "\n".join(_row(result) for result in results)
    return f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Executed notebooks</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }}
th, td {{ border-bottom: 1px solid #ccc; padding: 0.3rem 1rem 0.3rem 0; text-align: left }}
td:nth-child(n+2):nth-child(-n+4) {{ text-align: right }}
</style>
<h1>Executed notebooks</h1>
<table>
<tr><th>notebook</th><th>cells</th><th>seconds</th><th>peak MiB</th><th>result</th></tr>
{rows}
</table>
</html>
"""


def _row(result: Result) -> str:
    name = html.escape(result.name)
    if result.seconds:  # it ran, so it has a page
        name = f'<a href="{urllib.parse.quote(result.name)}.html">{name}</a>'
    cells = [name, str(result.cells), f"{result.seconds:.1f}", _peak(result)]
    cells.append(html.escape(result.error or "ok"))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _peak(result: Result) -> str:
    return "?" if result.peak_mib is None else f"{result.peak_mib:.0f}"


def json_report(results: Sequence[Result]) -> str:
    """The results as JSON: a list of objects with the fields of `Result`. A number that is not finite is a text."""
    rows = [asdict(result) for result in results]
    for row in rows:
        for name, number in row["published"].items():
            if not math.isfinite(number):
                row["published"][name] = str(number)
    return json.dumps(rows, indent=1, allow_nan=False) + "\n"


def junit_report(results: Sequence[Result]) -> str:
    """The results as JUnit XML, which CI servers show: a test case for each run."""
    failed = sum(result.error is not None for result in results)
    suite = ElementTree.Element(
        "testsuite",
        name="notebooks",
        tests=str(len(results)),
        failures=str(failed),
        errors="0",
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname="notebooks", name=result.name, time=f"{result.seconds:.3f}"
        )
        if result.peak_mib is not None:
            properties = ElementTree.SubElement(case, "properties")
            ElementTree.SubElement(properties, "property", name="peak_mib", value=_peak(result))
        if result.error is not None:
            ElementTree.SubElement(case, "failure", message=NOT_XML.sub("?", result.error))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
