"""The headless runner: what it saves, what it calls a failure, its limits and reports, and the stored form."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import psutil
import pytest
from bs4 import BeautifulSoup
from jupyter_client.provisioning import KernelProvisionerFactory
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from support.execute import run
from support.execute.__main__ import find_notebooks, main
from support.execute.report import (
    index_page,
    json_report,
    junit_report,
    last_seconds,
    table,
)
from support.execute.run import (
    KERNELSPEC,
    Limits,
    Result,
    Task,
    find_error,
    make_stable,
    run_notebook,
)
from tests.curriculum import NOTEBOOKS, ROOT, code_cells


def write(path, *sources, tags=()):
    """A notebook of code cells; `tags` are those of the last one."""
    cells = [new_markdown_cell("# A notebook"), *(new_code_cell(source) for source in sources)]
    cells[-1].metadata.tags = list(tags)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), path)
    return path


def stored(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def execute(path, **limits):
    """Run a notebook in its folder. Returns the result and the executed code cells."""
    task = Task(path.stem, path.read_text(), str(path.parent), limits=Limits(**limits))
    outcome = run_notebook(task)
    notebook = nbformat.reads(outcome.notebook, as_version=4)
    return outcome.result, [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_a_run_writes_notebooks_pages_an_index_and_a_table(tmp_path, capsys):
    folder, output = tmp_path / "notebooks", tmp_path / "build"
    folder.mkdir()
    write(folder / "one.ipynb", "x = 2", "print(x + 3)")
    write(folder / "two.ipynb", "2", tags=["slow"])
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
    assert {path.name for path in output.iterdir()} == {
        *("one.ipynb", "one.html", "two.ipynb", "two.html"),
        *("index.html", "report.json", "junit.xml"),
    }
    assert (folder / "one.ipynb").read_bytes() == before


def test_a_page_gives_each_figure_its_alt_text(tmp_path):
    show = "from support import plots; plots.show(plots.curves({'a': [1, 2]}, 'x', 'y'), alt='A \"line\" that rises.')"
    outcome = run_notebook(Task("figure", write(tmp_path / "figure.ipynb", show).read_text()))
    (image,) = BeautifulSoup(outcome.page, "html.parser").find_all("img")
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
    assert "FAILED: code cell 3: ZeroDivisionError: division by zero" in printed
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
        ("import os; os._exit(3)", "code cell 1: the kernel ended with exit status 3"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "code cell 1: the kernel was killed by SIGKILL; is the memory full?",
        ),
        ("def f(:", "code cell 1: SyntaxError"),
        (
            "import no_such_module",
            "code cell 1: ModuleNotFoundError: No module named 'no_such_module'",
        ),
    ],
)
def test_whatever_ends_a_notebook_early_is_a_failure(tmp_path, source, message):
    result, cells = execute(write(tmp_path / "ends.ipynb", source, "print('later')"))
    assert result.error.startswith(message)
    assert cells[0].source == source and not cells[1].outputs


@pytest.mark.parametrize("fork", ["os.fork()", "os.fork() or time.sleep(600)"])
def test_a_notebook_that_forks_runs_on_and_leaves_no_process(tmp_path, fork):
    cell = f"import os, time\nprint(os.getpid(), flush=True)\n_ = {fork}"
    result, cells = execute(write(tmp_path / "forks.ipynb", cell, "print('later')"))
    assert result.error is None and cells[1].outputs[0].text == "later\n"
    group = int(cells[0].outputs[0].text)
    alive = [p for p in psutil.process_iter() if p.status() != psutil.STATUS_ZOMBIE]
    assert not [process for process in alive if os.getpgid(process.pid) == group]


ENDLESS = "import time; time.sleep(600)"


@pytest.mark.parametrize(
    ("source", "limits", "error"),
    [
        (ENDLESS, {"cell_seconds": 1}, "it took longer than its limit of 1 s"),
        (ENDLESS, {"notebook_seconds": 1}, "the notebook took longer than its limit of 1 s"),
        (
            f"x = b'x' * 2**29\n{ENDLESS}",
            {"memory_mib": 512},
            "the kernel took more memory than its limit of 512 MiB",
        ),
    ],
)
def test_a_limit_ends_a_notebook_and_is_named(tmp_path, source, limits, error):
    result, cells = execute(write(tmp_path / "greedy.ipynb", "print('start')", source), **limits)
    assert result.error == f"code cell 2: {error}"
    assert cells[0].outputs[0].text == "start\n"


@pytest.mark.parametrize(
    ("limits", "last"), [({"notebook_seconds": 1}, ENDLESS), ({}, "os._exit(1)")]
)
def test_what_a_kernel_has_started_ends_with_it(tmp_path, limits, last):
    child = "import os, subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True)"
    result, cells = execute(write(tmp_path / "parent.ipynb", child, last), **limits)
    assert result.error.startswith("code cell 2: ")
    with contextlib.suppress(psutil.NoSuchProcess):
        sleep = psutil.Process(int(cells[0].outputs[0].text))
        assert sleep.status() == psutil.STATUS_ZOMBIE


def test_ordinary_kernels_are_run_alike(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "local-provisioner")
    KernelProvisionerFactory.clear_instance()
    result, cells = execute(write(tmp_path / "dies.ipynb", "print(1)", "import os; os._exit(3)"))
    KernelProvisionerFactory.clear_instance()
    assert result.error == "code cell 2: the kernel ended with exit status 3"
    assert cells[0].outputs[0].text == "1\n"


@pytest.mark.parametrize("preload", [None, "no_such_module"])
def test_the_command_has_warm_kernels_or_says_why_not(tmp_path, preload):
    look = "import psutil; print(psutil.Process().parent().cmdline()[1])"
    path = write(tmp_path / "look.ipynb", look)
    environment = dict(os.environ)
    del environment["JUPYTER_DEFAULT_PROVISIONER_NAME"]
    if preload:
        environment["WARM_KERNEL_PRELOAD"] = preload
    command = [sys.executable, "-m", "support.execute", path, "--output", tmp_path]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0
    warm = stored(path)[0].outputs[0].text.endswith("server.py\n")
    reason = "Starting an ordinary kernel, not a warm one: ModuleNotFoundError"
    assert warm == (preload is None) and (reason in run.stderr) == (not warm)


def test_a_notebook_that_names_no_kernel_is_a_failure(tmp_path):
    path = tmp_path / "none.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), path)
    assert execute(path)[0].error.startswith("ValueError: No kernel name found")


def test_marks_that_are_not_from_publish_are_passed_over(tmp_path):
    show = "from IPython.display import display\n"
    show += "for mark in ('yes', {'loss': 'low'}, {'loss': 1}):\n"
    show += "    display({'text/plain': ''}, metadata={'published': mark}, raw=True)"
    assert execute(write(tmp_path / "odd.ipynb", show))[0].published == {"loss": 1}


def test_a_text_that_can_not_be_written_fails_alone(tmp_path, capsys):
    write(tmp_path / "fine.ipynb", "1")
    odd = write(tmp_path / "odd.ipynb", "'ODD'")
    odd.write_text(odd.read_text().replace("ODD", "\\ud800"))
    assert main([str(tmp_path), "--output", str(tmp_path / "build")]) == 1
    assert "1 of 2 notebooks ran to the end" in capsys.readouterr().out


def test_once_stopped_nothing_starts(tmp_path):
    stop = threading.Event()
    stop.set()
    task = Task("late", write(tmp_path / "late.ipynb", "1").read_text())
    assert run_notebook(task, stop) == (Result("late", "interrupted"), None, None, "")


def test_a_notebook_without_a_kernel_is_a_failure(tmp_path):
    path = write(tmp_path / "other.ipynb", "1")
    path.write_text(path.read_text().replace('"name": "python3"', '"name": "no-such-kernel"'))
    assert execute(path)[0].error == "NoSuchKernel: No such kernel named no-such-kernel"


def test_a_file_that_is_no_notebook_is_a_failure_and_the_others_run(tmp_path, capsys):
    (tmp_path / "torn.ipynb").write_bytes(b'{"cells": [\xff')
    write(tmp_path / "whole.ipynb", "1")
    output = tmp_path / "build"
    assert main([str(tmp_path), "--output", str(output)]) == 1
    printed = capsys.readouterr().out
    assert "FAILED: can't be read: " in printed and "1 of 2 notebooks ran to the end" in printed
    index = BeautifulSoup((output / "index.html").read_text(), "html.parser")
    assert [link["href"] for link in index.find_all("a")] == ["whole.html"]


def test_the_kernel_runs_in_the_notebooks_own_folder(tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    _, cells = execute(write(folder / "where.ipynb", "import os; print(os.getcwd())"))
    assert cells[0].outputs[0].text.strip() == str(folder)


def test_without_a_folder_it_runs_in_an_empty_one(tmp_path):
    path = write(tmp_path / "where.ipynb", "import os; print(os.listdir(), os.getcwd())")
    notebook = nbformat.reads(run_notebook(Task("where", path.read_text())).notebook, as_version=4)
    listed, folder = notebook.cells[1].outputs[0].text.split()
    assert listed == "[]" and not Path(folder).exists()


def test_a_kernel_that_died_before_any_cell_is_started_once_more(tmp_path, monkeypatch):
    crashes = [f"RuntimeError: {run.DIED_BEFORE_READY}", None]
    monkeypatch.setattr(run, "_execute", lambda *_: crashes.pop(0))
    result, _ = execute(write(tmp_path / "twice.ipynb", "1"))
    assert (
        not crashes
        and result.error == "code cell 1: it never ran; the kernel ended in an earlier cell"
    )


def test_peak_memory_is_the_kernels_own(tmp_path):
    small, _ = execute(write(tmp_path / "small.ipynb", "pass"))
    large, _ = execute(write(tmp_path / "large.ipynb", "block = b'x' * (300 * 2**20); del block"))
    assert 290 < large.peak_mib - small.peak_mib < 320


def test_storing_in_place_twice_gives_the_same_bytes(tmp_path):
    path = write(
        tmp_path / "a stable one (1).ipynb",
        "import sys; print('a', flush=True); print('b')",
        tags=["slow"],
    )
    command = [str(path), "--in-place", "--output", str(tmp_path / "build")]
    assert main(command) == 0
    once = path.read_bytes()
    assert main(command) == 0
    assert path.read_bytes() == once
    assert stored(path)[0].outputs[0].text == "a\nb\n"


def test_what_a_failed_kernel_said_outside_of_cells_is_kept_until_it_succeeds(tmp_path):
    path = write(tmp_path / "dies.ipynb", "import os; os.write(2, b'last words'); os._exit(1)")
    assert main([str(path), "--output", str(tmp_path)]) == 1
    assert "last words" in (tmp_path / "dies.log").read_text()
    assert main([str(write(path, "1")), "--output", str(tmp_path)]) == 0
    assert not (tmp_path / "dies.log").exists()


def test_a_full_disk_is_named_and_harms_neither_what_was_there_nor_the_others(
    tmp_path, capsys, monkeypatch
):
    full = write(tmp_path / "full.ipynb", "1")
    fits = write(tmp_path / "fits.ipynb", "1")
    output = tmp_path / "build"
    output.mkdir()
    (output / "full.html").write_text("of an earlier run")
    write_text = Path.write_text

    def write_to_a_full_disk(path, text, **options):
        if "full.html" in path.name:
            write_text(path, text[:100], **options)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_text(path, text, **options)

    monkeypatch.setattr(Path, "write_text", write_to_a_full_disk)
    assert main([str(full), str(fits), "--output", str(output), "--in-place"]) == 1
    assert "FAILED: can't write full.html: No space left on device" in capsys.readouterr().out
    assert (output / "full.html").read_text() == "of an earlier run"
    assert not stored(full)[0].outputs and stored(fits)[0].outputs
    assert not list(output.glob(".*"))

    monkeypatch.setattr(
        Path, "write_text", lambda *_, **__: write_to_a_full_disk(output / "full.html", "")
    )
    assert main([str(fits), "--output", str(output)]) == 1
    assert "can't write report.json: No space left on device" in capsys.readouterr().err


def test_the_longest_of_the_last_run_begin_first(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.ipynb", "import time; print(time.time())")
    rows = [Result("a", None, seconds=1), Result("b", None, seconds=2)]
    (tmp_path / "report.json").write_text(json_report(rows))
    assert last_seconds(tmp_path) == {"a": 1, "b": 2}
    main([str(tmp_path), "--output", str(tmp_path), "--jobs", "1", "--in-place"])
    began = {name: float(stored(tmp_path / f"{name}.ipynb")[0].outputs[0].text) for name in "abc"}
    assert began["c"] < began["b"] < began["a"]  # the new one may be long
    (tmp_path / "report.json").write_text("[1]")
    assert last_seconds(tmp_path) == {}


def test_ctrl_c_keeps_what_is_done_and_leaves_no_process(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    write(tmp_path / "a.ipynb", "print('done')")
    write(
        tmp_path / "b.ipynb",
        "print('so far')",
        f"import os, time\nopen({str(fifo)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)",
    )
    write(tmp_path / "c.ipynb", "1")
    output = tmp_path / "build"
    runner = subprocess.Popen(
        [sys.executable, "-m", "support.execute", tmp_path, "--output", output, "--jobs", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    kernel = psutil.Process(int(fifo.read_text()))  # waits until b is at its second cell
    runner.send_signal(signal.SIGINT)
    printed, _ = runner.communicate(timeout=30)

    assert runner.returncode == 130
    assert [row["error"] for row in json.loads((output / "report.json").read_text())] == [
        None,
        "code cell 2: interrupted",
        "interrupted",
    ]
    assert stored(output / "a.ipynb")[0].outputs[0].text == "done\n"
    assert stored(output / "b.ipynb")[0].outputs[0].text == "so far\n"
    assert not (output / "c.ipynb").exists()
    assert "1 of 3 notebooks ran to the end" in printed
    kernel.wait(30)


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


def test_an_error_is_told_by_its_cell_and_first_line():
    error = new_output(
        "error", ename="ValueError", evalue="\x1b[1mfirst\x1b[0m\nsecond", traceback=[]
    )
    cell = new_code_cell("fail()", execution_count=1, outputs=[error])
    notebook = new_notebook(cells=[cell])
    assert find_error(notebook) == "code cell 1: ValueError: first"


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


@pytest.mark.parametrize("names", [("a/same", "b/same"), ("a/a b", "a/a_b")])
def test_two_notebooks_that_would_overwrite_each_other_are_refused(tmp_path, names, capsys):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / f"{name}.ipynb", "1")
    places = [str(tmp_path / f"{name}.ipynb") for name in names]
    assert main([*places, "--output", str(tmp_path / "build")]) == 2
    assert "two runs would write to the same files, named " in capsys.readouterr().err


RESULTS = [
    Result("one", None, 3, 1.5, 300.4, {"rate": 0.1}, {"loss": float("inf"), "accuracy": 0.5}),
    Result("two & a half", "code cell 1: Error: <b>\x1b", 1, 0.5, None),
]


def test_pages_and_tables_spell_their_results_safely():
    page = BeautifulSoup(index_page(RESULTS), "html.parser")
    rows = [[cell.text for cell in row.find_all("td")] for row in page.find_all("tr")[1:]]
    assert rows == [
        ["one", "3", "1.5", "300", "ok"],
        ["two & a half", "1", "0.5", "?", "code cell 1: Error: <b>\x1b"],
    ]
    assert page.find_all("a")[1]["href"] == "two%20%26%20a%20half.html"
    assert "FAILED: code cell 1: Error: <b>" in table(RESULTS)


def test_the_json_report_has_every_field_and_is_json_everywhere():
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    first, second = json.loads(json_report(RESULTS), parse_constant=refuse)
    assert set(first) == {field.name for field in dataclasses.fields(Result)}
    assert first["published"] == {"loss": "inf", "accuracy": 0.5}
    assert second["error"].startswith("code cell 1") and second["peak_mib"] is None


def test_the_junit_report_has_a_case_for_each_run():
    suite = ElementTree.fromstring(junit_report(RESULTS))
    assert suite.tag == "testsuite" and suite.attrib == {
        "name": "notebooks",
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "time": "2.000",
    }
    one, two = suite.findall("testcase")
    assert one.attrib == {"classname": "notebooks", "name": "one", "time": "1.500"}
    assert one.find("failure") is None
    assert one.find("properties/property").attrib == {"name": "peak_mib", "value": "300"}
    assert two.find("failure").attrib == {"message": "code cell 1: Error: <b>?"}


@pytest.mark.parametrize(
    "option",
    [["--jobs", "0"], ["--jobs", "two"], ["--timeout", "0"], ["--cell-timeout", "nan"]],
)
def test_a_wrong_option_is_refused(tmp_path, option, capsys):
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path), *option])
    assert ended.value.code == 2 and f"got '{option[1]}'" in capsys.readouterr().err


def test_an_output_folder_that_can_not_be_made_is_refused(tmp_path, capsys):
    path = write(tmp_path / "one.ipynb", "1")
    assert main([str(path), "--output", str(path / "in a file")]) == 2
    assert capsys.readouterr().err == f"can't make the folder {path}/in a file: Not a directory\n"


def test_a_notebook_of_the_curriculum_runs_alone_in_an_empty_folder():
    result = run_notebook(Task("alone", NOTEBOOKS[3].read_text(encoding="utf-8"))).result
    assert result.error is None
    assert result.cells == len(code_cells(NOTEBOOKS[3]))
    assert 100 < result.peak_mib < 1024


@pytest.mark.parametrize(
    "command",
    [
        "papermill {notebook} {folder}/02_tensors.ipynb",
        "jupyter nbconvert --execute --to notebook --output-dir {folder} {notebook}",
    ],
    ids=["papermill", "nbconvert"],
)
def test_other_runners_end_a_notebook_as_they_come(tmp_path, command):
    """One with an error on purpose; that no cell of any notebook raises is seen in `test_notebooks.py`."""
    notebook = ROOT / "notebooks/02_tensors.ipynb"
    words = [word.format(notebook=notebook, folder=tmp_path) for word in command.split()]
    subprocess.run([sys.executable, "-m", *words], check=True, capture_output=True)
    cells = [cell for cell in stored(tmp_path / notebook.name) if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
