"""Nothing in the curriculum, and nothing in its tests, needs a network: `make test` runs where there is none."""

from __future__ import annotations

import socket

import pytest


def test_no_address_is_reached():
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        pytest.skip(
            "this run has a network: `make test` cuts it where the system has namespaces (unshare, ip)"
        )
    with pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("192.0.2.1", 80), timeout=5)
