"""The default: four detectors that look at a window differently, averaged where their scores are comparable.

Scores are ratios to each member's own usual error, so their logarithms average: no member shouts the others down. An
LSTM autoencoder as a fifth made the ensemble worse on public data and is left to those who want it alone.
"""

from typing import Self

import numpy as np

from pdm_app.domain.models import DetectorKind, Windows
from pdm_app.domain.samples import F8
from pdm_app.inference.detector import ERROR_MIN, WindowDetector
from pdm_app.inference.graphs import Graph
from pdm_app.inference.linear_detectors import EwmaDetector, PcaDetector, RollingZDetector


class EnsembleDetector:
    """The geometric mean of its members' scores; the shares are those of the rolling z, which names signals best."""

    kind = DetectorKind.ENSEMBLE

    def __init__(self) -> None:
        self._namer = RollingZDetector(30)
        self._members: tuple[WindowDetector, ...] = (PcaDetector(10), PcaDetector(20), EwmaDetector(40), self._namer)
        self.window_rows = max(member.window_rows for member in self._members)

    def fit(self, rows: F8) -> Self:
        for member in self._members:
            member.fit(rows)
        return self

    def calibrate(self, held_out: F8) -> Self:
        for member in self._members:
            member.calibrate(held_out)
        return self

    def score(self, windows: Windows) -> tuple[F8, F8]:
        logs = np.zeros(len(windows))
        shares: F8 = np.empty(0)
        for member in self._members:
            score, its_shares = member.score(windows)
            logs += np.log(score + ERROR_MIN)
            if member is self._namer:
                shares = its_shares
        return np.exp(logs / len(self._members)), shares

    def export(self) -> tuple[bytes, dict[str, object]]:
        graph = Graph(self.window_rows, len(self._namer.centre))
        logs: list[str] = []
        named = ""
        for member in self._members:
            score, shares = member.nodes(graph)
            logs.append(graph.node("Log", graph.node("Add", score, graph.constant(ERROR_MIN))))
            named = shares if member is self._namer else named
        whole = graph.node("Div", graph.node("Sum", *logs), graph.constant(float(len(logs))))
        return graph.finished(graph.node("Exp", whole), named), self.settings()

    def settings(self) -> dict[str, object]:
        """Return what the members were set to, for the card."""
        return {"kind": self.kind.value, "members": [member.settings() for member in self._members]}
