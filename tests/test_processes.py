"""Scripts in processes of their own: what comes back, what is said when they fail, and that none is left behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from support import processes
from support.processes import ScriptFailed, run_script, run_workers

FOR_EVER = "import time\ntime.sleep(1000)"


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return path

    return write


def left_behind(path):
    """The processes that still run a script."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(path) in (process.info["cmdline"] or []) and process.status() != psutil.STATUS_ZOMBIE
    ]


def test_what_a_script_prints_comes_back(script):
    path = script("import sys\nprint(__name__, sys.argv, sys.path[0] == sys.argv[1])")
    assert (
        run_script(path, path.parent, 3) == f"__main__ {[str(path), str(path.parent), '3']} True\n"
    )


def test_a_script_gets_its_environment(script):
    path = script("import os\nprint(os.environ['ENGINE'], 'PATH' in os.environ)")
    assert run_script(path, environment={"ENGINE": "jax"}) == "jax True\n"


def test_each_worker_gets_all_addresses_and_its_own_number(script):
    configurations = [
        json.loads(printed)
        for printed in run_workers(script("import os\nprint(os.environ['TF_CONFIG'])"), workers=3)
    ]
    assert [each["task"] for each in configurations] == [
        {"type": "worker", "index": number} for number in range(3)
    ]
    (addresses,) = {tuple(each["cluster"]["worker"]) for each in configurations}
    assert len(set(addresses)) == 3 and all(each.startswith("localhost:") for each in addresses)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "import no_such_package",
            "failed with ModuleNotFoundError: No module named 'no_such_package'.",
        ),
        ("class OwnError(Exception): pass\nraise OwnError('why')", "failed with OwnError: why."),
        ("raise SystemExit(3)", "ended with status 3."),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            "was ended from outside (by SIGKILL)",
        ),
    ],
)
def test_a_script_that_fails_says_why_in_a_sentence(script, text, words):
    with pytest.raises(ScriptFailed) as raised:
        run_script(script(text))
    assert str(raised.value).startswith(f"script.py {words}")
    assert "\n" not in str(raised.value)
    assert raised.value._render_traceback_() == [f"ScriptFailed: {raised.value}"]


def test_a_script_without_an_end_is_ended(script):
    path = script(FOR_EVER)
    with pytest.raises(
        ScriptFailed, match=r"script.py was not done after 0.5 s, and was ended\. Give it more"
    ):
        run_script(path, seconds=0.5)
    assert not left_behind(path)


def test_when_a_worker_is_killed_the_others_are_ended(script):
    path = script(
        f"import os\nif '\"index\": 1' in os.environ['TF_CONFIG']: os.abort()\n{FOR_EVER}"
    )
    with pytest.raises(ScriptFailed) as raised:
        run_workers(path, seconds=60)
    assert str(raised.value) == (
        "worker 1 was ended from outside (by SIGABRT) before it was done, and the others were ended."
    )
    assert not left_behind(path)


def test_an_interrupt_leaves_nothing_behind(script):
    path = script(FOR_EVER)
    alarm = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_workers(path)
    finally:
        signal.signal(signal.SIGALRM, alarm)
    assert not left_behind(path)


def test_whoever_started_them_is_killed_and_they_end_too(script):
    path = script(FOR_EVER)
    code = f"from pathlib import Path\nfrom support import processes\nprocesses.run_workers(Path({str(path)!r}))"
    caller = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while len(running := left_behind(path)) < 2:
        assert time.monotonic() < deadline, "the workers did not start"
        psutil.wait_procs([], timeout=0.05)
    caller.kill()
    caller.wait()
    _, alive = psutil.wait_procs(running, timeout=30)
    assert not alive


def test_a_port_that_is_taken_is_told_before_anything_runs(script):
    with socket.socket() as other:
        other.bind(("localhost", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            ValueError, match=f"Port {port} of this machine is taken by another program"
        ):
            run_workers(script(FOR_EVER), workers=1, ports=[port])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"workers": 0}, "workers is 0; expected at least 1"),
        ({"ports": [5001]}, "expected 2 different ones"),
        ({"ports": [5001, 5001]}, "expected 2 different ones"),
    ],
)
def test_impossible_numbers_are_refused(script, given, words):
    with pytest.raises(ValueError, match=words):
        run_workers(script(""), **given)


def test_a_port_that_was_taken_in_between_is_tried_anew(script, monkeypatch):
    fails_at_first = f"""
import os, pathlib, sys
marker = pathlib.Path(__file__).with_name("once")
if not marker.exists():
    marker.touch()
    sys.exit("UnknownError: {processes.PORT_TAKEN}")
print("done")
"""
    assert run_workers(script(fails_at_first), workers=1) == ["done\n"]
    always = script(f"import sys\nsys.exit('UnknownError: {processes.PORT_TAKEN}')")
    with pytest.raises(
        ScriptFailed, match="worker 0 could not listen at its port, which another program has"
    ):
        run_workers(always, workers=1)
