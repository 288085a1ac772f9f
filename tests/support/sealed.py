"""The suite talks to this machine only: a connection to any other address is an error in the test that made it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest


class OutsideConnection(AssertionError):
    """A test tried to leave this machine."""


def is_inside(address: Any) -> bool:
    """Whether a socket address is on this machine: a unix socket, localhost or a loopback address."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def pytest_configure(config: pytest.Config) -> None:
    """Close the sockets before any test module is imported."""

    def sealed(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if not is_inside(address):
                raise OutsideConnection(f"tests must not connect to {address!r}")
            return original(self, address)

        return connect

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", sealed(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", sealed(socket.socket.connect_ex))
    config.add_cleanup(patch.undo)
