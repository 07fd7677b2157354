"""What a historian says of its writes and reads."""

from collections.abc import Mapping
from dataclasses import dataclass

from pdm_app.domain.aggregates import Edge
from pdm_app.domain.history import Tier
from pdm_app.domain.summaries import Summaries


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one write did.

    Attributes:
        samples: Rows sent.
        duplicates: How many of them met a sample of the same signal at the same microsecond.
        superseded: How many of these met one that said something else; the two latest are kept, the last one counts.
    """

    samples: int
    duplicates: int
    superseded: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """What one import of past samples did.

    Attributes:
        samples: Rows given.
        days: Days whose files were made anew.
        hot: How many rows were too young for a file and went the way of what is recorded.
    """

    samples: int
    days: int
    hot: int


@dataclass(frozen=True, slots=True, eq=False)
class SpanSummaries:
    """What signals come to between neighbouring edges.

    Attributes:
        rows: At most one for each signal and stretch, ``at`` the edge where the stretch begins.
        before: Each signal's last sample before the first edge.
        after: Each signal's first sample at or after the last edge.
        tiers: Where the rows came from, coarsest first.
        rows_read: Rollup rows and samples that were read for it.
    """

    rows: Summaries
    before: Mapping[int, Edge | None]
    after: Mapping[int, Edge | None]
    tiers: tuple[Tier, ...]
    rows_read: int


@dataclass(frozen=True, slots=True)
class Beside:
    """A sample next to a time; no value where it has none."""

    at: int
    value: float | str | None
    quality: int
