"""What a database's refusal means for the caller: try again, somebody was first, or a fault of ours.

The text names the database without its password, says what came back and what to do next.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pdm_app.domain.errors import ConflictError, UnavailableError

# Error numbers of MySQL and MariaDB: the caller's transaction was rolled back and may simply be repeated.
MYSQL_REPEATABLE = frozenset({1205, 1213, 1020})
# The connection is gone; a new one may work.
MYSQL_LOST = frozenset({2006, 2013, 2055, 1927, 1053, 4031})
MYSQL_ADVICE = {
    1040: "The server allows no more connections: raise its max_connections or close other clients.",
    1044: "Grant this user all rights on the database.",
    1045: "Check user name and password in the database URL.",
    1049: "Create the database, or correct its name in the URL.",
    1146: "The schema is older than the program: start it once so that it migrates, or run the migrations.",
    1290: "The server is read-only: point the URL at the primary.",
    1836: "The server is read-only: point the URL at the primary.",
    2003: "Check that the server runs and that host and port in the URL are right.",
    1114: "The server's disk or tablespace is full: make room.",
    1021: "The server's disk is full: make room.",
    1153: "Raise max_allowed_packet on the server to 64M.",
}
SQLITE_ADVICE = (
    ("locked", "Another program holds the file for writing: end it, or wait until it is done."),
    ("full", "The disk is full: make room in the data directory."),
    ("readonly", "The file may not be written: check owner and rights of the data directory."),
    ("unable to open", "Check that the data directory exists and may be written."),
    ("no such table", "The schema is older than the program: start it once so that it migrates."),
    ("malformed", "The file is damaged: stop the program and restore the newest backup."),
    ("not a database", "The file is no database: move it away, or correct the path in the URL."),
    ("disk i/o", "The disk fails: check it and the system's log."),
)
ADVICE = "Nothing of it was stored; try again."


def error_number(error: BaseException) -> int | None:
    """Return the server's error number of a MySQL or MariaDB error, None for any other."""
    original = error.orig if isinstance(error, DBAPIError) else error
    arguments: tuple[object, ...] = getattr(original, "args", ())
    first = arguments[0] if arguments else None
    return first if isinstance(first, int) else None


def is_repeatable(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is begun again at once: deadlock or lost connection."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    number = error_number(error)
    return number in MYSQL_REPEATABLE or number in MYSQL_LOST


def _came_back(error: BaseException) -> str:
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    arguments: tuple[object, ...] = getattr(original, "args", ())
    words = str(arguments[-1]) if arguments else type(original).__name__
    return words.splitlines()[0][:300] if words else type(original).__name__


def _advice(error: BaseException) -> str:
    number = error_number(error)
    if number in MYSQL_ADVICE:
        return MYSQL_ADVICE[number]
    words = _came_back(error).lower()
    return next((advice for sign, advice in SQLITE_ADVICE if sign in words), ADVICE)


@contextmanager
def answered_for(place: str, what: str) -> Iterator[None]:
    """Turn database errors into those of the domain.

    Args:
        place: The database in words, without a password.
        what: What was tried, as the end of "… could not", such as "store 300 samples".

    Raises:
        UnavailableError: The database cannot serve now.
        ConflictError: A row with the same unique key exists.
    """
    try:
        yield
    except IntegrityError as error:
        raise ConflictError(
            f"{place} could not {what}: {_came_back(error)}. Something with the same id or code exists already.",
            place=place,
        ) from error
    except (OperationalError, InterfaceError, PoolTimeoutError, OSError, TimeoutError) as error:
        raise _unavailable(place, what, error) from error
    except DBAPIError as error:
        # Drivers raise other classes too: asyncmy an InternalError after a cut cable, SQLite a bare DatabaseError
        # for a damaged file. A wrong statement (ProgrammingError) stays what it is: a bug.
        original = type(error.orig).__name__
        if error.connection_invalidated or original in ("InternalError", "DatabaseError") or is_repeatable(error):
            raise _unavailable(place, what, error) from error
        raise


def _unavailable(place: str, what: str, error: BaseException) -> UnavailableError:
    message = f"{place} could not {what}: {_came_back(error)}. {_advice(error)}"
    return UnavailableError(message, place=place, number=error_number(error))
