"""Searches long answers for names that have no place in them."""

import re
from collections.abc import Iterable


class Names:
    """Names of things, each a word of its own: P-101 is not named by P-101A."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)

    def search(self, said: str) -> re.Match[str] | None:
        """Find one of the names; most are in no answer at all, which is seen a hundred times faster without words."""
        in_small = said.lower()
        found = [re.escape(name) for name in self._names if name.lower() in in_small]
        return re.search(rf"(?<![\w.-])(?:{'|'.join(found)})(?![\w-])", said, re.IGNORECASE) if found else None
