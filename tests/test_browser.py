"""The curriculum in JupyterLab, in a real Chromium: every notebook runs, explorers move, an exercise is solved."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import NamedTuple

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from support.explore import (
    STATIC,
    broadcasting,
    descent,
    layers,
    optimizers,
    overfitting,
    speed,
    tape,
)
from support.explore.controls import NOTE
from support.explore.explorer import text_of
from tests.browser import CHROMIUM, HOW_TO_GET_IT, LabPage, launch, running_lab
from tests.reading import NOTEBOOKS

if not CHROMIUM:
    pytest.skip(HOW_TO_GET_IT, allow_module_level=True)

STEMS = [path.stem for path in NOTEBOOKS]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    with running_lab(tmp_path_factory.mktemp("lab")) as lab, sync_playwright() as playwright:
        browser = launch(playwright)
        page = LabPage(browser.new_page(viewport={"width": 1400, "height": 1000}), lab)
        page.load()
        yield page
        browser.close()


@pytest.fixture
def opened(page):
    """A function that opens a notebook; what the browser complained of is asserted at the end."""
    page.complaints.clear()

    def open_notebook(stem):
        page.open(stem)
        return page

    yield open_notebook
    assert not page.complaints


def assert_ran_as_intended(notebook):
    """Every code cell ran, in order, and none failed or warned."""
    cells = [cell for cell in notebook.cells() if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    complaints = [
        output
        for cell in cells
        for output in cell["outputs"]
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]
    assert not complaints


@pytest.mark.parametrize("stem", STEMS)
def test_a_notebook_runs_from_top_to_bottom(opened, stem):
    notebook = opened(stem)
    notebook.run_all()
    assert_ran_as_intended(notebook)
    notebook.screenshot(stem)
    for name in (name for name, each in MOVES.items() if each.stem == stem):
        move(notebook, name)
        if stem in ("04_tensor_operations", "06_linear_classifier"):  # two that open soon
            reopen(notebook, stem, [name])


class Move(NamedTuple):
    """How an explorer is moved in the notebook that has it."""

    stem: str
    keys: str | list[str]  #: typed or pressed in its first control that is not a list
    values: dict[str, object]  #: what they lead to


MOVES = {
    "broadcasting": Move("04_tensor_operations", "5, 1, 3", {"first": "5, 1, 3"}),
    "tape": Move("05_gradient_tape", 3 * ["ArrowRight"], {"x": -1.7}),
    "descent": Move("06_linear_classifier", 10 * ["ArrowUp"], {"rate": 0.07}),
    "layers": Move("07_layers", "28, 28, 1", {"shape": "28, 28, 1"}),
    "optimizers": Move("09_compile_and_fit", 2 * ["ArrowLeft"], {"steps": 38}),
    "overfitting": Move("10_validation_and_inference", 2 * ["ArrowDown"], {"epochs": 520}),
    "speed": Move("11_speed_and_scale", 2 * ["ArrowLeft"], {"points": 320}),
}
MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (broadcasting, descent, layers, optimizers, overfitting, speed, tape)
}


def move(notebook, name):
    """Move an explorer by the keyboard alone; picture and words are then those of the function."""
    from playwright.sync_api import expect

    _, keys, values = MOVES[name]
    cell = notebook.cell(f"explore-{name}")
    picture, told = cell.locator("img"), cell.locator("[role=status]")
    assert_shows(cell, MODULES[name].frame().seen)
    shown = picture.get_attribute("src")
    if isinstance(keys, str):
        typed = cell.locator("input[type=text]").first
        typed.fill("4, 0")
        typed.press("Enter")
        expect(told).to_contain_text("⚠ '4, 0' has an axis of length 0")
        expect(cell.locator("p")).to_contain_text("⚠ '4, 0' has an axis of length 0")
        expect(picture).to_have_attribute("src", shown)
        typed.fill(keys)
        typed.press("Enter")
    else:
        slider = cell.locator("input[type=range]").first
        for key in keys:
            slider.press(key)
        (value,) = values.values()
        expect(slider).to_have_attribute("aria-valuetext", text_of(value))
        expect(cell.locator(".explorer-text", has_text=text_of(value))).to_be_visible()
    after = MODULES[name].frame(**values).seen
    assert_shows(cell, after)
    expect(told).to_have_text(after.words)  # for screen readers
    assert picture.get_attribute("src") != shown
    assert not cell.locator("[title=null]").count()
    notebook.screenshot(f"explore_{name}")


def assert_shows(cell, seen):
    from playwright.sync_api import expect

    expect(cell.locator("img")).to_have_attribute("alt", seen.alt)
    expect(cell.locator("p", has_text=seen.words)).to_be_visible()
    assert cell.locator("img").evaluate("image => image.complete && image.naturalWidth > 400")


@pytest.fixture
def explorers(opened, page):
    """All explorers in one notebook, which has run. The kernel hears of their controls between cells, and no sooner.

    JupyterLab and ipykernel can have it hear of them while a cell runs; others, such as VS Code, do not.
    """
    set_up = {"set-up": "from support import runtime\n\nruntime.set_up(seed=0)"}
    cells = {
        f"explore-{name}": f"from support.explore.{name} import explore\n\nexplore()"
        for name in MODULES
    }
    page.write("explorers", set_up | cells)
    page.page.evaluate(
        "() => { jupyterapp.serviceManager.kernels.commsOverSubshells = 'disabled' }"
    )
    notebook = opened("explorers")
    notebook.run_all()
    yield notebook
    page.page.evaluate(
        "() => { jupyterapp.serviceManager.kernels.commsOverSubshells = 'perCommTarget' }"
    )


def reopen(notebook, stem, names):
    """Save, end the kernel, close, open again and save: pictures and sentences are there, and the file is the same."""
    from playwright.sync_api import expect

    notebook.save()
    saved = notebook.file(stem).read_bytes()
    notebook.open(stem)
    for name in names:
        cell = notebook.cell(f"explore-{name}")
        assert_shows(cell, MODULES[name].frame(**MOVES[name].values).seen)
        expect(cell.locator(".jp-OutputArea-output").first).to_have_text(NOTE)
        assert not cell.locator(".jupyter-widgets-disconnected").count()  # a red, broken link
    notebook.save()
    assert notebook.file(stem).read_bytes() == saved


def test_what_explorers_showed_is_there_the_next_day(explorers, tmp_path):
    """In the saved notebook, and in a page of HTML without a network."""
    for name in MODULES:
        move(explorers, name)
    reopen(explorers, "explorers", MODULES)
    explorers.screenshot("explorers_reopened")
    file = str(explorers.file("explorers"))
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*command, file], check=True, capture_output=True)
    context = explorers.page.context.browser.new_context(offline=True)
    page = context.new_page()
    page.goto((tmp_path / "explorers.html").as_uri())
    for name in MODULES:
        cell = page.locator(f"[id='cell-id=explore-{name}']")
        assert_shows(cell, MODULES[name].frame(**MOVES[name].values).seen)
    assert not re.search("Error|not found", page.locator("main").inner_text())
    context.close()


def test_an_explorer_says_that_it_waits_and_catches_up(explorers, tmp_path):
    from playwright.sync_api import expect

    cell = explorers.cell("explore-descent")
    told, slider = cell.locator("[role=status]"), cell.locator("input[type=range]").first
    finished = tmp_path / "finished"
    code = f"import pathlib, time\nwhile not pathlib.Path({str(finished)!r}).exists():\n    time.sleep(0.01)"
    explorers.page.evaluate(
        """code => {
            const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            void kernel.requestExecute({code});
        }""",
        code,
    )
    for _ in range(5):
        slider.press("ArrowRight")
    expect(told).to_have_text("Waiting for the kernel, which is busy.")
    expect(told).to_have_class("explorer-status explorer-waits")
    expect(slider).to_have_attribute("aria-valuetext", "0.045")
    explorers.screenshot("explorer_waits")
    assert_shows(cell, descent.frame().seen)
    finished.touch()
    after = descent.frame(rate=0.045).seen
    assert_shows(cell, after)
    expect(told).to_have_text(after.words)
    expect(told).to_have_class("explorer-status")


def test_an_explorer_without_its_kernel_says_what_to_do(explorers):
    """In a page that is loaded again while the kernel runs on, after a restart, and after a shutdown."""
    from playwright.sync_api import expect

    def parts():
        cell = explorers.cell("explore-tape")
        return cell.locator(".jp-OutputArea-output").first, cell.locator("input[type=range]")

    explorers.save()
    explorers.open("explorers", end_kernel=False)
    expect(parts()[0]).to_have_text(NOTE)
    explorers.run_all()
    note, slider = parts()
    slider.wait_for()
    explorers.page.evaluate(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    expect(note).to_have_text(NOTE)
    explorers.run_all()
    note, slider = parts()
    slider.wait_for()
    explorers.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    slider.press("ArrowRight")
    expect(note).to_have_text(NOTE)
    explorers.save()
    (stored,) = nbformat.read(explorers.file("explorers"), 4).metadata.widgets.values()
    assert len(stored.state) == len(MODULES)  # of the last run alone


def test_an_explorer_in_a_notebook_that_nbconvert_has_run_says_what_to_do(opened, page):
    from playwright.sync_api import expect

    page.write(
        "executed", {"explore-descent": "from support.explore.descent import explore; explore()"}
    )
    environment = {name: value for name, value in os.environ.items() if name != STATIC}
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--inplace"]
    command.append(str(page.file("executed")))
    subprocess.run(command, check=True, capture_output=True, env=environment)
    executed = nbformat.read(page.file("executed"), 4)
    NotebookNotary(data_dir=str(page.lab.notebooks.parent / "data")).sign(
        executed
    )  # its widgets run
    notebook = opened("executed")
    cell = notebook.cell("explore-descent")
    assert_shows(cell, descent.frame().seen)
    expect(cell.locator(".jp-OutputArea-output").first).to_have_text(NOTE)
    assert not cell.locator(".jupyter-widgets-disconnected").count()
    assert executed.metadata.widgets == notebook.page.evaluate(
        "() => jupyterapp.shell.currentWidget.model.getMetadata('widgets')"
    )


IMPORT = "from support.exercises import gradient_tape as exercises\n"


def run_with(notebook, name, body):
    """Type an answer into the cell of an exercise, and run it."""
    cell = notebook.cell(f"exercise-{name.replace('_', '-')}")
    cell.locator(".cm-content").click()
    notebook.page.keyboard.press("Control+A")
    notebook.page.keyboard.insert_text(f"{IMPORT}{body}\nexercises.{name}.check({name})")
    notebook.page.keyboard.press("Control+Enter")
    return cell.locator(".jp-OutputArea")


def go_to(page, element):
    """Press Tab until the focus is on an element of this kind. Returns its text."""
    focus = "() => [document.activeElement.localName, document.activeElement.textContent]"
    for _ in range(10):
        page.keyboard.press("Tab")
        name, text = page.evaluate(focus)
        if name == element:
            return text
    raise AssertionError(f"the Tab key does not lead to <{element}>, but to {name} {text!r}")


def test_an_exercise_is_solved_and_its_hints_opened_and_links_followed_by_keys(opened):
    from playwright.sync_api import expect

    notebook = opened("05_gradient_tape")
    page = notebook.page
    stored = notebook.cell("exercise-slope").locator(".jp-OutputArea")
    stored.locator("summary").first.press("Enter")  # no cell has run, nothing is trusted yet
    expect(stored).to_contain_text("A tape has to record")

    empty = "def slope(function, x):\n    ..."
    output = run_with(notebook, "slope", empty)
    expect(output).to_have_text(
        re.compile("^Run the cells above first: .+Run All Above Selected.+$")
    )
    label = page.evaluate("() => jupyterapp.commands.label('notebook:run-all-above')")
    assert f"“{label}”" in output.inner_text()
    notebook.run_all()

    output = run_with(notebook, "slope", empty)
    expect(output).to_contain_text("Not attempted")
    for title, key in [
        ("Hint 1 of 3", "Enter"),
        ("Hint 2 of 3", "Space"),
        ("Hint 3 of 3", "Enter"),
        ("Solution", "Enter"),
    ]:
        expect(output.locator("summary").filter(visible=True).last).to_have_text(title)
        assert go_to(page, "summary") == title
        page.keyboard.press(key)
    expect(output.locator("pre")).to_be_visible()
    notebook.screenshot("hints")

    output = run_with(notebook, "slope", "def slope(function, x):\n    return function(x)")
    expect(output).to_contain_text("✘ Wrong")
    expect(output).to_contain_text("See “What a gradient says”")
    assert go_to(page, "a") == "“What a gradient says”"
    page.keyboard.press("Enter")
    expect(page.locator("[data-jupyter-id=What-a-gradient-says]")).to_be_in_viewport()
    expect(output).not_to_be_in_viewport()

    answer = output.locator("pre").last.text_content()
    assert answer.startswith("def slope")
    output = run_with(notebook, "slope", answer)
    expect(output).to_contain_text("✔ Right: You have solved 1 of the 5 exercises")

    product = """def loss_gradients(inputs, targets, W, b):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((inputs * W + b - targets)**2)
    return tape.gradient(loss, [W, b])"""
    output = run_with(notebook, "loss_gradients", product)
    output.get_by_role("link", name="is not the matrix product” in notebook 04").click()
    heading = page.locator("[data-jupyter-id='*-is-not-the-matrix-product']")
    expect(heading).to_be_in_viewport()
    notebook.screenshot("section_in_another_notebook")


def test_after_a_restart_everything_runs_again(opened):
    notebook = opened("03_variables")
    notebook.page.evaluate(
        """async () => {
            const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            await kernel.requestExecute({code: 'left_over = 1'}).done;
        }"""
    )
    notebook.start("notebook:restart-run-all")
    notebook.page.locator(".jp-Dialog .jp-mod-accept").click()
    notebook.await_end()
    assert_ran_as_intended(notebook)
    found = notebook.page.evaluate(
        """async () => {
            const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const reply = await kernel.requestExecute({code: 'left_over'}).done;
            return reply.content.ename;
        }"""
    )
    assert found == "NameError"
