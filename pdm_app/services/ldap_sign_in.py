"""Passwords that an LDAP directory of the company checks.

A directory locks an account after some failures of its own counting, everywhere in the company. So fewer wrong
passwords are passed on to it than it takes: after ``failures_max`` of them nobody asks it about this person for a
while, by whatever name and from whatever address somebody tries.
"""

from pdm_app.domain.access import User
from pdm_app.domain.directories import DirectoryAwayError, Doors
from pdm_app.domain.ports import Clock
from pdm_app.services.arrivals import Arrival
from pdm_app.services.attempts import Attempts
from pdm_app.services.directory_people import DirectoryPeople

NAME_CHARACTERS_MAX = 256


class LdapSignIn:
    """Asks the directories in the order of the settings."""

    def __init__(self, doors: Doors, people: DirectoryPeople, clock: Clock) -> None:
        self._doors = doors.ldap
        self._people = people
        self._failures = {
            id_: Attempts(clock, door.directory.failures_max, round(door.directory.failures_window_minutes * 60) or 1)
            for id_, door in doors.ldap.items()
        }

    @property
    def is_there(self) -> bool:
        return bool(self._doors)

    async def check(self, username: str, password: str, address: str) -> tuple[User, Arrival] | None:
        """Return whose name and password these are, None where no directory says so.

        Raises:
            DirectoryAwayError: One that was asked does not answer, and no other knows the name.
            TooManyAttemptsError: Too many wrong passwords for this person.
            NotAdmittedError: Name and password are right, and open nothing here.
        """
        username = username.strip()
        if not password or not 1 <= len(username) <= NAME_CHARACTERS_MAX or not username.isprintable():
            return None
        away: DirectoryAwayError | None = None
        for id_, door in self._doors.items():
            try:
                person = await door.find(username)
                if person is None:
                    continue
                failures = self._failures[id_]
                failures.begin(person.subject)
                try:
                    is_right = await door.accepts(person, password)
                except BaseException:  # Nothing was checked.
                    failures.take_back(person.subject)
                    raise
            except DirectoryAwayError as error:
                away = away or error
                continue
            if not is_right:
                return None
            failures.succeeded(person.subject)
            return await self._people.admit(door.directory, person, address), Arrival(id_, person.subject)
        if away is not None:
            raise away
        return None
