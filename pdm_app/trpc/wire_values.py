"""What JSON has no word for and both ends of the wire know: a value that is absent, and an event with an id."""

import enum
from typing import Final, Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Missing(enum.Enum):
    """The type of ``MISSING``: JavaScript's ``undefined``, which is not ``None`` (JSON ``null``)."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING


class Tracked(Generic[T_co]):
    """A subscription event with an id from which the client resumes after a lost connection."""

    __slots__ = ("data", "id")

    def __init__(self, id: str, data: T_co) -> None:
        if not id or any(character in id for character in "\0\r\n"):
            raise ValueError(
                f"A tracked id must be a non-empty string without NUL or line breaks, not {id!r}: "
                "it travels in the id line of a Server-Sent Event."
            )
        self.id = id
        self.data: T_co = data

    def __repr__(self) -> str:
        return f"Tracked(id={self.id!r}, data={self.data!r})"


def tracked(id: str, data: T) -> Tracked[T]:
    """Give an event an id. The client hands it back as ``lastEventId`` when it resumes the subscription."""
    return Tracked(id, data)
