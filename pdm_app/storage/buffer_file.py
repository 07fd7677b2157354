"""The file of the durable buffer: one row per batch, the consumers' positions, and what could not be read.

Plain blocking sqlite3, for the buffer's own threads; a commit returns once the disk has it (WAL, synchronous=FULL).
"""

import logging
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage.blobs import CorruptBlobError, pack, unpack

log = logging.getLogger(__name__)

FORMAT = 1
ROW_OVERHEAD = 48  # Bytes a row takes beside its blob, measured over small batches.
BUSY_S = 10.0
READ_BATCHES_MAX = 2000  # Bounds a read of tiny batches, which the limit on samples does not.
FREE_PAGES_MAX = 4096  # 16 MB of free pages are kept for the next backlog; more is given back to the disk.
FREE_PAGES_STEP = 512

SCHEMA = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS batches (
    seq INTEGER PRIMARY KEY, samples INTEGER NOT NULL, size INTEGER NOT NULL, blob BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS positions (consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (seq INTEGER PRIMARY KEY, reason TEXT NOT NULL, blob BLOB NOT NULL);
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One batch on its way to the disk."""

    seq: int
    samples: int
    blob: bytes

    @property
    def size(self) -> int:
        return len(self.blob) + ROW_OVERHEAD


@dataclass(frozen=True, slots=True)
class Totals:
    """What a file holds; ``newest`` is the highest seq it has ever given out, as far as it knows.

    ``identity`` tells it from a file that was there before it, whose numbers were others.
    """

    samples: int
    size: int
    newest: int
    quarantined: int
    positions: Mapping[str, int]
    identity: str


class BufferFile:
    """One connection to the file."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where there is none.

        Raises:
            UnavailableError: It cannot be opened or made; says why and what to do.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._set_up()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.DatabaseError as error:
            raise UnavailableError(
                f"The durable buffer {path} cannot be opened: {error}. "
                "Check owner, rights and free space of the data directory.",
                path=str(path),
            ) from error
        except OSError as error:
            raise UnavailableError(
                f"The folder {path.parent} of the durable buffer cannot be made: {error.strerror}. "
                "Check owner and rights of the data directory.",
                path=str(path),
            ) from error

    def _set_up(self) -> None:
        self._connection.execute("PRAGMA synchronous = FULL")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise UnavailableError(
                f"The durable buffer {self.path} has format {version}, and this program knows up to {FORMAT}. "
                "Start the version that made it once, so that it drains.",
                path=str(self.path),
            )
        if version < FORMAT:
            self._connection.executescript(SCHEMA)
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        if not self._connection.execute("PRAGMA application_id").fetchone()[0]:
            self._connection.execute(f"PRAGMA application_id = {1 + secrets.randbelow(2**31 - 1)}")

    def totals(self, consumers: Sequence[str]) -> Totals:
        """Count what is stored, and make the positions of exactly these consumers."""
        run = self._connection.execute
        with _Transaction(self._connection):
            for consumer in consumers:
                run("INSERT INTO positions VALUES (?, 0) ON CONFLICT (consumer) DO NOTHING", (consumer,))
            # A consumer that no longer exists would hold every batch for ever.
            run(f"DELETE FROM positions WHERE consumer NOT IN ({','.join('?' * len(consumers))})", tuple(consumers))  # noqa: S608
        samples, size, newest = run(
            "SELECT COALESCE(SUM(samples), 0), COALESCE(SUM(size), 0), COALESCE(MAX(seq), 0) FROM batches"
        ).fetchone()
        positions = dict(run("SELECT consumer, seq FROM positions").fetchall())
        quarantined, bad = run("SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM quarantine").fetchone()
        (identity,) = run("PRAGMA application_id").fetchone()
        return Totals(samples, size, max(newest, bad, *positions.values()), quarantined, positions, f"{identity:08x}")

    def commit(self, entries: Sequence[Stored], positions: Mapping[str, int], spoiled: Mapping[int, str]) -> None:
        """Store batches, move positions, set aside spoiled batches; all or nothing, on disk when it returns."""
        with _Transaction(self._connection) as run:
            run.executemany(
                "INSERT INTO batches VALUES (?, ?, ?, ?)",
                [(entry.seq, entry.samples, entry.size, entry.blob) for entry in entries],
            )
            run.executemany(
                "UPDATE positions SET seq = MAX(seq, ?) WHERE consumer = ?",
                [(seq, consumer) for consumer, seq in positions.items()],
            )
            for seq, reason in spoiled.items():
                self._set_aside(seq, reason)

    def _set_aside(self, seq: int, reason: str) -> None:
        """Keep the bytes for whoever can read them, and leave an empty batch in their place for the consumers."""
        run = self._connection.execute
        run("INSERT OR IGNORE INTO quarantine SELECT seq, ?, blob FROM batches WHERE seq = ?", (reason, seq))
        run("UPDATE batches SET samples = 0, blob = ? WHERE seq = ?", (pack(empty_batch(seq)), seq))

    def trim(self) -> tuple[int, int, int]:
        """Delete what every consumer has confirmed; return its samples, its bytes and up to which seq it went."""
        run = self._connection.execute
        upto = run("SELECT MIN(seq) FROM positions").fetchone()[0]
        counted = "SELECT COALESCE(SUM(samples), 0), COALESCE(SUM(size), 0) FROM batches WHERE seq <= ?"
        with _Transaction(self._connection):
            samples, size = run(counted, (upto,)).fetchone()
            run("DELETE FROM batches WHERE seq <= ?", (upto,))
        if run("PRAGMA freelist_count").fetchone()[0] > FREE_PAGES_MAX:
            run(f"PRAGMA incremental_vacuum({FREE_PAGES_STEP})").fetchall()
        return samples, size, upto

    def read(self, after: int, samples_max: int) -> tuple[list[Batch], dict[int, str]]:
        """Return the next batches, at least one if there is any, and why some of them came back empty."""
        batches: list[Batch] = []
        spoiled: dict[int, str] = {}
        total = 0
        statement = "SELECT seq, blob FROM batches WHERE seq > ? ORDER BY seq LIMIT ?"
        for seq, blob in self._connection.execute(statement, (after, READ_BATCHES_MAX)):
            try:
                batch = unpack(blob, seq)
            except CorruptBlobError as error:
                spoiled[seq] = str(error)
                batch = empty_batch(seq)
            total += len(batch)
            if batches and total > samples_max:
                break
            batches.append(batch)
        return batches, spoiled

    def close(self) -> None:
        self._connection.close()


class _Transaction:
    """``BEGIN IMMEDIATE``, then ``COMMIT``, or ``ROLLBACK`` after an error; also one of the commit itself."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def empty_batch(seq: int) -> Batch:
    """Return the batch that stands where one could not be read."""
    nothing = np.zeros(0)
    return Batch(
        device="quarantine",
        signal=nothing.astype(np.uint32),
        source_at=nothing.astype(np.int64),
        value=nothing,
        quality=nothing.astype(np.uint16),
        received_at=Micros(0),
        seq=seq,
    )


def open_or_replace(path: Path, consumers: Sequence[str]) -> tuple[BufferFile, Totals]:
    """Open the file; one that is damaged as a whole is moved aside, never deleted, and a new one is made.

    Raises:
        UnavailableError: The file cannot be opened for another reason.
    """
    try:
        return _opened(path, consumers)
    except UnavailableError as error:
        if not _is_damaged(error.__cause__):
            raise
    number = next(n for n in range(1, 10_000) if not _aside(path, n).exists())
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(_aside(path, number).with_name(_aside(path, number).name + suffix))
    log.error(
        "The durable buffer %s is damaged and was moved to %s: what it held and was not recorded yet is missing from "
        "the history. Keep that file; a new buffer is in use.",
        path,
        _aside(path, number),
    )
    return _opened(path, consumers)


def _opened(path: Path, consumers: Sequence[str]) -> tuple[BufferFile, Totals]:
    file = BufferFile(path)
    try:
        return file, file.totals(consumers)
    except sqlite3.DatabaseError as error:
        file.close()
        raise UnavailableError(
            f"The durable buffer {path} cannot be read: {error}. Check the disk of the data directory.", path=str(path)
        ) from error


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{number}")


def _is_damaged(cause: BaseException | None) -> bool:
    return isinstance(cause, sqlite3.DatabaseError) and any(
        sign in str(cause).lower() for sign in ("malformed", "not a database")
    )
