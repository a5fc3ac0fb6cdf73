"""The headless runner: what it saves, what it calls a failure, and what it leaves out of the stored form."""

from __future__ import annotations

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from support import execute
from support.execute import (
    KERNELSPEC,
    find_error,
    find_notebooks,
    index_page,
    main,
    make_stable,
    run_notebook,
    table,
)


def write(path, *sources, tags=()):
    """A notebook of code cells; `tags` are those of the last one."""
    cells = [new_markdown_cell("# A notebook"), *(new_code_cell(source) for source in sources)]
    cells[-1].metadata.tags = list(tags)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), path)
    return path


def stored(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_a_run_writes_notebooks_pages_an_index_and_a_table(tmp_path, capsys):
    folder, output = tmp_path / "notebooks", tmp_path / "build"
    folder.mkdir()
    write(folder / "one.ipynb", "x = 2", "print(x + 3)")
    write(folder / "two.ipynb", "1 / 0", tags=["raises-exception"])
    before = (folder / "one.ipynb").read_bytes()

    assert main([str(folder), "--output", str(output)]) == 0

    assert stored(output / "one.ipynb")[1].outputs[0].text == "5\n"
    assert "A notebook" in (output / "one.html").read_text()
    index = (output / "index.html").read_text()
    assert '<a href="one.html">one</a>' in index and '<a href="two.html">two</a>' in index
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["notebook", "cells", "seconds", "peak", "MiB", "result"]
    assert printed[1].split()[:2] == ["one", "2"] and printed[1].endswith("ok")
    assert printed[2].split()[:2] == ["two", "1"] and printed[2].endswith("ok")
    assert printed[3] == "2 of 2 notebooks ran to the end"
    assert (folder / "one.ipynb").read_bytes() == before


def test_a_page_gives_each_figure_its_alt_text(tmp_path):
    show = "from support import plots; plots.show(plots.curves({'a': [1, 2]}, 'x', 'y'), alt='A \"line\" that rises.')"
    run_notebook(write(tmp_path / "figure.ipynb", show), tmp_path)
    (image,) = BeautifulSoup((tmp_path / "figure.html").read_text(), "html.parser").find_all("img")
    assert image["alt"] == 'A "line" that rises.'


def test_a_failure_names_cell_and_error_and_the_others_still_run(tmp_path, capsys):
    broken = write(
        tmp_path / "broken.ipynb", "ok = True", "print('so far')", "1 / 0", "never = True"
    )
    fine = write(tmp_path / "fine.ipynb", "print('fine')")
    before = broken.read_bytes()
    output = tmp_path / "build"

    assert main([str(broken), str(fine), "--output", str(output), "--in-place"]) == 1

    printed = capsys.readouterr().out
    assert "FAILED in code cell 3: ZeroDivisionError: division by zero" in printed
    assert "1 of 2 notebooks ran to the end" in printed
    cells = stored(output / "broken.ipynb")  # saved as far as it came
    assert (
        cells[1].outputs[0].text == "so far\n" and cells[2].outputs[0].ename == "ZeroDivisionError"
    )
    assert broken.read_bytes() == before
    assert stored(fine)[0].outputs[0].text == "fine\n"
    assert "ZeroDivisionError" in (output / "index.html").read_text()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise SystemExit(0)", "code cell 1: "),
        ("import os; os._exit(3)", "code cell 1: DeadKernelError"),
        ("def f(:", "code cell 1: SyntaxError"),
        (
            "import no_such_module",
            "code cell 1: ModuleNotFoundError: No module named 'no_such_module'",
        ),
    ],
)
def test_whatever_ends_a_notebook_early_is_a_failure(tmp_path, source, message):
    result = run_notebook(write(tmp_path / "ends.ipynb", source, "print('later')"), tmp_path)
    assert result.error.startswith(message)
    assert (tmp_path / "ends.html").is_file()


def test_a_cell_without_end_is_stopped_at_its_time_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "CELL_SECONDS", 1)
    endless = write(tmp_path / "endless.ipynb", "print('start')", "while True: pass")
    assert run_notebook(endless, tmp_path).error.startswith("code cell 2: CellTimeoutError")


def test_a_file_that_is_no_notebook_is_a_failure(tmp_path):
    (tmp_path / "torn.ipynb").write_text('{"cells": [')
    assert run_notebook(tmp_path / "torn.ipynb", tmp_path).error.startswith("can't be read: ")


def test_the_kernel_runs_in_the_notebooks_own_folder(tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    run_notebook(write(folder / "where.ipynb", "import os; print(os.getcwd())"), tmp_path)
    assert stored(tmp_path / "where.ipynb")[0].outputs[0].text.strip() == str(folder)


def test_peak_memory_is_the_kernels_own(tmp_path):
    small = run_notebook(write(tmp_path / "small.ipynb", "pass"), tmp_path)
    large = run_notebook(
        write(tmp_path / "large.ipynb", "block = b'x' * (300 * 2**20); del block"), tmp_path
    )
    assert 290 < large.peak_mib - small.peak_mib < 320


def test_storing_in_place_twice_gives_the_same_bytes(tmp_path):
    path = write(
        tmp_path / "stable.ipynb",
        "import sys; print('a', flush=True); print('b')",
        "1 / 0",
        tags=["raises-exception"],
    )
    run_notebook(path, tmp_path, in_place=True)
    once = path.read_bytes()
    run_notebook(path, tmp_path, in_place=True)
    assert path.read_bytes() == once
    assert stored(path)[0].outputs[0].text == "a\nb\n"


def test_the_stored_form_has_no_timings_versions_or_library_frames():
    cell = new_code_cell("fail()", execution_count=1)
    cell.metadata = {
        "papermill": {"duration": 1.2},
        "execution": {"iopub.status.busy": "now"},
        "tags": [],
    }
    traceback = [
        "\x1b[31m---\x1b[39m",
        "Cell In[1], line 1",
        "\x1b[36mFile /home/me/lib.py:3\x1b[39m",
        "ValueError: no",
    ]
    cell.outputs = [new_output("error", ename="ValueError", evalue="no", traceback=traceback)]
    notebook = new_notebook(
        cells=[cell],
        metadata={"papermill": {}, "language_info": {"name": "python", "version": "3.11.7"}},
    )

    make_stable(notebook)

    assert notebook.metadata == {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    assert cell.metadata == {}
    assert cell.outputs[0].traceback == [
        "\x1b[31m---\x1b[39m",
        "Cell In[1], line 1",
        "ValueError: no",
    ]


def test_an_error_counts_only_where_it_is_not_meant():
    error = new_output(
        "error", ename="ValueError", evalue="\x1b[1mfirst\x1b[0m\nsecond", traceback=[]
    )
    cell = new_code_cell("fail()", execution_count=1, outputs=[error])
    notebook = new_notebook(cells=[cell])
    assert find_error(notebook) == "code cell 1: ValueError: first"
    cell.metadata.tags = ["raises-exception"]
    assert find_error(notebook) is None


def test_a_cell_that_never_ran_is_found_without_any_error():
    ran, waiting = new_code_cell("1", execution_count=1), new_code_cell("2")
    assert find_error(new_notebook(cells=[ran, waiting])).startswith("code cell 2: it never ran")


def test_places_are_notebooks_and_folders(tmp_path):
    second, first = write(tmp_path / "b.ipynb", "1"), write(tmp_path / "a.ipynb", "1")
    assert find_notebooks([tmp_path]) == [first, second]
    assert find_notebooks([second]) == [second]


@pytest.mark.parametrize("name", ["missing.ipynb", "notes.txt", "empty"])
def test_a_place_without_a_notebook_is_refused(tmp_path, name, capsys):
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / name)]) == 2
    assert str(tmp_path / name) in capsys.readouterr().err


def test_two_notebooks_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "same.ipynb", "1")
    with pytest.raises(ValueError, match="same name"):
        find_notebooks([tmp_path / "a", tmp_path / "b"])


def test_a_page_spells_its_results_safely(tmp_path):
    result = execute.Result(tmp_path / "one.ipynb", 1, 0.5, None, "code cell 1: Error: <b>")
    assert "&lt;b&gt;" in index_page([result])
    assert "FAILED in code cell 1: Error: <b>" in table([result])
