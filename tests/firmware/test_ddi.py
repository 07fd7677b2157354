"""The agent as a process of its own, against a server on loopback that answers as the interface says."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pdm_agent.ddi import DdiServer

from pdm_app.domain.firmware_tickets import Ticket, read_ticket, written
from tests.firmware.test_agent import DIRECTOR, SIGNER, image, offered, public, said_of

AGENT = Path(__file__).parents[2] / "firmware"
BASE = "/DEFAULT/controller/v1/gw-7"
TOKEN = "t0ken"
FAR_US = 2**53 - 1


class Answers(BaseHTTPRequestHandler):
    """One device's side of the interface; what it is told is kept."""

    told: list[tuple[str, str, Any]]
    ranges: list[str]
    cut_after: int
    ticket: str
    elsewhere: str

    def log_message(self, format: str, *words: Any) -> None:
        """Say nothing."""

    def _is_let_in(self) -> bool:
        if self.headers["authorization"] == f"TargetToken {TOKEN}":
            return True
        self.send_response(401)
        self.send_header("content-length", "0")
        self.end_headers()
        return False

    def _json(self, said: Any) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        kind = type(self)
        if not self._is_let_in():
            return
        here = f"http://{self.headers['host']}{BASE}"
        closed = [content for _, path, content in kind.told if path.endswith("feedback") and _closes(content)]
        if self.path == BASE:
            links = {} if closed else {"deploymentBase": {"href": f"{here}/deploymentBase/41?c=7"}}
            self._json({"config": {"polling": {"sleep": "00:00:01"}}, "_links": links})
        elif self.path == f"{BASE}/deploymentBase/41?c=7":
            said = said_of("2.0.0")
            offer = offered("41", said)
            known = {"ota.manifest": said, "ota.sig": offer.signature, "ota.ticket": kind.ticket}
            file = {"filename": "gw.bin", "_links": {"download": {"href": (kind.elsewhere or here) + "/file"}}}
            chunk = {"artifacts": [file], "metadata": [{"key": key, "value": value} for key, value in known.items()]}
            self._json({"id": "41", "deployment": {"download": "forced", "update": "forced", "chunks": [chunk]}})
        else:
            self._file()

    def _file(self) -> None:
        kind = type(self)
        content, asked = image("2.0.0"), self.headers["range"] or ""
        kind.ranges.append(asked)
        found = re.fullmatch(r"bytes=(\d+)-", asked)
        at = int(found[1]) if found else 0
        self.send_response(206 if found else 200)
        self.send_header("content-length", str(len(content) - at))
        self.end_headers()
        self.wfile.write(content[at : at + kind.cut_after])
        self.close_connection = True

    def _take(self) -> None:
        if self._is_let_in():
            content = json.loads(self.rfile.read(int(self.headers["content-length"])))
            type(self).told.append((self.command, self.path, content))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

    def do_POST(self) -> None:
        self._take()

    def do_PUT(self) -> None:
        self._take()


def _closes(content: Any) -> bool:
    return bool(content["status"]["execution"] == "closed")


@pytest.fixture
def answers() -> Iterator[tuple[type[Answers], str]]:
    """A server, and its address."""
    offer = offered("41", said_of("2.0.0"))
    manifest_sha256 = read_ticket(offer.ticket)[0].manifest_sha256
    said = Ticket(
        device_id="gw-7",
        action_id="41",
        manifest_sha256=manifest_sha256,
        issued_at=0,
        expires_at=FAR_US,
        nonce="ab" * 16,
    )
    ticket = written(said, DIRECTOR.sign(said.body))
    state = {"told": [], "ranges": [], "cut_after": 500, "elsewhere": "", "ticket": ticket}
    kind = type("OneServer", (Answers,), state)
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield kind, f"http://127.0.0.1:{server.server_port}{BASE}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(folder: Path, address: str, health: str = "raise SystemExit(0)") -> subprocess.CompletedProcess[str]:
    """Run the agent until the device restarts."""
    said = {
        "server": address, "token": TOKEN, "device_id": "gw-7", "model": "GW-100", "revision": "A",
        "keys": [public(SIGNER)], "director": public(DIRECTOR), "folder": str(folder / "data"), "factory": "1.0.0",
        "health": [sys.executable, "-c", health], "poll_s_max": 0.05, "retry_s": 0.05,
    }  # fmt: skip
    (folder / "device.json").write_text(json.dumps(said))
    return subprocess.run(
        [sys.executable, "-m", "pdm_agent", str(folder / "device.json")], cwd=AGENT, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def test_a_download_that_is_cut_is_resumed_and_the_new_release_runs_after_a_restart(
    answers: tuple[type[Answers], str], tmp_path: Path
) -> None:
    kind, address = answers
    first = run(tmp_path, address)
    assert (first.returncode, first.stdout) == (3, "runs 1.0.0 in slot a\n"), first.stderr
    assert kind.ranges == ["", "bytes=500-", "bytes=1000-"]
    second = run_until_closed(tmp_path, address, kind)
    assert second.startswith("runs 2.0.0 in slot b")
    path, content = kind.told[-1][1:]
    assert path == f"{BASE}/deploymentBase/41/feedback"
    assert content["status"]["result"] == {"finished": "success"}
    assert [content["data"]["fw_version"] for _, path, content in kind.told if path.endswith("configData")][
        -1
    ] == "2.0.0"


def run_until_closed(folder: Path, address: str, kind: type[Answers]) -> str:
    """Run the agent until it has said how it ended, then end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pdm_agent", str(folder / "device.json")], cwd=AGENT, stdout=subprocess.PIPE, text=True
    )
    try:
        for _ in range(600):
            if any(path.endswith("feedback") and _closes(content) for _, path, content in kind.told):
                break
            threading.Event().wait(0.05)
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=30)
    return out


def test_a_release_that_fails_its_health_command_is_gone_back_from(
    answers: tuple[type[Answers], str], tmp_path: Path
) -> None:
    kind, address = answers
    kind.cut_after = 10**6
    outs = [run(tmp_path, address, "raise SystemExit(1)") for _ in range(4)]
    assert [out.returncode for out in outs] == [3] * 4
    assert [out.stdout.split()[1] for out in outs] == ["1.0.0", "2.0.0", "2.0.0", "2.0.0"]
    assert run_until_closed(tmp_path, address, kind).startswith("runs 1.0.0 in slot a")
    assert kind.told[-1][2]["status"]["result"] == {"finished": "failure"}


def test_a_wrong_token_and_a_link_to_another_server_are_errors_that_give_nothing_away(
    answers: tuple[type[Answers], str],
) -> None:
    kind, address = answers
    with pytest.raises(OSError, match="401"):
        DdiServer(address, "wrong").cancels()
    kind.elsewhere = "http://127.0.0.2:9"
    server = DdiServer(address, TOKEN)
    assert server.cancels() is None
    assert server.offer() is not None
    with pytest.raises(OSError, match="not the server of this device"):
        list(server.download("41", 0))
    with pytest.raises(OSError, match="cannot be reached"):
        DdiServer("http://127.0.0.1:9/DEFAULT/controller/v1/x", TOKEN).cancels()
