"""Which exercises are solved: a small file in the learner's home, which may be deleted at any time."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path

#: The modules of exercises, by notebook.
MODULES = {
    "02_tensors": "tensors",
    "03_variables": "variables",
    "04_tensor_operations": "tensor_operations",
    "05_gradient_tape": "gradient_tape",
    "06_linear_classifier": "linear_classifier",
    "07_layers": "layers",
    "08_models": "models",
    "09_compile_and_fit": "compile_and_fit",
    "10_validation_and_inference": "validation_and_inference",
    "11_speed_and_scale": "speed_and_scale",
}

#: Names another file; empty, nothing is kept. Notebooks that are executed headlessly run with it empty.
VARIABLE = "CURRICULUM_PROGRESS"


def progress() -> None:
    """Print how many exercises of each notebook are solved, with a bar."""
    solved = read()
    for notebook, names in _exercises().items():
        done = [name for name in names if name in solved.get(notebook, [])]
        bar = "█" * len(done) + "░" * (len(names) - len(done))
        print(f"{notebook:<29} {bar:<5} {len(done)} of {len(names)}")


def count_solved(notebook: str) -> str:
    """Say how many of a notebook's exercises are solved, and what comes next; "" if none is noted as solved."""
    names = _exercises()[notebook]
    count = len(set(names) & set(read().get(notebook, [])))
    if count == 0:
        return ""
    if count < len(names):
        return f"You have solved {count} of the {len(names)} exercises of this notebook."
    later = [stem[:2] for stem in MODULES if stem > notebook]
    following = f"Go on with notebook {later[0]}." if later else "It is the last one."
    return f"You have solved all {count} exercises of this notebook. {following}"


def record(notebook: str, name: str) -> None:
    """Note that an exercise is solved. Where the file can't be written, nothing is noted, and nothing fails."""
    path = _path()
    solved = read()
    if path is None or name in solved.get(notebook, []):
        return
    solved.setdefault(notebook, []).append(name)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(solved, file, indent=1)
            Path(draft).replace(path)
        except OSError:
            Path(draft).unlink(missing_ok=True)
            raise


def read() -> dict[str, list[str]]:
    """The names of the solved exercises, by notebook. A file that is missing or damaged holds none."""
    path = _path()
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        notebook: [name for name in names if isinstance(name, str)]
        for notebook, names in content.items()
        if isinstance(names, list)
    }


def _path() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    try:
        return Path.home() / ".local/share/keras-tensorflow-curriculum/progress.json"
    except RuntimeError:  # a user without a home
        return None


def _exercises() -> dict[str, list[str]]:
    """The names of all exercises, by notebook, in their order. They are read: to import them takes TensorFlow."""
    return {
        notebook: re.findall(
            r"^@exercise\(.*?^\)\n(?:def|class) (\w+)",
            Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"),
            re.DOTALL | re.MULTILINE,
        )
        for notebook, module in MODULES.items()
    }
