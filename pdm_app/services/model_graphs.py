"""The store of graphs: what models compute, each file under the SHA-256 of its content, never changed.

A file takes its place by a rename once it is whole and on the disk; what is read is hashed again, so that a damaged
disk is found before a model scores with it.
"""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import structlog

from pdm_app.domain.errors import InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.models import GRAPH_BYTES_MAX
from pdm_app.services.uploads import FREE_BYTES_MIN, free_bytes

log = structlog.get_logger(__name__)

FOLDER = "models"
STORE_BYTES_MAX = 4_000_000_000
"""All graphs together; one that is trained here has some tens of kilobytes."""
HASH = re.compile(r"[0-9a-f]{64}")


class ModelGraphs:
    """The files of model versions.

    Args:
        folder: Where they lie.
        bytes_max: All of them together.
    """

    def __init__(self, folder: Path, bytes_max: int = STORE_BYTES_MAX) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._turn = asyncio.Lock()

    async def put(self, graph: bytes) -> str:
        """Keep a graph and return its SHA-256; the same one is there once.

        Raises:
            InvalidInputError: It is empty or too large.
            UnavailableError: The disk is full, or fails; nothing was kept.
        """
        if not 0 < len(graph) <= GRAPH_BYTES_MAX:
            raise InvalidInputError(f"A graph has 1 to {GRAPH_BYTES_MAX:,} bytes; this one has {len(graph):,}.")
        async with self._turn:
            try:
                return await asyncio.to_thread(self._put, graph)
            except OSError as error:
                raise UnavailableError(
                    f"The model's graph could not be stored: {error.strerror or error}. Make room in the data "
                    "directory and try again."
                ) from error

    async def get(self, sha256: str) -> bytes:
        """Return a graph.

        Raises:
            NotFoundError: It is not there.
            UnavailableError: The disk fails, or has damaged it.
        """
        try:
            graph = await asyncio.to_thread(self._place(sha256).read_bytes)
        except FileNotFoundError:
            raise NotFoundError(
                f"The graph {sha256[:12]}… is not in the data directory. Restore the folder '{FOLDER}' from a backup, "
                "or train the model again.",
                sha256=sha256,
            ) from None
        except OSError as error:
            raise UnavailableError(f"The graph {sha256[:12]}… cannot be read: {error.strerror or error}.") from error
        if hashlib.sha256(graph).hexdigest() != sha256:
            raise UnavailableError(
                f"The graph {sha256[:12]}… was damaged on the disk. Restore the folder '{FOLDER}' from a backup, or "
                "train the model again.",
                sha256=sha256,
            )
        return graph

    async def remove_unused(self, used: Collection[str]) -> None:
        """Delete the graphs that no version names, and what was left over by a process that died."""
        async with self._turn:
            await asyncio.to_thread(self._remove_unused, frozenset(used))

    def _put(self, graph: bytes) -> str:
        sha256 = hashlib.sha256(graph).hexdigest()
        place = self._place(sha256)
        if place.is_file() and place.stat().st_size == len(graph):
            return sha256
        taken = sum(path.stat().st_size for path in self._files())
        if taken + len(graph) > self._bytes_max or free_bytes(self._folder) - len(graph) < FREE_BYTES_MIN:
            raise OSError(f"the models take {taken:,} bytes, and there is no room for {len(graph):,} more")
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{secrets.token_hex(16)}.part"
        try:
            with part.open("xb") as file:
                file.write(graph)
                file.flush()
                os.fsync(file.fileno())
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
        return sha256

    def _remove_unused(self, used: frozenset[str]) -> None:
        for path in self._files():
            if path.name not in used:
                with suppress(OSError):
                    path.unlink()
                    log.info("a graph that no model uses was removed", sha256=path.name)

    def _files(self) -> list[Path]:
        return [path for path in self._folder.rglob("*") if path.is_file()] if self._folder.is_dir() else []

    def _place(self, sha256: str) -> Path:
        if not HASH.fullmatch(sha256):
            raise ValueError("a graph is named by its SHA-256")
        return self._folder / sha256[:2] / sha256
