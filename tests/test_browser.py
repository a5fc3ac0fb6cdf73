"""The curriculum in JupyterLab, in a real Chromium: every notebook runs, explorers move, an exercise is solved."""

from __future__ import annotations

import re

import pytest

from support.explore import broadcasting, descent, layers, optimizers, overfitting, speed, tape
from tests.browser import CHROMIUM, HOW_TO_GET_IT, LabPage, launch, running_lab
from tests.curriculum import NOTEBOOKS

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
    for name, (of, keys, values) in MOVES.items():
        if of == stem:
            move(notebook, name, keys, values)


#: For each explorer: its notebook, the keys pressed in its first control that is not a list, and what they lead to.
MOVES = {
    "broadcasting": ("04_tensor_operations", "5, 1, 3", {"first": "5, 1, 3"}),
    "tape": ("05_gradient_tape", 3 * ["ArrowRight"], {"x": -1.7}),
    "descent": ("06_linear_classifier", 10 * ["ArrowUp"], {"rate": 0.07}),
    "layers": ("07_layers", "28, 28, 1", {"shape": "28, 28, 1"}),
    "optimizers": ("09_compile_and_fit", 2 * ["ArrowLeft"], {"steps": 38}),
    "overfitting": ("10_validation_and_inference", 2 * ["ArrowDown"], {"epochs": 520}),
    "speed": ("11_speed_and_scale", 2 * ["ArrowLeft"], {"power": 2.5}),
}
MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (broadcasting, descent, layers, optimizers, overfitting, speed, tape)
}


def move(notebook, name, keys, values):
    """Move an explorer by the keyboard alone; picture and words are then those of the function."""
    from playwright.sync_api import expect

    before, after = MODULES[name].frame().seen, MODULES[name].frame(**values).seen
    cell = notebook.cell(f"explore-{name}")
    picture, words = cell.locator("img"), cell.locator("[role=status]")
    expect(picture).to_have_attribute("alt", before.alt)
    expect(words).to_have_text(before.words)
    shown = picture.get_attribute("src")
    if isinstance(keys, str):
        typed = cell.locator("input[type=text]").first
        typed.fill("4, 0")
        typed.press("Enter")
        expect(words).to_contain_text("⚠ '4, 0' has an axis of length 0")
        expect(picture).to_have_attribute("src", shown)
        typed.fill(keys)
        typed.press("Enter")
    else:
        slider = cell.locator(".noUi-handle").first
        slider.focus()
        for key in keys:
            slider.press(key)
    expect(picture).to_have_attribute("alt", after.alt)
    expect(words).to_have_text(after.words)
    assert picture.get_attribute("src") != shown
    assert picture.evaluate("image => image.complete && image.naturalWidth > 400")
    notebook.screenshot(f"explore_{name}")


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
