"""One alarm for each connection that is down, at the site of the connection: the product's own, as `self_alarms` are.

The rules are part of the program and are not stored; there is one for each stored connection. Whoever sees the site
sees them, and a route of the site tells of them. A connection that was paused on purpose is not down.
"""

from collections.abc import Mapping, Sequence

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.conditions.discrete import Discrete
from pdm_app.domain.connections import Connection
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.self_alarms import FIRST_SIGNAL, IN_TROUBLE, RETURN_S, SOUND, SYSTEM_ID

PRIORITY = 3
DELAY_S = 120.0  # A device that restarts calls nobody.
NAME_MAX = 120


def rule_id(connection_id: str) -> str:
    """Return the id of the rule of a connection: the same in each process."""
    return derived_id(Micros(0), SYSTEM_ID, "connection", connection_id)


class ConnectionAlarms:
    """Makes the rules and the samples that they judge.

    A connection keeps its number among the signals for as long as the process runs, so that samples made before a
    change of the rules mean the same after it.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._in_force: frozenset[str] = frozenset()

    def rules(self, connections: Sequence[Connection]) -> list[AlarmRule]:
        """Return the rule of each connection, and take these for the ones that are in force from now on."""
        self._in_force = frozenset(connection.id for connection in connections)
        return [self._rule(connection) for connection in connections]

    def is_of(self, connection_ids: Sequence[str]) -> bool:
        """Whether the rules in force are those of these connections."""
        return self._in_force == frozenset(connection_ids)

    def batch(self, is_up: Mapping[str, bool], at: Micros) -> Batch:
        """Say how connections are as a batch that the rules can judge; those without a rule are left out."""
        samples = [
            Sample(SignalId(self._numbers[connection_id]), SOUND if up else IN_TROUBLE, Quality.GOOD, at)
            for connection_id, up in is_up.items()
            if connection_id in self._in_force
        ]
        return Batch.of(SYSTEM_ID, samples, at)

    def _rule(self, connection: Connection) -> AlarmRule:
        number = self._numbers.setdefault(connection.id, FIRST_SIGNAL - 1 - len(self._numbers))
        return AlarmRule(
            id=rule_id(connection.id),
            site_id=connection.site_id,
            asset_id=SYSTEM_ID,
            signal_id=number,
            name=f"Connection {connection.name} is down"[:NAME_MAX],
            condition=Discrete(abnormal=(IN_TROUBLE,)),
            priority=PRIORITY,
            on_delay_s=DELAY_S,
            off_delay_s=RETURN_S,
            cause="The device is off, or the way to it is cut.",
            consequence="Values of its machines are missing.",
            action="Look at the device and at the cable.\nThe page Connections says what came back; it is tried again.",
            alarm_class="system",
        )
