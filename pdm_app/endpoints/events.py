"""``GET /events``: live values and alarms as plain server-sent events, for curl and every language's own client.

    curl -N -H "Authorization: Bearer TOKEN" "http://HOST/events?signals=P-501/Vibration_mm_s&alarms=1"

Events are ``signals`` (once: what the numbers mean), ``values``, ``alarms`` and ``end`` (why the server has ended the
stream). Only the newest values matter here: a reader that is slow, or was away, gets those and not every step between,
which is what the history is for. ``values`` have an id; one that comes back with it as Last-Event-ID first gets what
has changed since. Alarms begin with all that stand, so nothing of them has to be resumed.

The body of a stream is written by `pdm_app.endpoints.event_stream`.
"""

from collections import Counter
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import InvalidInputError, NotFoundError
from pdm_app.domain.signals import Signal
from pdm_app.endpoints.answers import HttpError
from pdm_app.endpoints.callers import HttpServices, actor_of, address_of, check_origin, token_of
from pdm_app.endpoints.event_stream import MEDIA_TYPE, EventStream, Find, Watched
from pdm_app.endpoints.query import Query, invalid
from pdm_app.services.live import SIGNALS_MAX
from pdm_app.settings import AuthSettings

STREAMS_MAX = 200
STREAMS_EACH_MAX = 10  # Of one session or key; a browser opens no more than six to one server anyhow.
FIELDS = ("signals", "asset", "alarms", "site")
EVENT_ID_DIGITS_MAX = 17


class Events:
    """Serves the address and counts who reads."""

    def __init__(self, find: Find, settings: AuthSettings) -> None:
        self._find = find
        self._settings = settings
        self._open: Counter[str] = Counter()
        self.stalled_total = 0
        """Readers that were cut off because they took nothing."""

    @property
    def open(self) -> int:
        """Streams open now."""
        return self._open.total()

    async def serve(self, request: Request, services: HttpServices) -> Response:
        """Check the request and answer with the stream."""
        check_origin(request, self._settings.allowed_origins)
        actor = await actor_of(request, services)
        _check_accepted(request)
        query = Query(request, FIELDS)
        watched = await _watched(query, actor, services)
        if request.method == "HEAD":
            return Response(media_type=MEDIA_TYPE)
        whose = actor.session_id or actor.id
        if self.open >= STREAMS_MAX or self._open[whose] >= STREAMS_EACH_MAX:
            which = f"{self._open[whose]} of yours" if self._open[whose] >= STREAMS_EACH_MAX else f"all {STREAMS_MAX}"
            raise HttpError(
                429, "too_many_streams", f"There are open streams enough: {which}. Close one and try again."
            )

        async def still_allowed() -> Actor:
            return await services.auth.actor_of_access(
                token_of(request), allow_expired=True, address=address_of(request)
            )

        stream = EventStream(watched, actor, services, self._find, still_allowed)
        stream.on_open = lambda: self._open.update([whose])
        stream.on_close = lambda: self._leave(whose, stream)
        return stream

    def _leave(self, whose: str, stream: EventStream) -> None:
        self.stalled_total += stream.is_stalled
        self._open[whose] -= 1
        if self._open[whose] <= 0:
            del self._open[whose]


def _check_accepted(request: Request) -> None:
    accepted = request.headers.get("accept", "*/*").lower()
    kinds = {kind.partition(";")[0].strip() for kind in accepted.split(",")}
    if kinds.isdisjoint({MEDIA_TYPE, "text/*", "*/*"}):
        raise HttpError(406, "not_acceptable", f"This sends {MEDIA_TYPE} and nothing else; accept it.")


async def _watched(query: Query, actor: Actor, services: HttpServices) -> Watched:
    """Find what is asked for, in the actor's reach only."""
    wanted, asset, site = query.text("signals"), query.text("asset"), query.text("site")
    with_alarms = query.flag("alarms")
    if wanted is None and asset is None and not with_alarms:
        raise invalid("signals", "is missing", "ask for signals=41,P-501/Motor_RPM or asset=P-501 or alarms=1")
    if site is not None and not with_alarms:
        raise invalid("site", "chooses among alarms, and none are asked for", "add alarms=1, or leave it out")
    if with_alarms:
        actor.require(Permission.ALARMS_READ)
        if site is not None:
            actor.require_site(site, f"site {site[:80]!r}")
            if site not in {known.id for known in await services.assets.sites(actor)}:
                raise NotFoundError(f"There is no site {site[:80]!r}.", site_id=site[:80])
    assets: tuple[Asset, ...] = ()
    signals: list[Signal] = []
    if wanted is not None or asset is not None:
        actor.require(Permission.SIGNALS_READ)
        assets = await services.assets.all(actor)
        signals = await _signals(wanted, asset, assets, actor, services)
    codes = {one.id: one.code for one in assets}
    return Watched(
        signals=tuple((signal, codes.get(signal.asset_id, signal.asset_id)) for signal in signals),
        with_alarms=with_alarms,
        site_id=site,
        since=_last_event_id(query),
    )


async def _signals(
    wanted: str | None, asset: str | None, assets: Sequence[Asset], actor: Actor, services: HttpServices
) -> list[Signal]:
    every = await services.signals.all(actor)
    found: dict[int, Signal] = {}
    if asset is not None:
        machine = next((one for one in assets if asset in (one.id, one.code)), None)
        if machine is None:
            raise NotFoundError(f"There is no asset {asset[:80]!r}.", asset=asset[:80])
        found.update({signal.id: signal for signal in every if signal.asset_id == machine.id})
    by_number = {str(signal.id): signal for signal in every}
    ids = {name: one.id for one in assets for name in (one.id, one.code)}
    by_name = {(signal.asset_id, signal.name): signal for signal in every}
    for word in (wanted or "").split(","):
        if not (name := word.strip()):
            continue
        machine_name, _, signal_name = name.rpartition("/")
        signal = by_number.get(name) or by_name.get((ids.get(machine_name, ""), signal_name))
        if signal is None:
            raise NotFoundError(f"There is no signal {name[:80]!r}. Name it by number or as ASSET/SIGNAL.")
        found[signal.id] = signal
    if not 1 <= len(found) <= SIGNALS_MAX:
        raise InvalidInputError(f"Ask for 1 to {SIGNALS_MAX} signals in one stream, not {len(found)}.")
    return list(found.values())


def _last_event_id(query: Query) -> int | None:
    """Return the time up to which the reader knows everything; what is no id of ours means that it knows nothing."""
    given = query.request.headers.get("last-event-id", "").strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) <= EVENT_ID_DIGITS_MAX else None
