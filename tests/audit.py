"""Lists known vulnerabilities of the pinned packages: `make audit`. Says so if their database can't be reached."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COMMAND = [
    *(sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / "tests/requirements.txt")),
    *("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"),
]


def report(printed: str, failed: str) -> tuple[str, int]:
    """What to say of pip-audit's JSON, or of its error, and the exit status: 1 if there are vulnerabilities, 2 if
    nothing could be looked up."""
    try:
        packages: Sequence[dict[str, Any]] = json.loads(printed)["dependencies"]
    except ValueError:
        lines = failed.strip().splitlines() or ["no answer"]
        return (
            f"The database of vulnerabilities can't be reached ({lines[-1]}): nothing was audited.",
            2,
        )
    audited = [package for package in packages if "vulns" in package]
    if not audited:
        return (
            "The database of vulnerabilities knows none of these packages here: nothing was audited.",
            2,
        )
    found = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, "
        f"mended in {', '.join(vulnerability['fix_versions']) or 'no release yet'}"
        for package in audited
        for vulnerability in package["vulns"]
    ]
    summary = f"{len(audited)} of {len(packages)} packages audited, {len(found)} vulnerabilities"
    return "\n".join([*found, summary]), int(bool(found))


if __name__ == "__main__":
    ran = subprocess.run(COMMAND, capture_output=True, text=True)
    words, status = report(ran.stdout, ran.stderr)
    print(words)
    sys.exit(status)
