"""State of the asset page: one machine, its signals, its tabs, and what the demo can break on it."""

import reflex as rx

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.ports import FaultKind, InjectedFault
from pdm_app.domain.signals import Signal
from pdm_app.services.assets import AssetDetail
from pdm_app.ui.states.session import Act, Follow, Session

TABS = ("overview", "live", "trends", "alarms", "health", "access")
KEY_VALUES = 6


class AssetPage(Session):
    """The machine that the address names."""

    detail: AssetDetail | None = None
    tab: str = "overview"
    trend_signal_id: int = 0
    is_missing: bool = False

    @rx.var
    def key_signals(self) -> list[Signal]:
        """The signals that matter most."""
        return list(self.detail.signals[:KEY_VALUES]) if self.detail else []

    @rx.var
    def trend_signal(self) -> Signal | None:
        """The signal drawn in the trend."""
        if self.detail is None or not self.detail.signals:
            return None
        chosen = [signal for signal in self.detail.signals if signal.id == self.trend_signal_id]
        return chosen[0] if chosen else self.detail.signals[0]

    @rx.event
    async def load(self) -> Follow:
        """Read the machine and the tab that the address names."""

        async def work(act: Act) -> None:
            url = self.router.url
            wanted = url.path.rstrip("/").rpartition("/")[2]
            tab = url.query_parameters.get("tab", "overview")
            self.tab = tab if tab in TABS else "overview"
            self.is_missing = True
            self.detail = None
            self.detail = await act.services.assets.by_id(act.actor, wanted)
            self.is_missing = False
            self.site_id = self.detail.site.id
            self.is_loaded = True

        return await self._act(work)

    @rx.event
    async def refresh(self) -> Follow:
        """Read the machine again after somebody has changed it here; what is shown stays until then."""

        async def work(act: Act) -> None:
            wanted = self.router.url.path.rstrip("/").rpartition("/")[2]
            self.detail = await act.services.assets.by_id(act.actor, wanted)

        return await self._act(work)

    @rx.event
    async def show_tab(self, tab: str) -> Follow:
        """Open a tab; the address follows, so that it can be shared and the back button works."""

        async def work(_: Act) -> Follow:
            if tab not in TABS:
                return None
            self.tab = tab
            return rx.redirect(f"{self.router.url.path}?tab={tab}")

        return await self._act(work)

    @rx.event
    async def show_trend(self, signal_id: int) -> Follow:
        """Draw one signal in the trend."""
        return await self._draw(signal_id)

    @rx.event
    async def choose_trend(self, signal_id: str) -> Follow:
        """Draw the signal chosen in the list."""
        return await self._draw(int(signal_id)) if signal_id.isdecimal() else None

    async def _draw(self, signal_id: int) -> Follow:
        async def work(_: Act) -> None:
            self.trend_signal_id = signal_id

        return await self._act(work)


def _share(percent: str) -> float:
    """Read a severity as somebody types it; nothing typed is the full fault."""
    try:
        return float(percent or 100) / 100
    except ValueError:
        raise InvalidInputError(
            "The severity is no number. Give a percentage from 0 to 100.",
            [FieldIssue("severity", "is no number", "give 0 to 100")],
        ) from None


class Breakage(Session):
    """What the demo plant can break on the machine that the address names, and what is broken."""

    asset_code: str = ""
    kinds: list[FaultKind] = []
    faults: list[InjectedFault] = []
    chosen: str = ""
    sensors: list[Signal] = []

    @rx.var
    def titles(self) -> dict[str, str]:
        """What a person calls each fault, by its key."""
        return {kind.key: kind.title for kind in self.kinds}

    @rx.var
    def needs_signal(self) -> bool:
        """Whether the chosen fault is one of a single sensor."""
        return any(kind.key == self.chosen and kind.signals for kind in self.kinds)

    @rx.event
    def choose(self, key: str) -> None:
        """Note which fault is chosen, so that the form asks for what it needs."""
        self.chosen = key

    @rx.event
    async def load(self) -> Follow:
        """Read what can be broken here, after the machine itself was read; does nothing outside the demo."""

        async def work(act: Act) -> None:
            self.kinds, self.faults, self.sensors, self.chosen, self.asset_code = [], [], [], "", ""
            detail = (await self.get_state(AssetPage)).detail
            if act.services.demo is None or detail is None or "demo.control" not in self.permissions:
                return
            self.asset_code = detail.asset.code
            self.kinds = [
                kind for kind in await act.services.demo.kinds(act.actor) if self.asset_code in kind.asset_codes
            ]
            self.chosen = self.kinds[0].key if self.kinds else ""
            breakable = {name for kind in self.kinds for name in kind.signals}
            self.sensors = [signal for signal in detail.signals if signal.name in breakable]
            await self._read_faults(act)

        return await self._act(work)

    @rx.event
    async def inject(self, asset_code: str, form: dict[str, str]) -> Follow:
        """Start the chosen fault on a machine."""

        async def work(act: Act) -> None:
            if act.services.demo is None:
                return
            key, severity = form.get("key", ""), _share(form.get("severity", ""))
            # The field may still stand there, of the fault chosen before.
            takes_signal = any(kind.key == key and kind.signals for kind in await act.services.demo.kinds(act.actor))
            signal = form.get("signal", "") if takes_signal else ""
            await act.services.demo.inject(act.actor, key, asset_code, signal, severity)
            self.asset_code = asset_code
            await self._read_faults(act)

        return await self._act(work)

    @rx.event
    async def clear(self, fault_id: str) -> Follow:
        """End a fault."""

        async def work(act: Act) -> None:
            if act.services.demo is not None:
                fault = await act.services.demo.clear(act.actor, fault_id)
                self.asset_code = fault.asset_code
                await self._read_faults(act)

        return await self._act(work)

    async def _read_faults(self, act: Act) -> None:
        """Read what stands on this machine; what is over is in the ground truth, not on the page."""
        if act.services.demo is not None:
            faults = await act.services.demo.faults(act.actor)
            self.faults = [one for one in faults if one.asset_code == self.asset_code and one.cleared_at is None]
