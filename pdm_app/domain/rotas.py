"""Who is on call: people in turns, or the crew of the shift that runs.

A turn begins at the handover time of a date and lasts a number of days; turns follow each other for ever, before the
anchor as well. Somebody who is away has a stand-in, who is told instead. A rota by crews follows the site's shift
calendar: while no shift runs, and while a crew has nobody, nobody is on call, and who asks is told so.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from pdm_app.domain.record import CalendarDay, Facts, Id, Instant, Name, Record, Revision
from pdm_app.domain.shifts import Crew, ShiftCalendar
from pdm_app.domain.wall_clock import WallTime, at_wall, on_wall

TURNS_MAX = 60
TURN_DAYS_MAX = 56
PEOPLE_PER_TURN_MAX = 20
STAND_INS_MAX = 200
ROTAS_MAX = 100  # Of an installation.


class Turn(Facts):
    """Who is on call together."""

    user_ids: tuple[Id, ...] = Field(min_length=1, max_length=PEOPLE_PER_TURN_MAX)

    @field_validator("user_ids")
    @classmethod
    def _each_once(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(given))


class CrewTurn(Turn):
    """Who of a crew is told."""

    crew: Crew = Field(min_length=1)


class StandIn(Facts):
    """Somebody takes the place of somebody who is away."""

    away_id: Id
    stand_in_id: Id
    begin_at: Instant
    end_at: Instant

    @model_validator(mode="after")
    def _it_lasts(self) -> "StandIn":
        if self.end_at <= self.begin_at:
            raise ValueError("an absence ends after it has begun")
        if self.away_id == self.stand_in_id:
            raise ValueError("nobody stands in for themselves")
        return self


class RotaFacts(Facts):
    """What is said of a rota: turns, or crews, and never both."""

    site_id: Id
    name: Name
    anchor: CalendarDay = Field(description="A date on which the first turn begins.")
    handover: WallTime = Field(default="08:00", description="On the wall of the site.")
    turn_days: int = Field(default=7, ge=1, le=TURN_DAYS_MAX)
    turns: tuple[Turn, ...] = Field(default=(), max_length=TURNS_MAX)
    crews: tuple[CrewTurn, ...] = Field(default=(), max_length=TURNS_MAX)
    stand_ins: tuple[StandIn, ...] = Field(default=(), max_length=STAND_INS_MAX)

    @model_validator(mode="after")
    def _one_way(self) -> "RotaFacts":
        if bool(self.turns) == bool(self.crews):
            raise ValueError("a rota has turns of people, or crews of the shift calendar, and one of the two")
        if len({each.crew for each in self.crews}) < len(self.crews):
            raise ValueError("a crew is there twice")
        return self

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody it names, each once."""
        named = [user_id for turn in (*self.turns, *self.crews) for user_id in turn.user_ids]
        away = [user_id for each in self.stand_ins for user_id in (each.away_id, each.stand_in_id)]
        return tuple(dict.fromkeys([*named, *away]))


class OnCall(Record):
    """Who is on call, and from when until when; microseconds UTC, None where no end is known."""

    rota_id: Id
    user_ids: tuple[str, ...]
    begin_at: int | None = None
    end_at: int | None = None


class Rota(RotaFacts):
    """Who is on call at a site."""

    id: Id
    revision: Revision = 0

    def on_call(self, at: int, zone: ZoneInfo, calendar: ShiftCalendar | None = None) -> OnCall:
        """Say who is on call at a moment.

        Args:
            at: Microseconds UTC.
            zone: The site's.
            calendar: The site's shifts; a rota by crews needs it.
        """
        if self.crews:
            return self._of_crew(at, zone, calendar)
        number = self._turn_number(at, zone)
        turn = self.turns[number % len(self.turns)]
        return OnCall(
            rota_id=self.id,
            user_ids=self._with_stand_ins(turn, at),
            begin_at=self._begin_of(number, zone),
            end_at=self._begin_of(number + 1, zone),
        )

    def _of_crew(self, at: int, zone: ZoneInfo, calendar: ShiftCalendar | None) -> OnCall:
        span = calendar.at(at, zone) if calendar is not None else None
        if span is None:
            return OnCall(rota_id=self.id, user_ids=())
        turn = next((each for each in self.crews if each.crew == span.crew), None)
        people = self._with_stand_ins(turn, at) if turn is not None else ()
        return OnCall(rota_id=self.id, user_ids=people, begin_at=span.begin_at, end_at=span.end_at)

    def _with_stand_ins(self, turn: Turn, at: int) -> tuple[str, ...]:
        """Put stand-ins in the places of those who are away; a stand-in who is away has one too, each asked once."""
        instead = {each.away_id: each.stand_in_id for each in self.stand_ins if each.begin_at <= at < each.end_at}
        found: list[str] = []
        for user_id in turn.user_ids:
            seen = {user_id}
            while (other := instead.get(user_id)) is not None and other not in seen:
                seen.add(other)
                user_id = other
            found.append(user_id)
        return tuple(dict.fromkeys(found))

    def _turn_number(self, at: int, zone: ZoneInfo) -> int:
        number = (on_wall(at, zone).date() - self.anchor).days // self.turn_days
        if at < self._begin_of(number, zone):
            return number - 1
        return number

    def _begin_of(self, number: int, zone: ZoneInfo) -> int:
        return at_wall(self.anchor + timedelta(days=number * self.turn_days), self.handover, zone)


class Rotas(Protocol):
    """Where rotas are kept."""

    async def all(self) -> Sequence[Rota]: ...
    async def get(self, rota_id: str) -> Rota | None: ...
    async def put(self, rota: Rota) -> None: ...
    async def remove(self, rota_id: str) -> bool: ...
