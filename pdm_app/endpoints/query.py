"""Reading the query of an address: only fields that are known, each once, each with a clear refusal."""

from collections.abc import Collection
from datetime import datetime

from starlette.requests import Request

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.samples import Micros, micros, moment

VALUE_CHARACTERS_MAX = 4_000
SHOWN_CHARACTERS_MAX = 60  # Of what was sent, in an error.
AT_MAX = 2**53
DIGITS_MAX = 18


class Query:
    """The fields of one request's query.

    Raises:
        InvalidInputError: A field is unknown, stands there twice or is too long.
    """

    def __init__(self, request: Request, known: Collection[str]) -> None:
        self.request = request
        given = request.query_params.multi_items()
        self._given: dict[str, str] = {}
        for name, value in given:
            if name not in known:
                raise invalid(name[:SHOWN_CHARACTERS_MAX], "is not known here", f"use {', '.join(known) or 'no query'}")
            if name in self._given:
                raise invalid(name, "stands there twice", "send it once")
            if len(value) > VALUE_CHARACTERS_MAX:
                raise invalid(name, f"is longer than {VALUE_CHARACTERS_MAX} characters", "send less")
            self._given[name] = value

    def text(self, name: str) -> str | None:
        """Return a field's value; None where it is missing or empty."""
        return self._given.get(name, "").strip() or None

    def flag(self, name: str) -> bool:
        """Return whether a field is 1; missing is 0."""
        given = self.text(name)
        if given not in (None, "0", "1"):
            raise invalid(name, f"is {_shown(given)}", "send 1 or 0")
        return given == "1"

    def count(self, name: str, default: int) -> int:
        """Return a whole number."""
        given = self.text(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdigit()) or len(given) > DIGITS_MAX:
            raise invalid(name, f"is {_shown(given)}", "send a whole number")
        return int(given)

    def at(self, name: str, default: int) -> Micros:
        """Return a time in microseconds UTC, given as ISO 8601 with a zone or as microseconds since 1970."""
        given = self.text(name)
        if given is None:
            return Micros(default)
        if given.isascii() and given.isdigit() and len(given) <= DIGITS_MAX:
            at = int(given)
        else:
            try:  # A plus that nobody has escaped arrives as a space.
                at = micros(datetime.fromisoformat(given.replace(" ", "+") if "T" in given else given))
            except (ValueError, OverflowError):
                raise invalid(
                    name, f"is {_shown(given)}", "send a time with its zone, such as 2026-01-31T08:00:00Z"
                ) from None
        if not 0 <= at <= AT_MAX:
            raise invalid(name, f"is {_shown(given)}", "send a time from 1970 to 2255; a number counts microseconds")
        return Micros(at)


def invalid(field: str, problem: str, fix: str) -> InvalidInputError:
    """Make the error about one field of a query."""
    return InvalidInputError(f"{field} {problem}; {fix}.", [FieldIssue(field, problem, fix)])


def iso(at: int | None) -> str | None:
    """Write a time as programs outside read it: ISO 8601, UTC, with as many decimals as it has."""
    return None if at is None else moment(at).isoformat().replace("+00:00", "Z")


def _shown(given: str | None) -> str:
    return repr((given or "")[:SHOWN_CHARACTERS_MAX])
