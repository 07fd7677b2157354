"""A disk whose power is cut: what was synced is there, and of the rest any part."""

import random


class PowerCutError(BaseException):
    """The device is dark; nothing in it handles that."""


class FailingDisk:
    """Files in memory, as they read now and as they would lie on the disk after a cut.

    Args:
        cut_at: The operation before which the power goes; 0 for never.
        seed: Of what a cut leaves.
    """

    def __init__(self, cut_at: int = 0, seed: int = 0) -> None:
        self._now: dict[str, bytes] = {}
        self._safe: dict[str, bytes] = {}
        self._random = random.Random(seed)
        self.cut_at = cut_at
        self.operations = 0

    def step(self) -> None:
        """Count an operation, of the disk or of anything else that a cut can come before."""
        self.operations += 1
        if self.operations == self.cut_at:
            raise PowerCutError

    def cut(self) -> None:
        """Leave what a disk may have of each file: what was synced, and of what came since some, or rubbish instead."""
        for name, now in sorted(self._now.items()):
            safe = self._safe.get(name, b"")
            if now == safe:
                continue
            if now.startswith(safe):
                new = now[len(safe) :]
                some = new[: self._random.randint(0, len(new))]
                self._safe[name] = safe + self._random.choice([b"", some, some + b"rubbish", bytes(len(new)), new])
            else:
                self._safe[name] = self._random.choice([safe, now, now[: len(now) // 2] + safe[len(now) // 2 :]])
        self._now = dict(self._safe)
        self.operations, self.cut_at = 0, 0

    def read(self, name: str) -> bytes | None:
        return self._now.get(name)

    def size(self, name: str) -> int:
        return len(self._now.get(name, b""))

    def write_at(self, name: str, at: int, content: bytes) -> None:
        self.step()
        old = self._now.get(name, b"").ljust(at, b"\0")
        self._now[name] = old[:at] + content + old[at + len(content) :]

    def truncate(self, name: str, size: int) -> None:
        self.step()
        if name in self._now:
            self._now[name] = self._now[name][:size]

    def sync(self, name: str) -> None:
        self.step()
        self._safe[name] = self._now[name]

    def rename(self, name: str, to: str) -> None:
        self.step()
        self._now[to] = self._now.pop(name)
        safe = self._safe.pop(name, None)
        self._safe[to] = b"" if safe is None else safe  # The name is safe, the content as far as it was synced.

    def remove(self, name: str) -> None:
        self.step()
        self._now.pop(name, None)
        self._safe.pop(name, None)
