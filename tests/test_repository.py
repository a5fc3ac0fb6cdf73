"""Facts that stand in one place: the repository's address, the versions, the package, what Binder builds."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import zipfile

import pytest
from packaging.requirements import Requirement

from support.explore import descent
from tests.curriculum import NOTEBOOKS, PROJECT, REPOSITORY, ROOT, prose, title
from tests.net.picture import Picture

README = (ROOT / "README.md").read_text(encoding="utf-8")

# What Colab had in August 2026.
COLAB = {
    "tensorflow": "2.20.0",
    "keras": "3.13.2",
    "numpy": "2.1.3",
    "matplotlib": "3.10.0",
    "ipython": "7.34.0",
}


def test_the_supported_pythons_are_the_same_everywhere():
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert "(3, 11) <= v <= (3, 13)" in (ROOT / "Makefile").read_text()
    assert "Python 3.11, 3.12 or 3.13" in README
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    assert 'python: ["3.11", "3.12", "3.13"]' in workflow


def test_ci_runs_the_test_command_of_readme_last():
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "make test"
    assert re.search(r"^    make test ", README, re.MULTILINE)


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_every_derived_address_is_that_of_pyproject():
    owner_and_name = r"([\w.-]+/[\w.-]+?)"
    places = {
        "colab": rf"colab\.research\.google\.com/github/{owner_and_name}/blob/",
        "binder": rf"mybinder\.org/v2/gh/{owner_and_name}/",
        "pip": rf"git\+https://github\.com/{owner_and_name}@",
        "clone": rf"git clone https://github\.com/{owner_and_name}(?:\.git)?\s",
    }
    found = {kind: set() for kind in places}
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="ignore")
        for kind, pattern in places.items():
            found[kind] |= set(re.findall(pattern, text))
    assert found == {kind: {REPOSITORY} for kind in places}


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
    assert Picture(stored) == Picture(fresh), "run `make notebooks`"


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
    assert set(re.findall(r"(?:`|^ {4})make (\w+)", README, re.MULTILINE)) == targets - {"help"}


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return dict(
        re.match(r"([\w.-]+)==(\S+)", line).groups() for line in lines if re.match(r"\w", line)
    )


def test_everything_that_is_asked_for_is_pinned_within_its_range():
    asked = [
        *PROJECT["dependencies"],
        *(name for names in PROJECT["optional-dependencies"].values() for name in names),
    ]
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pins()[requirement.name]), requirement


def test_requirements_install_the_package_and_tensorflow_for_every_system():
    text = (ROOT / "requirements.txt").read_text()
    assert re.search(r"^-e \.$", text, re.MULTILINE)
    assert re.search(
        r"^tensorflow==\S+$", text, re.MULTILINE
    )  # without a marker; its wheel serves a GPU too
    assert not re.search(r"https?:", text)


def test_this_environment_has_the_pinned_versions():
    from importlib.metadata import version

    for name in ("tensorflow", "keras", "numpy", "matplotlib", "nbval", "papermill", "jupyterlab"):
        assert version(name) == pins()[name], (
            f"{name}: run `make lab` or `make test` to install what is pinned"
        )


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
    assert wheel.name == f"keras_tensorflow_curriculum-{PROJECT['version']}-py3-none-any.whl"
    assert wheel.stat().st_size < 200_000
    names = zipfile.ZipFile(wheel).namelist()
    assert "support/explore/overfitting.npz" in names
    top = {name.split("/")[0] for name in names}
    assert top == {"support", f"keras_tensorflow_curriculum-{PROJECT['version']}.dist-info"}


def test_colabs_versions_satisfy_the_wheel():
    for requirement in map(Requirement, PROJECT["dependencies"]):
        if requirement.name in COLAB:
            assert requirement.specifier.contains(COLAB[requirement.name]), requirement


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


def test_binder_builds_this_python_with_the_pinned_versions_and_support(monkeypatch):
    pytest.importorskip("repo2docker", reason="repo2docker runs on Linux and macOS")
    from repo2docker.app import Repo2Docker

    monkeypatch.chdir(ROOT)
    app = Repo2Docker()  # renders without a Docker daemon
    build = next(
        pack
        for pack in (kind(base_image=app.base_image) for kind in app.buildpacks)
        if pack.detect()
    )
    build.platform = app.platform
    recipe = build.render()

    assert build.binder_dir == "binder"
    assert build.python_version == "3.11"
    copied = recipe.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/")
    installed = re.search(r'bin/pip install --no-cache-dir -r "binder/requirements\.txt"', recipe)
    assert (
        installed and copied < installed.start()
    )  # after the copy, so that `-e .` finds the package
    assert recipe.index("WORKDIR ${REPO_DIR}") < installed.start()
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in recipe


@pytest.mark.skipif(os.name == "nt", reason="Binder runs Linux")
def test_binder_starts_jupyter_with_warm_kernels_and_the_arguments_it_is_given():
    say = 'import os, sys; print(os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"], *sys.argv[1:])'
    command = [ROOT / "binder/start", sys.executable, "-c", say, "lab", "a b"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == "warm-kernel lab a b\n"
    assert (ROOT / "binder/requirements.txt").read_text() == "-r ../requirements.txt\n"


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
