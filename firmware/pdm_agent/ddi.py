"""The server as the agent speaks with it: hawkBit's Direct Device Integration, version 1, over HTTP.

The token goes to the server it was given for and nowhere else: links that lead to another one are refused.
"""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from pdm_agent.agent import Offer

ANSWER_BYTES_MAX = 1_000_000
TIMEOUT_S = 30.0
OK, PARTIAL, GONE, NOT_FOUND, NOT_ALLOWED = 200, 206, 410, 404, 405
PIECE_BYTES = 65_536


class DdiServer:
    """One device's side of the interface.

    Args:
        base: Such as ``https://plant.example/DEFAULT/controller/v1/gateway-7``.
        token: Of this device.
        piece_bytes: So much of a file is asked for at once, as a poor line wants it; 0 for all of it.
        pause_s: Between two pieces.
    """

    def __init__(self, base: str, token: str, piece_bytes: int = 0, pause_s: float = 0.0) -> None:
        self._piece_bytes = piece_bytes
        self._pause_s = pause_s
        self._base = base.rstrip("/")
        self._origin = urlsplit(self._base)
        self._token = token
        self._links: dict[str, str] = {}
        self._file = ""
        self.sleep_s = 300.0

    def cancels(self) -> str | None:
        """Poll, and return the action that is to be stopped."""
        answer = self._json("GET", self._base)
        links = answer.get("_links") or {}
        self._links = {name: str(link["href"]) for name, link in links.items()}
        hours, minutes, seconds = (int(part) for part in answer["config"]["polling"]["sleep"].split(":"))
        self.sleep_s = hours * 3600.0 + minutes * 60 + seconds
        if "cancelAction" not in self._links:
            return None
        return str(self._json("GET", self._links["cancelAction"])["cancelAction"]["stopId"])

    def wants_attributes(self) -> bool:
        """Whether the last poll asked what this device is and runs."""
        return "configData" in self._links

    def offer(self) -> Offer | None:
        """Return the deployment that the last poll named."""
        if "deploymentBase" not in self._links:
            return None
        answer = self._json("GET", self._links["deploymentBase"])
        deployment = answer["deployment"]
        chunk = deployment["chunks"][0]
        said = {each["key"]: each["value"] for each in chunk.get("metadata", [])}
        found = chunk["artifacts"][0]["_links"]
        self._file = str((found.get("download") or found["download-http"])["href"])
        return Offer(
            action_id=str(answer["id"]),
            manifest=said.get("ota.manifest", ""),
            signature=said.get("ota.sig", ""),
            ticket=said.get("ota.ticket", ""),
            may_install=deployment["update"] != "skip",
        )

    def download(self, action_id: str, at: int) -> Iterator[bytes]:
        """Bring the file of the last offer from a byte on; ends early where the line breaks."""
        del action_id  # A server has one offer at a time.
        if self._piece_bytes:
            yield from self._in_pieces(at)
            return
        connection, response = self._ask("GET", self._file, headers={"range": f"bytes={at}-"} if at else {})
        try:
            if response.status not in (OK, PARTIAL):
                raise OSError(f"the server answered the download with {response.status}")
            skipped = at if response.status == OK else 0  # It knows no ranges: what is there already goes by.
            while piece := response.read(PIECE_BYTES):
                if skipped:
                    piece, skipped = piece[skipped:], max(0, skipped - len(piece))
                if piece:
                    yield piece
        except (http.client.HTTPException, OSError) as error:
            raise OSError(f"the download broke: {error}") from error
        finally:
            connection.close()

    def _in_pieces(self, at: int) -> Iterator[bytes]:
        end = at + 1
        while at < end:
            span = {"range": f"bytes={at}-{at + self._piece_bytes - 1}"}
            connection, response = self._ask("GET", self._file, headers=span)
            try:
                if response.status != PARTIAL:
                    raise OSError(f"the server answered the download of a piece with {response.status}")
                end = int(response.headers["content-range"].rpartition("/")[2])
                piece = response.read(self._piece_bytes)
            except (http.client.HTTPException, TypeError, ValueError, OSError) as error:
                raise OSError(f"the download broke: {error}") from error
            finally:
                connection.close()
            if not piece:
                return
            yield piece
            at += len(piece)
            time.sleep(self._pause_s)

    def tell(self, action_id: str, execution: str, finished: str, words: str, percent: int | None = None) -> None:
        """Say how an action goes; one that the server has closed is told no more."""
        result: dict[str, Any] = {"finished": finished}
        if percent is not None:
            result["progress"] = {"cnt": percent, "of": 100}
        status = {"execution": execution, "result": result, "details": [words]}
        self._send("POST", f"{self._base}/deploymentBase/{action_id}/feedback", {"status": status})

    def tell_canceled(self, action_id: str, *, is_done: bool) -> None:
        """Say that an action was stopped, or cannot be any more."""
        execution, finished = ("closed", "success") if is_done else ("rejected", "none")
        status = {"execution": execution, "result": {"finished": finished}, "details": []}
        self._send("POST", f"{self._base}/cancelAction/{action_id}/feedback", {"status": status})

    def attributes(self, said: dict[str, str]) -> None:
        """Say what this device is and runs."""
        self._send("PUT", f"{self._base}/configData", {"mode": "merge", "data": said})

    def _send(self, method: str, address: str, content: dict[str, Any]) -> None:
        body = json.dumps({**content, "timestamp": time.time_ns() // 1_000_000}).encode()
        connection, response = self._ask(method, address, body, {"content-type": "application/json"})
        connection.close()
        if response.status not in (OK, GONE, NOT_FOUND, NOT_ALLOWED):
            raise OSError(f"the server answered {method} with {response.status}")

    def _json(self, method: str, address: str) -> Any:
        connection, response = self._ask(method, address)
        try:
            if response.status != OK:
                raise OSError(f"the server answered {method} with {response.status}")
            content = response.read(ANSWER_BYTES_MAX + 1)
            if len(content) > ANSWER_BYTES_MAX:
                raise OSError("the server's answer is longer than any that makes sense")
            return json.loads(content)
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"the server's answer cannot be read: {error}") from error
        finally:
            connection.close()

    def _ask(
        self, method: str, address: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        to = urlsplit(urljoin(self._base, address))
        if (to.scheme, to.netloc) != (self._origin.scheme, self._origin.netloc):
            raise OSError(f"a link leads to {to.scheme}://{to.netloc}, which is not the server of this device")
        kind = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
        connection = kind(to.netloc, timeout=TIMEOUT_S)
        try:
            path = to.path + (f"?{to.query}" if to.query else "")
            known = {"authorization": f"TargetToken {self._token}", "accept": "application/json", **(headers or {})}
            connection.request(method, path, body, known)
            return connection, connection.getresponse()
        except (http.client.HTTPException, OSError) as error:
            connection.close()
            raise OSError(f"the server cannot be reached: {error}") from error
