"""A port that is taken names who took it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pdm_app.bootstrap.problems import SetupError
from pdm_app.cli.ports import PortTakenError, listening_on


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_free_port_is_taken_at_once(free_port: int) -> None:
    with listening_on("127.0.0.1", free_port) as listener:
        assert listener.getsockname() == ("127.0.0.1", free_port)
        with pytest.raises(PortTakenError):
            listening_on("127.0.0.1", free_port)


def test_port_zero_takes_any_free_one() -> None:
    with listening_on("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_port_taken_by_this_process_names_this_process(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(PortTakenError, match=rf"taken by process {os.getpid()} .*\n.*--port {port + 1}"):
        listening_on("127.0.0.1", port)


def test_a_port_taken_by_another_process_names_its_command(free_port: int) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", f"import socket; s=socket.create_server(('127.0.0.1',{free_port})); print(); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with server:
        assert server.stdout is not None
        server.stdout.readline()
        with pytest.raises(PortTakenError) as refused:
            listening_on("127.0.0.1", free_port)
        server.communicate(b"\n")
    assert f"process {server.pid}" in refused.value.holder
    assert "create_server" in refused.value.holder


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("no.such.host.invalid", 80), ("192.0.2.1", 8080)])
def test_an_address_that_cannot_be_used_says_so(host: str, port: int) -> None:
    with pytest.raises(SetupError, match=r"Cannot listen on"):
        listening_on(host, port)
