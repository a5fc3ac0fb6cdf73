"""`make quiet N=20`: is the net quiet where nothing is wrong? Runs it N times, each time under other circumstances.

They change with the number of the run: threads of TensorFlow, oneDNN, the hash seed, other work on all cores, no
network, the time zone and the language.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUARDS = ["tests/test_notebooks.py", "tests/test_listings.py", "tests/test_claims.py"]
NET = ["notebooks", "tests/notebooks", *GUARDS]

#: Runs a command in a network namespace that has nothing but itself.
WITHOUT_NETWORK = [
    "unshare",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    'ip link set lo up && exec "$@"',
    "sh",
]

ZONES = ["UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns"]
LANGUAGES = ["C", "C.utf8", "de_DE.utf8", "tr_TR.utf8", "ja_JP.utf8"]


def installed_languages() -> list[str]:
    """Of `LANGUAGES`, those that this system has; bash warns of the others, in a cell's output too."""
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout
    return [language for language in LANGUAGES if language in listed.split()]


def circumstances(run: int, languages: list[str]) -> tuple[dict[str, str], bool, bool]:
    """Variables of the environment, whether all cores are busy, and whether there is a network."""
    variables = {
        "PYTHONHASHSEED": str(random.Random(run).randrange(2**32)),
        "TF_ENABLE_ONEDNN_OPTS": str(run // 2 % 2),
        "TZ": ZONES[run % len(ZONES)],
        "LC_ALL": languages[run // 3 % len(languages)],
    }
    if run % 2:
        variables |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    return variables, run % 5 in (1, 3), run % 3 > 0


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Something else takes what it gets of every core."""
    burn = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(burn) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def can_cut_the_network() -> bool:
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run([*WITHOUT_NETWORK, "true"], capture_output=True).returncode
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.quiet", description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=20)
    runs = parser.parse_args().runs
    cut = can_cut_the_network()
    if not cut:
        print("this system has no network namespaces: all runs keep the network")
    languages = installed_languages()
    failures = 0
    for run in range(runs):
        variables, busy, network = circumstances(run, languages)
        network = network or not cut
        command = [
            *([] if network else WITHOUT_NETWORK),
            sys.executable,
            "-m",
            "pytest",
            "-q",
            *NET,
        ]
        began = time.perf_counter()
        with busy_cores() if busy else contextlib.nullcontext():
            result = subprocess.run(
                command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True
            )
        seconds = time.perf_counter() - began
        told = " ".join(f"{name}={value}" for name, value in variables.items())
        told += ", cores busy" * busy + ", no network" * (not network)
        print(
            f"{run + 1:3} {'failed' if result.returncode else 'quiet '} {seconds:4.0f} s  {told}",
            flush=True,
        )
        if result.returncode:
            failures += 1
            print(result.stdout[-4000:], result.stderr[-1000:])
    print(f"{failures} of {runs} runs failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
