"""What the server keeps of a browser's tab once its socket is gone.

Reflex keeps the state of a tab for an hour, whoever opened it, and anybody may open sockets under names of tabs that he
makes up. Nothing is kept for those that never signed in; whoever did finds the page as it was after a short absence.
"""

import asyncio

import reflex as rx
from reflex.istate.manager.memory import StateManagerMemory
from reflex.istate.manager.token import BaseStateToken

from pdm_app.ui.states.session import Session

KEEP_S = 900.0  # A walk through a hall without radio, a laptop closed for a moment; afterwards the page loads anew.
SWEEP_EVERY_S = 5.0
PATH = Session.get_full_name().split(".")


class Tabs:
    """The states that the server holds, one per tab.

    Args:
        app: Whose sockets are watched from now on.
        keep_s: How long the state of a signed-in tab outlives its socket.
        sweep_every_s: How often it is looked who has gone, while anybody has.
    """

    def __init__(self, app: rx.App, keep_s: float = KEEP_S, sweep_every_s: float = SWEEP_EVERY_S) -> None:
        manager, namespace = app.state_manager, app.event_namespace
        if not isinstance(manager, StateManagerMemory) or namespace is None:
            raise TypeError(f"states are kept in memory here, not in {type(manager).__name__}")
        self._manager = manager
        self._namespace = namespace
        self._disconnected = namespace.on_disconnect
        self._keep_s = keep_s
        self._sweep_every_s = sweep_every_s
        self._gone_since_s: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        namespace.on_disconnect = self._on_disconnect  # type: ignore[method-assign]

    @property
    def kept(self) -> int:
        """How many states are held now."""
        return len(self._manager.states)

    def _on_disconnect(self, sid: str) -> "asyncio.Task[None] | None":
        self._sweep_later()
        return self._disconnected(sid)

    def _sweep_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._sweep_every_s, self._sweep)

    def _sweep(self) -> None:
        """Drop what nobody comes back for; an event that was still under way may have made a dropped one anew."""
        self._timer = None
        now_s, connected = asyncio.get_running_loop().time(), self._connected()
        gone = [tab for tab in self._manager.states if tab not in connected]
        since_s = {tab: self._gone_since_s.get(tab, now_s) for tab in gone}
        for tab in gone:
            if not self._is_busy(tab) and (self._is_strange(tab) or now_s - since_s[tab] >= self._keep_s):
                self._manager._purge_token(_token(tab))
                del since_s[tab]
        self._gone_since_s = since_s
        if since_s:
            self._sweep_later()

    def _connected(self) -> set[str]:
        """Return the tabs whose sockets are open, and forget the others: one that ends while it joins stays noted."""
        tokens, sockets = self._namespace._token_manager, self._namespace.server.manager
        found = set()
        for tab, record in list(tokens.token_to_socket.items()):
            where = (record.sid, self._namespace.namespace)
            if sockets.is_connected(*where) or sockets.is_pre_connected(*where):
                found.add(tab)
            else:
                tokens.token_to_socket.pop(tab, None)
                tokens.sid_to_token.pop(record.sid, None)
        return found

    def _is_busy(self, tab: str) -> bool:
        lock = self._manager._states_locks.get(_token(tab).lock_key)
        return lock is not None and lock.locked()

    def _is_strange(self, tab: str) -> bool:
        """Whether nobody has signed in there."""
        return self._manager.states[tab].get_substate(PATH)._owner is None


def _token(tab: str) -> BaseStateToken:
    return BaseStateToken(ident=tab, cls=rx.State)
