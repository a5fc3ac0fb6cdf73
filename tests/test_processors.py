"""What an exercise says of an answer that raises is the same on any processor, with oneDNN's operations and without.

Whether TensorFlow has them on depends on the processor unless it is set before the import: so each is a process.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.reading import ROOT

#: Trains for a third of all the time, and computes with nothing that the others don't.
SLOW = "train_moons"


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_answers_that_raise_get_their_words(onednn):
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn, "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, "-m", "tests.test_processors"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    judged = int(ran.stdout.split()[-1])
    assert judged > 300


def main() -> None:
    """Judge the answers of the tables as far as the first error of each; print how many raised one."""
    from support.exercises.boxes import Verdict
    from support.exercises.engine import Exercise
    from tests.answers import answer_of, exercises_of, rows

    explain = Exercise._explain

    def explain_errors(exercise, attempt):
        return explain(exercise, attempt) if attempt.called.error else Verdict("Wrong")

    Exercise._explain = explain_errors
    judged = 0
    for module, name, row in rows():
        if row.get("right") or name == SLOW:
            continue
        verdict = exercises_of(module)[name].judge(answer_of(name, row["answer"]))
        if verdict.outcome == "Error":
            judged += 1
            said = f"{verdict.words}\n{verdict.evidence}"
            assert row["says"] in said, f"{row['says']}{row['answer']}got: {verdict}"
    print(judged)


if __name__ == "__main__":
    main()
