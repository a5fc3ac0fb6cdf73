"""How exercises look: what can be opened below a verdict, code and links in it, and what a terminal shows."""

from __future__ import annotations

import re
import sys
from html import unescape
from html.parser import HTMLParser

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from support.exercises import boxes, progress
from support.exercises.boxes import Verdict, hint_box, pointer, solution_box, verdict_box
from tests.answers import answer_of, exercises_of
from tests.curriculum import BRANCH, NOTEBOOKS, REPOSITORY, code_cells, prose, read

EXERCISES = [
    pytest.param(each, id=f"{module}.{name}")
    for module in progress.MODULES.values()
    for name, each in exercises_of(module).items()
]
SLOPE = exercises_of("gradient_tape")["slope"]
STARTER = Verdict("Not attempted", "replace the `...`, then run the cell again.")
NOTEBOOK_BY_STEM = {path.stem: path for path in NOTEBOOKS}


# What can be opened


class Opened(HTMLParser):
    """The titles that can be opened, each with how many others it is inside of, and the text that stands there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.found: list[tuple[int, str, str]] = []
        self.feed(html)
        assert not self.tags, "an element is left open"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "details":
            assert "open" not in dict(attributes)
            self.found.append((self.tags.count("details"), "", ""))

    def handle_endtag(self, tag):
        assert self.tags.pop() == tag

    def handle_data(self, text):
        if self.found and "details" in self.tags:
            depth, title, inside = self.found[-1]
            in_title = "summary" in self.tags
            self.found[-1] = (depth, title + text * in_title, inside + text * (not in_title))


def marked_down(words: str) -> str:
    return words.replace("`", "")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_each_hint_opens_inside_the_one_before_and_the_solution_in_the_last(exercise):
    count = len(exercise.hints)
    hints = [
        (number, f"Hint {number} of {count}", marked_down(hint))
        for number, hint in enumerate(exercise.hints, start=1)
    ]
    html = verdict_box(exercise, STARTER).html
    solution = (count + 1, "Solution", exercise.solution_source)
    assert Opened(html).found == [*hints, solution]
    right = verdict_box(exercise, Verdict("Right")).html
    assert Opened(right).found == [(1, "Solution", exercise.solution_source)]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_box_is_small_and_needs_nothing_but_itself(exercise):
    html = verdict_box(exercise, STARTER).html
    assert len(html.encode()) <= 4000
    plain = {"div", "b", "code", "details", "summary", "pre", "span", "a"}
    assert set(re.findall(r"<(\w+)", html)) <= plain
    assert set(re.findall(r'(\w+)="', html)) <= {"style", "href"}


def test_nothing_that_a_learner_writes_is_markup():
    verdict = Verdict("Wrong", "`a` < b", "x = <1>")
    html = verdict_box(SLOPE, verdict).html
    assert "<b>✘ Wrong</b>: <code>a</code> &lt; b<pre>x = &lt;1&gt;</pre><details" in html
    assert repr(verdict) == "✘ Wrong: `a` < b\n    x = <1>"


# Colors


def luminance(color: str) -> float:
    """As the Web Content Accessibility Guidelines define it."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted(luminance(each) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


BACKGROUNDS = {"white": "#FFFFFF", "JupyterLab, dark": "#111111", "Colab, dark": "#383838"}


@pytest.mark.parametrize("background", BACKGROUNDS.values(), ids=BACKGROUNDS)
def test_borders_are_seen(background):
    for color in [boxes.HELP, *(color for _, color in boxes.OUTCOMES.values())]:
        assert contrast(color, background) >= 3, color


def test_code_is_legible_on_its_own_background():
    for color in [boxes.INK, *boxes.COLORS.values()]:
        assert contrast(color, boxes.PAPER) >= 4.5, color
    html = boxes._code("def f(x):  # why\n    return x in (1.5, 'a', None)")
    colored = dict(re.findall(r'<span style="color: (#\w+)">(.+?)</span>', html))
    assert set(colored) == set(boxes.COLORS.values())
    assert f"background: {boxes.PAPER}; color: {boxes.INK}" in html
    assert unescape(re.sub("<.+?>", "", html)).endswith("return x in (1.5, 'a', None)")


def test_an_outcome_is_not_told_by_color_alone():
    marks = [mark for mark, _ in boxes.OUTCOMES.values()]
    assert len(set(marks)) == len(marks)
    for outcome, (mark, color) in boxes.OUTCOMES.items():
        html = verdict_box(SLOPE, Verdict(outcome)).html
        assert f"{mark} {outcome}" in html and f"solid {color};" in html


# Links


def headings(path) -> list[str]:
    return re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)


def anchor(heading: str) -> str:
    """What JupyterLab and nbconvert make of a heading: its text, with hyphens for spaces."""
    return heading.replace("`", "").replace(" ", "-")


def pointing(exercise) -> str:
    """A box in which all stands that may point to a section."""
    words = [f"{mistake.words} {pointer(mistake.see)}" for mistake in exercise.mistakes]
    return verdict_box(exercise, Verdict("Wrong", " ".join([pointer(exercise.see), *words]))).html


def links(html: str) -> set[tuple[str, str]]:
    """Where each leads, and what it says."""
    found = re.findall(r'<a href="(.*?)"(?: target="_blank")?>(.*?)</a>', html)
    assert len(found) == html.count("<a ")
    return {(unescape(place), unescape(re.sub("<.+?>", "", text))) for place, text in found}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_links_lead_to_the_sections_that_they_name(exercise):
    found = links(pointing(exercise))
    assert found
    everywhere = [anchor(heading) for path in NOTEBOOKS for heading in headings(path)]
    for place, text in found:
        section, number = re.fullmatch(r"“(.+)”(?: in notebook (\d\d))?", text).groups()
        file, _, fragment = place.partition("#")
        if number is None:  # JupyterLab looks for it in all notebooks that are open
            assert not file and everywhere.count(fragment) == 1, place
            assert fragment == anchor(section)
            assert fragment in map(anchor, headings(NOTEBOOK_BY_STEM[exercise.notebook]))
            assert re.fullmatch("[!#-;=?-~]+", fragment), "a browser would encode it"
        else:
            path = NOTEBOOKS[int(number)]
            assert file == path.name
            assert_begins(path, fragment.removeprefix("cell-id="), section)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_on_colab_links_lead_out_of_the_outputs_frame(exercise, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    html = pointing(exercise)
    assert html.count("<a ") == html.count(' target="_blank"')
    folder = f"https://colab.research.google.com/github/{REPOSITORY}/blob/{BRANCH}/notebooks/"
    for place, text in links(html):
        section = re.match("“(.+)”", text)[1]
        file, _, cell = place.removeprefix(folder).partition("#scrollTo=")
        assert_begins(NOTEBOOK_BY_STEM[file.removesuffix(".ipynb")], cell, section)


def assert_begins(path, cell_id: str, section: str) -> None:
    """That a cell has this id, and begins with the heading."""
    (cell,) = (cell for cell in read(path).cells if cell.id == cell_id)
    heading = re.match("#+ (.+)", cell.source)
    assert heading and heading[1].replace("`", "") == section, f"{path.stem}/{cell_id}"


def test_in_an_exported_page_a_link_leads_to_its_section():
    notebook = nbformat.v4.new_notebook()
    path = NOTEBOOK_BY_STEM[SLOPE.notebook]
    notebook.cells = [cell for cell in read(path).cells if cell.cell_type == "markdown"]
    data = {"text/html": verdict_box(SLOPE, Verdict("Wrong", pointer(SLOPE.see))).html}
    output = nbformat.v4.new_output("display_data", data)
    notebook.cells.append(nbformat.v4.new_code_cell(outputs=[output]))
    page, _ = HTMLExporter().from_notebook_node(notebook)
    ((place, text),) = links("".join(re.findall("<a href=[^>]+>“.*?</a>", page)))
    assert text == f"“{SLOPE.see}”" and f'id="{place.removeprefix("#")}"' in page
    assert page.count("<details") == len(SLOPE.hints) + 1


# In a terminal, and by name


def test_a_terminal_gets_short_text():
    wrong = verdict_box(SLOPE, Verdict("Wrong", "no.", "x = 1"))
    assert repr(wrong).splitlines() == [
        "✘ Wrong: no.",
        "    x = 1",
        "    exercises.slope.hint() shows a hint.",
    ]
    assert repr(verdict_box(SLOPE, Verdict("Right"))) == "✔ Right"
    count = len(SLOPE.hints)
    assert repr(hint_box(SLOPE, 1)).startswith(f"Hint 1 of {count}: A tape has to record")
    assert max(map(len, repr(hint_box(SLOPE, 1)).splitlines())) <= 88
    assert repr(hint_box(SLOPE, count + 1)).startswith("There are no more hints: `exercises.slope.")
    assert repr(solution_box(SLOPE)) == SLOPE.solution_source


def test_hints_come_one_by_one_in_boxes_that_look_like_verdicts(capsys):
    exercise = exercises_of("variables")["swap"]
    count = len(exercise.hints)
    for number in range(1, count + 1):
        exercise.hint()
        assert capsys.readouterr().out.startswith(f"Hint {number} of {count}: ")
    exercise.hint()
    assert capsys.readouterr().out.startswith("There are no more hints")
    exercise.solution()
    assert capsys.readouterr().out == exercise.solution_source + "\n"
    for box in (hint_box(exercise, 1), hint_box(exercise, count + 1), solution_box(exercise)):
        assert box._repr_html_().startswith(
            f'<div style="border-left: 4px solid {boxes.HELP}; padding: 0.3em 0.8em"><b>'
        )
    assert "<code>" in hint_box(SLOPE, 1).html and "<span style=" in solution_box(SLOPE).html


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.json"))


def solve(exercise) -> None:
    exercise.check(answer_of(exercise.name, exercise.solution_source))


def test_right_says_how_many_are_solved_and_what_comes_next(kept, capsys):
    exercises = list(exercises_of("tensors").values())
    for count, exercise in enumerate(exercises, start=1):
        solve(exercise)
        said = capsys.readouterr().out.strip()
        if count < len(exercises):
            assert said == f"✔ Right: You have solved {count} of the 4 exercises of this notebook."
    assert said.endswith(
        "You have solved all 4 exercises of this notebook. Go on with notebook 03."
    )
    assert links(exercise._repr_html_()) == {("03_variables.ipynb", "notebook 03")}
    for exercise in exercises_of("speed_and_scale").values():
        progress.record("11_speed_and_scale", exercise.name)
    assert progress.count_solved("11_speed_and_scale").endswith("It is the last one.")


def test_where_nothing_is_kept_right_says_no_more(capsys):
    solve(SLOPE)
    assert capsys.readouterr().out == "✔ Right\n"


def test_an_exercise_alone_shows_how_it_stands(kept, capsys):
    exercise, other = list(exercises_of("layers").values())[:2]
    assert repr(exercise).startswith("○ Not attempted: replace")
    assert exercise._repr_html_() == verdict_box(exercise, STARTER).html
    exercise.check(int)
    last = capsys.readouterr().out.strip()
    assert repr(exercise) == last and last.startswith("⚠ Error" if "Error" in last else "✘ Wrong")
    progress.record(other.notebook, other.name)
    assert "You have solved 1 of the 3 exercises" in repr(exercise)
    assert repr(other).startswith("✔ Right: You have solved 1")  # on another day


# A cell that is run first


def first_error(*sources: str) -> list[str]:
    """The traceback that Jupyter shows of what the last cell raises in a new kernel; empty if it ends well."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    try:
        NotebookClient(notebook, timeout=120).execute()
    except CellExecutionError:
        (error,) = (each for each in cells[-1].outputs if each.output_type == "error")
        return error.traceback
    return []


@pytest.mark.parametrize(
    ("notebook", "cell_id"),
    [("05_gradient_tape", "exercise-slope"), ("07_layers", "exercise-scale")],
)
def test_an_exercise_that_is_run_first_says_to_run_the_cells_above(notebook, cell_id):
    (cell,) = (each for each in code_cells(NOTEBOOK_BY_STEM[notebook]) if each.id == cell_id)
    (sentence,) = first_error(cell.source)
    assert sentence == (
        "Run the cells above first: choose “Run”, “Run All Above Selected Cell”, then run this cell again."
    )


def test_on_colab_the_sentence_names_its_menu_and_after_the_imports_all_is_well():
    line = "from support.exercises import tensors as exercises"
    on_colab = "import sys; sys.modules['google.colab'] = sys"
    (sentence,) = first_error(on_colab, line)
    assert "choose “Runtime”, “Run before”, then" in sentence
    assert not first_error("tf = 'imported'", line)
