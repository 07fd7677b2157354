"""Rows of the next batch out of MQTT messages, with what has to be acknowledged once they are durable."""

from dataclasses import dataclass, field

import numpy as np

from pdm_app.domain.samples import Batch

Token = tuple[int, int]
"""Message id and QoS: what an acknowledgement names."""


@dataclass(slots=True)
class Gathered:
    """Rows of the next batch and the messages they came in."""

    signal: list[int] = field(default_factory=list)
    source_at: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    text: dict[int, str] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)
    is_sent_again: bool = False

    def add(self, signal: int, source_at: int, value: float, quality: int, text: str | None = None) -> None:
        if text is not None:
            self.text[len(self.signal)] = text
        self.signal.append(signal)
        self.source_at.append(source_at)
        self.value.append(value)
        self.quality.append(quality)

    def batch(self, device: str, received_at: int) -> Batch:
        return Batch(
            device=device,
            signal=np.array(self.signal, dtype=np.uint32),
            source_at=np.array(self.source_at, dtype=np.int64),
            value=np.array(self.value, dtype=np.float64),
            quality=np.array(self.quality, dtype=np.uint16),
            received_at=received_at,  # type: ignore[arg-type]
            text=self.text,
            may_repeat=self.is_sent_again,
        )
