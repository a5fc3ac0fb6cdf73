"""Nothing in the curriculum needs a network: all of it runs where there is none."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.curriculum import NOTEBOOKS, ROOT
from tests.net.quiet import WITHOUT_NETWORK, can_cut_the_network

pytestmark = pytest.mark.skipif(
    not can_cut_the_network(), reason="this system has no network namespaces (unshare, ip)"
)


def test_without_a_network_no_name_and_no_address_is_reached():
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    ran = subprocess.run([*WITHOUT_NETWORK, sys.executable, "-c", code], capture_output=True)
    assert b"Network is unreachable" in ran.stderr


def test_every_notebook_runs_without_a_network(tmp_path):
    command = [sys.executable, "-m", "support.execute", "notebooks", "--output", str(tmp_path)]
    # a kernel that is forked outside of the namespace could not be reached
    ordinary = os.environ | {"JUPYTER_DEFAULT_PROVISIONER_NAME": "local-provisioner"}
    ran = subprocess.run(
        [*WITHOUT_NETWORK, *command], cwd=ROOT, capture_output=True, text=True, env=ordinary
    )
    assert ran.returncode == 0, ran.stdout
    assert f"{len(NOTEBOOKS)} of {len(NOTEBOOKS)} notebooks ran to the end" in ran.stdout
