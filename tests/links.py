"""Points every link at a repository: `make links REPO=owner/name [BRANCH=main]`, for a fork.

The address in pyproject.toml is the one that counts; all others are derived from it by `LINKS`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Every text that holds the repository's address.
LINKS = {
    "address": 'Repository = "https://github.com/{owner}/{name}/tree/{branch}"',
    "Colab": "colab.research.google.com/github/{owner}/{name}/blob/{branch}/notebooks/",
    "Binder": "mybinder.org/v2/gh/{owner}/{name}/{branch}?",
    "pip": "git+https://github.com/{owner}/{name}@{branch}",
    "clone": "git clone https://github.com/{owner}/{name}\n    cd {name}\n",
    "nbgitpuller": "git-pull?repo=https%3A%2F%2Fgithub.com%2F{owner}%2F{name}&branch={branch}"
    "&urlpath=lab%2Ftree%2F{name}%2F",
}
PARTS = {
    "owner": r"[A-Za-z0-9][A-Za-z0-9-]{0,38}",
    "name": r"[\w.-]{1,100}",
    "branch": r"\w[\w.-]*",
}


def pattern(link: str) -> re.Pattern[str]:
    """Matches a link with any owner, name and branch."""
    expression = re.escape(link)
    for part, allowed in PARTS.items():
        gap = re.escape(f"{{{part}}}")
        expression = expression.replace(gap, f"(?P<{part}>{allowed})", 1)
        expression = expression.replace(gap, f"(?P={part})")
    return re.compile(expression)


def tracked_texts() -> Iterator[tuple[Path, str]]:
    """The repository's files that are text, but for this one and the tests."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for path in (ROOT / name for name in listed if name and not name.startswith("tests/")):
        try:
            yield path, path.read_bytes().decode("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):  # a picture; a file that is deleted
            continue


def rewritten(text: str, owner: str, name: str, branch: str) -> str:
    """A text with all its links pointed at a repository."""
    for link in LINKS.values():
        target = link.format(owner=owner, name=name, branch=branch)
        text = pattern(link).sub(lambda _, target=target: target, text)
    return text


def repository(text: str) -> tuple[str, str]:
    """Owner and name out of "owner/name"."""
    owner, _, name = text.partition("/")
    fits = re.fullmatch(PARTS["owner"], owner) and re.fullmatch(PARTS["name"], name)
    if not fits or name in (".", "..") or name.endswith(".git"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no owner/name of a repository on GitHub, as octocat/hello-world is"
        )
    return owner, name


def branch(text: str) -> str:
    if not re.fullmatch(PARTS["branch"], text) or text.endswith((".", ".lock")) or ".." in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} can't stand in a link: a branch's name may have letters, digits, and . _ - between them"
        )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make links", usage="make links REPO=owner/name [BRANCH=main]"
    )
    parser.add_argument("repository", type=repository)
    parser.add_argument("branch", type=branch)
    options = parser.parse_args()
    for path, text in tracked_texts():
        fresh = rewritten(text, *options.repository, options.branch)
        if fresh != text:
            path.write_bytes(fresh.encode())
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
