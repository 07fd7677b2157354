"""Where things are in a checkout: the locks it came with and the folders the set-up makes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkout:
    """A source tree that can set itself up; an installed wheel is none."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def cache(self) -> Path:
        """Everything made besides ``.venv``; deleting it costs time, nothing else."""
        return self.root / ".cache"

    @property
    def log(self) -> Path:
        return self.cache / "setup.log"

    def lock_file(self, name: str) -> Path:
        """The hash lock ``run``, ``build``, ``test`` or ``installer``."""
        return self.root / ".ci" / "locks" / f"{name}.txt"


def find_checkout() -> Checkout | None:
    """The checkout this package stands in, or None after an install from a wheel."""
    root = Path(__file__).resolve().parents[2]
    checkout = Checkout(root)
    return checkout if (root / "pyproject.toml").is_file() and checkout.lock_file("run").is_file() else None
