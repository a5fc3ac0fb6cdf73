"""`make lab`: a working copy that loses nothing, and a first page without questions."""

from __future__ import annotations

import signal
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from support import lab
from tests.browser import CHROMIUM, HOW_TO_GET_IT, launch
from tests.reading import NOTEBOOKS, ROOT

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "name": "python3"}
NAME = "a.ipynb"


def write(path, *sources, outputs=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [new_code_cell(source, id=f"cell-{place}") for place, source in enumerate(sources)]
    cells[0].outputs = list(outputs)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), path)


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


@pytest.fixture
def folders(tmp_path):
    """The project's notebooks, with one of them, and a working copy."""
    write(tmp_path / "notebooks" / NAME, "1")
    assert lab.refresh(tmp_path / "notebooks", tmp_path / "work") == []
    return tmp_path / "notebooks", tmp_path / "work"


def test_a_notebook_without_changes_is_left_alone_or_becomes_the_newer_version(folders):
    originals, work = folders
    printed = new_output("stream", text="learned")
    write(work / NAME, "1", outputs=[printed])  # run and saved
    assert lab.refresh(originals, work) == []
    assert nbformat.read(work / NAME, 4).cells[0].outputs == [printed]
    write(originals / NAME, "1", "2")
    assert lab.refresh(originals, work) == []
    assert sources(work / NAME) == ["1", "2"]


def test_a_changed_notebook_is_kept_and_the_newer_version_is_laid_beside_it(folders):
    originals, work = folders
    write(work / NAME, "mine")
    assert lab.refresh(originals, work) == []  # nothing is newer
    write(originals / NAME, "1", "2")
    for _ in range(2):
        (line,) = lab.refresh(originals, work)
        assert line == "a.ipynb is as you left it; the project's newer version is a.newer.ipynb."
        assert sources(work / NAME) == ["mine"] and sources(work / "a.newer.ipynb") == ["1", "2"]
    (work / "a.newer.ipynb").replace(work / NAME)  # taken over
    assert lab.refresh(originals, work) == [] and not (work / "a.newer.ipynb").exists()


@pytest.mark.parametrize("content", ["", '{"cells": [', '{"cells": 3}', "\x00"])
def test_what_is_no_notebook_any_more_is_kept_as_well(folders, content):
    originals, work = folders
    (work / NAME).write_text(content)
    write(originals / NAME, "1", "2")
    assert len(lab.refresh(originals, work)) == 1
    assert (work / NAME).read_text() == content


def test_a_deleted_copy_comes_back_and_other_files_stay(folders):
    originals, work = folders
    (work / NAME).unlink()
    (work / "notes.txt").write_text("mine")
    assert lab.refresh(originals, work) == []
    assert sources(work / NAME) == ["1"] and (work / "notes.txt").read_text() == "mine"


def test_a_file_of_the_learners_own_of_the_same_name_is_kept(tmp_path):
    write(tmp_path / "work" / NAME, "mine")
    write(tmp_path / "notebooks" / NAME, "1")
    assert len(lab.refresh(tmp_path / "notebooks", tmp_path / "work")) == 1
    assert sources(tmp_path / "work" / NAME) == ["mine"]


def test_a_folder_that_can_not_be_written_is_named(tmp_path):
    write(tmp_path / "notebooks" / NAME, "1")
    (tmp_path / "work").write_text("a file")
    with pytest.raises(lab.NoLab, match=r"can't write .*/work"):
        lab.refresh(tmp_path / "notebooks", tmp_path / "work")
    assert (tmp_path / "work").read_text() == "a file"


def test_a_server_that_does_not_start_says_why(tmp_path):
    with (
        pytest.raises(lab.NoLab, match=r"JupyterLab did not start: ."),
        lab.serving(tmp_path / "missing"),
    ):
        pass


def test_two_lines_say_what_opens_and_how_to_stop_it_and_ctrl_c_stops_it():
    command = [sys.executable, "-m", "support.lab", "notebooks", "--no-browser"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        lines = [running.stdout.readline() for _ in range(2)]
        assert lines[0].startswith("JupyterLab shows notebooks/ at http://")
        assert "/lab/tree/00_start_here.ipynb?token=" in lines[0]
        assert lines[1] == "To stop it, press Ctrl-C here.\n"
        running.send_signal(signal.SIGINT)
        assert running.stdout.read() == "\nJupyterLab has ended; what you saved is kept.\n"
    assert running.returncode == 0


def test_another_folder_must_hold_the_first_notebook(tmp_path, capsys):
    assert lab.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"there is no 00_start_here.ipynb in {tmp_path}\n"


OPEN_AND_CLOSE = """async name => {
    const panel = await jupyterapp.commands.execute('docmanager:open', {path: name, factory: 'Notebook'});
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    const trusted = panel.content.widgets.every(cell => cell.model.type !== 'code' || cell.model.trusted);
    const dirty = panel.context.model.dirty;
    await panel.sessionContext.shutdown();
    panel.dispose();
    return {trusted, dirty};
}"""


RUN_IN_THE_KERNEL = """async () => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
    const ask = {code: '', silent: true, user_expressions: {cells: 'len(In) - 1'}};
    try {
        const reply = kernel && await kernel.requestExecute(ask).done;
        return reply?.content.user_expressions.cells.data['text/plain'] === '2';
    } catch {
        return false; // the page has just changed its kernel
    }
}"""


def files(folder):
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
        if path.is_file()
    }


@pytest.mark.skipif(not CHROMIUM, reason=HOW_TO_GET_IT)
def test_the_address_opens_the_first_notebook_without_questions_and_closing_changes_no_file(
    tmp_path, monkeypatch
):
    from playwright.sync_api import expect, sync_playwright

    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))  # keeps which tabs were open
    work = tmp_path / "work"
    lab.refresh(ROOT / "notebooks", work)
    before = files(work)
    options = ["--expose-app-in-browser"]
    with lab.serving(work, options) as address, sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.goto(address)
        first = page.locator(".jp-Notebook .jp-CodeCell").first
        first.wait_for()
        first.click()
        for _ in range(3):  # the set-up cell, text, the next cell; the page may not know its kernel
            page.keyboard.press("Shift+Enter")
        page.wait_for_function(RUN_IN_THE_KERNEL)
        page.close()

        page = browser.new_page()
        page.goto(address)
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        for path in (NOTEBOOKS[2], NOTEBOOKS[5], NOTEBOOKS[11]):
            assert page.evaluate(OPEN_AND_CLOSE, path.name) == {"trusted": True, "dirty": False}
        expect(page.locator(".jp-Dialog, .Toastify__toast")).to_have_count(0)
        assert page.evaluate("() => jupyterapp.shell.currentWidget.title.label") == lab.FIRST
        browser.close()
    assert files(work) == before
