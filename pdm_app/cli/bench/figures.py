"""What a benchmark found: figures beside what must be reached, what is wanted, and what a peer does in the same run."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pdm_app.domain.errors import InvalidInputError

DASH = "–"
HEADER = ("figure", "measured", "must", "goal", "", "peer")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    Attributes:
        name: What it is and under which load.
        value: None where it could not be measured here; ``note`` then says why.
        must: The worst acceptable value, None where nothing is asked for; ``goal`` the wanted one.
        peer: The same figure of the peer, under the same load on the same machine in the same run.
        more_is_better: Whether ``must`` and ``goal`` are lower bounds.
        turns: The single measurements that ``value`` is the median of, ``peer_turns`` those of ``peer``.
    """

    name: str
    value: float | None
    unit: str
    must: float | None = None
    goal: float | None = None
    peer: float | None = None
    more_is_better: bool = False
    note: str = ""
    turns: tuple[float, ...] = ()
    peer_turns: tuple[float, ...] = ()

    @property
    def verdict(self) -> str:
        """``goal``, ``must`` or ``missed``: the best bound that is kept; empty without one."""
        if self.value is None or self.must is None:
            return ""
        if self.goal is not None and self._keeps(self.value, self.goal):
            return "goal"
        return "must" if self._keeps(self.value, self.must) else "missed"

    def bounded(self, must: float, goal: float) -> "Figure":
        """Return it with bounds."""
        return replace(self, must=must, goal=goal)

    def _keeps(self, value: float, bound: float) -> bool:
        return value >= bound if self.more_is_better else value <= bound

    def cells(self) -> tuple[str, ...]:
        """Return the figure as one row of the table."""
        measured = self.note or DASH
        if self.value is not None:
            measured = f"{_written(self.value)}{_spread(self.turns)} {self.unit}"
        peer = ""
        if self.peer is not None:
            ratio = f" ({self.value / self.peer:.2g}×)" if self.value is not None and self.peer else ""
            peer = f"{_written(self.peer)}{_spread(self.peer_turns)} {self.unit}{ratio}"
        bounds = ("" if bound is None else _written(bound) for bound in (self.must, self.goal))
        return (self.name, measured, *bounds, self.verdict, peer)


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one run, with what one needs to know to compare them with another's."""

    title: str
    machine: str
    load: str
    peer: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Return the table for a terminal."""
        rows = [HEADER, *(figure.cells() for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
        lines = ["  ".join(_placed(row, widths)).rstrip() for row in rows]
        about = [self.title, f"Machine: {self.machine}", f"Load: {self.load}", f"Peer: {self.peer}"]
        rule = "-" * max(map(len, lines))
        return "\n".join([*about, "", lines[0], rule, *lines[1:], "", *self.notes]).rstrip() + "\n"

    def as_json(self) -> str:
        """Return everything, verdicts included."""
        figures = [{**asdict(figure), "verdict": figure.verdict} for figure in self.figures]
        return json.dumps({**asdict(self), "figures": figures}, indent=2, ensure_ascii=False) + "\n"

    def put_out(self, json_file: Path | None) -> None:
        """Print the table, and write ``json_file`` where one is named.

        Raises:
            InvalidInputError: The file cannot be written.
        """
        print(f"\n{self.text()}", flush=True)
        if json_file is None:
            return
        try:
            json_file.write_text(self.as_json(), encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(
                f"The figures could not be written to {json_file}: {error.strerror}. Name a file in an existing folder."
            ) from error


def _written(number: float) -> str:
    """Write a number with about three digits that count."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def _spread(turns: tuple[float, ...]) -> str:
    """Write the least and the most of several measurements."""
    return f" [{_written(min(turns))}–{_written(max(turns))}]" if len(turns) > 1 else ""


def _placed(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Pad the cells: words to the left, numbers to the right."""
    is_number = (False, True, True, True, False, False)
    return [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(row, widths, is_number, strict=True)
    ]
