"""Facts that stand in one place: the repository's address, the versions, the package, what Binder builds."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import requires, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import support
from support import runtime
from support.explore import descent
from tests import audit, links
from tests.comparison import picture
from tests.reading import BRANCH, NOTEBOOKS, PROJECT, REPOSITORY, ROOT, prose, source_of, title

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_supported_pythons_are_the_same_everywhere():
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert "(3, 11) <= v <= (3, 13)" in (ROOT / "Makefile").read_text()
    assert "Python 3.11, 3.12 or 3.13" in README
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    assert 'python: ["3.11", "3.12", "3.13"]' in workflow


def test_ci_runs_the_test_command_of_readme_last():
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "make test"
    assert re.search(r"^    make test ", README, re.MULTILINE)


@pytest.mark.parametrize("kind", links.LINKS)
def test_every_link_leads_to_the_repository_that_pyproject_names(kind):
    found = {
        (match["owner"], match["name"], match.groupdict().get("branch", BRANCH))
        for _, text in links.tracked_texts()
        for match in links.pattern(links.LINKS[kind]).finditer(text)
    }
    assert found == {(*REPOSITORY.split("/"), BRANCH)}


def test_no_other_address_of_a_repository_is_written_anywhere():
    places = re.compile(
        r"(?:github\.com|github\.io|mybinder\.org/v2/gh|colab\.research\.google\.com/github)/([\w.-]+/[\w.-]+)"
    )
    found = {
        address.removesuffix(".git")
        for path, text in links.tracked_texts()
        if path.parent.name != "workflows"
        for address in places.findall(text)
    }
    # the others are cited pages
    assert found == {REPOSITORY, "python-jsonschema/jsonschema", "keras-team/keras"}


def test_links_are_rewritten_once_and_back():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    fork = "octo-cat", "tf.course", "spring-2027"
    fresh = links.rewritten(text, *fork)
    assert REPOSITORY not in fresh and fresh.count("octo-cat/tf.course") >= 3
    assert "cd tf.course\n" in fresh and "octo-cat%2Ftf.course&branch=spring-2027" in fresh
    assert links.rewritten(fresh, *fork) == fresh
    assert links.rewritten(fresh, *REPOSITORY.split("/"), BRANCH) == text


@pytest.mark.parametrize(
    ("repository", "branch"),
    [
        ("", "main"),
        ("tf-course", "main"),
        ("a/b/c", "main"),
        ("-a/b", "main"),
        ("a/..", "main"),
        ("a/b.git", "main"),
        ("https://github.com/a/b", "main"),
        ("a/b", "feature/x"),
        ("a/b", "two words"),
        ("a/b", "x..y"),
    ],
)
def test_a_name_that_can_not_stand_in_a_link_is_refused(repository, branch):
    command = [sys.executable, "-m", "tests.links", "--", repository, branch]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    *_, line = result.stderr.splitlines()
    assert result.returncode == 2 and result.stdout == ""
    assert repr(branch if repository == "a/b" else repository) in line


def test_every_badge_opens_its_own_notebook():
    for path in NOTEBOOKS:
        link = links.LINKS["Colab"].format(
            owner=REPOSITORY.split("/")[0], name=REPOSITORY.split("/")[1], branch=BRANCH
        )
        assert f"](https://{link}{path.name})" in prose(path)


def test_every_notebook_goes_with_this_version():
    series = ".".join(support.__version__.split(".")[:2])
    for path in NOTEBOOKS:
        assert f'runtime.set_up(seed=0, curriculum="{series}")' in source_of(path.stem, "setup")


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_the_workflows_fit_their_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "github-workflows"]
    result = subprocess.run([*command, *WORKFLOWS], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_runs_actions_of_one_commit(path):
    text = path.read_text(encoding="utf-8")
    assert "\npermissions:\n  contents: read\n" in text and text.count("permissions:") == 1
    used = re.findall(r"uses: (\S+)", text)
    assert used and all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", each) for each in used)
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")


def test_the_dev_container_sets_up_what_make_does():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert container["image"].endswith(f"python:{pins_python()}")
    assert container["postCreateCommand"] == "make .venv/installed"
    assert make("--dry-run", ".venv/installed").returncode == 0
    vscode = container["customizations"]["vscode"]
    assert vscode["settings"]["python.defaultInterpreterPath"].endswith("/.venv/bin/python")
    (opened,) = container["customizations"]["codespaces"]["openFiles"]
    assert (ROOT / opened).is_file()


def pins_python() -> str:
    """The Python that the pins were compiled for."""
    return re.search(r"--python-version (\S+)", (ROOT / "Makefile").read_text())[1]


def test_binder_has_the_python_that_the_pins_were_compiled_for():
    assert (ROOT / "binder/runtime.txt").read_text() == f"python-{pins_python()}\n"


@pytest.mark.parametrize(
    ("printed", "failed", "words", "status"),
    [
        ("", "no route\n", "can't be reached (no route)", 2),
        ('{"dependencies": [{"name": "a", "skip_reason": "x"}]}', "", "knows none", 2),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "version": "2", "vulns": '
            '[{"id": "CVE-1", "fix_versions": ["3"]}]}]}',
            "",
            "b 2: CVE-1, mended in 3\n2 of 2 packages audited, 1 vulnerabilities",
            1,
        ),
    ],
)
def test_the_audit_says_what_it_found_or_that_it_found_out_nothing(printed, failed, words, status):
    said, code = audit.report(printed, failed)
    assert words in said and code == status


def test_readme_shows_the_descent_explorer():
    assert re.search(r"!\[[^]]{40,}\]\(\.github/picture\.png\)", README), (
        "the picture has no alt text"
    )
    stored, fresh = (
        base64.b64encode(png).decode()
        for png in [
            (ROOT / ".github/picture.png").read_bytes(),
            descent.frame(rate=0.18, steps=20).png,
        ]
    )
    assert picture.same(stored, fresh), "run `make notebooks`"


def test_readme_maps_the_notebooks_as_the_first_one_does():
    rows = re.findall(r"^\| \[(.+?)\]\(notebooks/(.+?)\) \| (.+?) \|$", README, re.MULTILINE)
    assert [(text, name) for text, name, _ in rows] == [
        (title(path), path.name) for path in NOTEBOOKS
    ]
    for _, name, afterwards in rows[1:]:
        assert f"]({name}) | {afterwards} |" in prose(NOTEBOOKS[0])


def test_readme_names_every_target_but_help():
    targets = set(
        re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    )
    assert set(re.findall(r"(?:`|^ {4})make ([\w-]+)", README, re.MULTILINE)) == targets - {"help"}


LEARNERS, MAINTAINERS = "requirements.txt", "tests/requirements.txt"


def pinned_lines(*files: str) -> list[str]:
    return [
        line
        for file in files
        for line in (ROOT / file).read_text().splitlines()
        if re.match(r"\w", line)
    ]


def pins(*files: str) -> dict[str, str]:
    return dict(
        re.match(r"([\w.-]+)==(\S+)", line).groups()
        for line in pinned_lines(*files or (LEARNERS, MAINTAINERS))
    )


def test_everything_that_is_asked_for_is_pinned_within_its_range():
    asked = [
        *PROJECT["dependencies"],
        *(name for names in PROJECT["optional-dependencies"].values() for name in names),
    ]
    pinned = pins("tests/elsewhere/jax.txt") | pins()
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_jax_is_tried_beside_the_pinned_versions():
    with_jax = pins("tests/elsewhere/jax.txt")
    different = {name for name, pin in with_jax.items() if pins().get(name) != pin}
    assert different == {"jax", "jaxlib", "scipy"}


def test_requirements_install_the_package_and_tensorflow_for_every_system():
    text = (ROOT / "requirements.txt").read_text()
    assert re.search(r"^-e \.$", text, re.MULTILINE)
    assert {"jupyterlab", "nbval", "papermill"} <= pins(LEARNERS).keys()
    assert re.search(
        r"^tensorflow==\S+$", text, re.MULTILINE
    )  # without a marker; its wheel serves a GPU too
    assert not re.search(r"https?:", text)


def test_this_environment_has_the_pinned_versions():
    for name in ("tensorflow", "keras", "numpy", "matplotlib", "nbval", "papermill", "jupyterlab"):
        assert version(name) == pins()[name], (
            f"{name}: run `make lab` or `make test` to install what is pinned"
        )


def test_no_package_is_pinned_in_both_lists():
    assert not pins(LEARNERS).keys() & pins(MAINTAINERS).keys()
    assert "-r ../requirements.txt" in (ROOT / MAINTAINERS).read_text().splitlines()


@pytest.mark.parametrize(
    ("files", "extras"),
    [
        ([LEARNERS], ["lab", "execute", "litert"]),
        ([LEARNERS, MAINTAINERS], ["lab", "execute", "litert", "cluster", "maintain"]),
    ],
    ids=["learners", "maintainers"],
)
def test_the_pins_are_all_that_pyproject_asks_for_and_no_more(files, extras):
    """Walks from pyproject.toml through what the installed packages require, as far as this machine needs it."""
    canonical = {canonicalize_name(name): pin for name, pin in pins(*files).items()}
    asked = [*PROJECT["dependencies"]]
    asked += [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    waiting = [Requirement(line) for line in asked]
    reached: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        assert name in canonical, f"{requirement} is not pinned: run `make lock`"
        assert requirement.specifier.contains(canonical[name]), (
            f"{requirement}, but pinned is {canonical[name]}: run `make lock`"
        )
        if (name, frozenset(requirement.extras)) in reached:
            continue
        reached.add((name, frozenset(requirement.extras)))
        for line in requires(name) or []:
            further = Requirement(line)
            if further.marker is None or any(
                further.marker.evaluate({"extra": extra}) for extra in {"", *requirement.extras}
            ):
                waiting.append(further)
    here = {
        canonicalize_name(requirement.name)
        for requirement in map(Requirement, pinned_lines(*files))
        if requirement.marker is None or requirement.marker.evaluate()
    }
    assert here - {name for name, _ in reached} == set(), "pinned for nothing: run `make lock`"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--quiet",
    ]
    subprocess.run([*command, "--wheel-dir", folder, ROOT], check=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_is_pure_small_and_holds_support_alone(wheel):
    assert wheel.name == f"keras_tensorflow_curriculum-{support.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < 235_000
    names = zipfile.ZipFile(wheel).namelist()
    data = {"overfitting.npz", "speed.csv", "controls.js", "controls.css"}
    assert {f"support/explore/{name}" for name in data} <= set(names)
    top = {name.split("/")[0] for name in names}
    assert top == {"support", f"keras_tensorflow_curriculum-{support.__version__}.dist-info"}


def test_colabs_versions_satisfy_the_wheel():
    colab = pins("tests/elsewhere/colab.txt")
    for requirement in map(Requirement, PROJECT["dependencies"]):
        version = colab.get(requirement.name)  # None: the set-up cell installs it
        assert version is None or requirement.specifier.contains(version), requirement


def test_the_floor_is_the_oldest_that_is_asked_for():
    floor = pins("tests/elsewhere/floor.txt")
    for requirement in map(Requirement, PROJECT["dependencies"]):
        (bound,) = requirement.specifier
        assert bound.operator == ">=" and floor[requirement.name].startswith(bound.version)
    assert floor["tensorflow"].startswith(runtime.OLDEST_TENSORFLOW + ".")


def test_installing_the_wheel_changes_no_other_package(wheel, tmp_path):
    report = tmp_path / "report.json"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-index",
        "--quiet",
        "--report",
        str(report),
    ]
    subprocess.run([*command, str(wheel)], check=True)
    names = {item["metadata"]["name"] for item in json.loads(report.read_text())["install"]}
    assert names <= {PROJECT["name"]}


@pytest.mark.skipif(os.name == "nt", reason="Binder runs Linux")
def test_binder_starts_jupyter_with_warm_kernels_and_the_arguments_it_is_given():
    say = 'import os, sys; print(os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"], *sys.argv[1:])'
    command = [ROOT / "binder/start", sys.executable, "-c", say, "lab", "a b"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == "warm-kernel lab a b\n"


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as a person would, even when these tests run under make."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, env=environment
    )


@pytest.mark.skipif(os.name == "nt", reason="make is not used on Windows")
@pytest.mark.parametrize("version", [(3, 9, 18), (3, 10, 13), (3, 14, 0)])
def test_make_refuses_a_python_that_tensorflow_does_not_support_in_one_line(tmp_path, version):
    fake = tmp_path / "python"
    fake.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = {version}; exec(sys.argv[1])" "$2"\n'
    )
    fake.chmod(0o755)
    result = make("lab", f"PYTHON={fake}", f"VENV={tmp_path / 'venv'}")
    assert result.returncode != 0
    first, *rest = result.stderr.splitlines()
    assert f"Python {version[0]}.{version[1]}" in first and "3.11, 3.12 and 3.13" in first
    assert len(rest) == 1 and rest[0].startswith("make: ***")
    assert not (tmp_path / "venv").exists()


@pytest.mark.skipif(os.name == "nt", reason="make is not used on Windows")
def test_make_help_lists_every_target():
    printed = make("help").stdout
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[
        1
    ].split()
    assert [line.split()[1] for line in printed.splitlines()] == targets
