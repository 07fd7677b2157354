"""Moments as people write them at the command line."""

from datetime import datetime

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.samples import MICROS_PER_S, Micros, micros, moment


def moment_of(option: str, written: str) -> Micros:
    """Return the moment that was given with an option.

    Raises:
        InvalidInputError: It is none, or has no time zone.
    """
    try:
        return micros(datetime.fromisoformat(written))
    except ValueError:
        raise InvalidInputError(
            f"--{option} {written!r} is no moment with a time zone. Write it like 2026-03-01T06:00:00Z.",
            [FieldIssue(option, "is no moment with a time zone", "write it like 2026-03-01T06:00:00Z")],
        ) from None


def written(at: int) -> str:
    """Write a moment, to the second."""
    return f"{moment(at - at % MICROS_PER_S):%Y-%m-%d %H:%M:%S} UTC"
