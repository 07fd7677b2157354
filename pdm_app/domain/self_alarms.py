"""The product's own troubles as alarms: one rule for each health check that a person has to answer.

They belong to no plant: site and asset are ``system``, so that only those who see every site see them. The rules are
part of the program and are not stored; their alarms are, and live as any other alarm does: acknowledged, shelved,
told in the journal. Connections have one each, at their site: `pdm_app.stream.connection_alarms`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.conditions.discrete import Discrete
from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId

SYSTEM_ID = "system"
FIRST_SIGNAL = 4_294_960_000
"""Numbers of the checks among signals: above any that a plant reaches, and never recorded."""

SOUND, IN_TROUBLE = 1.0, 0.0
RETURN_S = 30.0  # A check that flickers stays one alarm.


class SelfAlarm(NamedTuple):
    """What is said of one check that fails; ``delay_s`` is how long it has to fail before somebody is called."""

    check: str
    name: str
    priority: int
    delay_s: float
    cause: str
    consequence: str
    action: str


SELF_ALARMS = (
    SelfAlarm(
        "database", "Database does not answer", 1, 15.0, "The server is stopped, full or cut off.",
        "Samples wait in the buffer on disk; nothing is lost until that is full. There is no history meanwhile.",
        "Look at the database server and at the way to it.\nWhen it answers, everything is made up by itself.",
    ),
    SelfAlarm(
        "recorder", "Samples are not recorded", 2, 60.0, "The database is slow or refuses.",
        "History falls behind; the buffer fills.", "Look at the load and the disk of the database.",
    ),
    SelfAlarm(
        "buffer", "Buffer on disk in trouble", 1, 15.0, "The disk is full or refuses to write.",
        "New samples are refused or at risk.", "Make room on the disk of the data directory.\nThen look at its health.",
    ),
    SelfAlarm(
        "disk", "Disk almost full", 2, 60.0, "History, exports or logs have grown, or another program writes.",
        "Soon nothing can be recorded.", "Make room, or shorten what is kept on the page Storage.",
    ),
    SelfAlarm(
        "alarms", "Alarms cannot be stored", 2, 30.0, "The database does not take changes.",
        "Alarms are on screen, and would be told anew after a crash.", "Look at the database.",
    ),
    SelfAlarm(
        "notices", "Messages do not leave", 2, 60.0, "The mail server or gateway refuses or does not answer.",
        "Nobody away from the screen hears of alarms.",
        "Watch the list of alarms until it is mended.\nThe delivery log on the page Notices says what came back.",
    ),
    SelfAlarm(
        "certificate", "Something ends soon", 3, 60.0, "A certificate or a trust was not renewed.",
        "From that day on connections are refused.", "Renew what the page Certificates names.",
    ),
    SelfAlarm(
        "clock", "Clock of this machine jumped", 3, 0.0, "It was set by hand, or time synchronisation has caught up.",
        "Times before and after it do not fit together.", "Check the time synchronisation of this machine.",
    ),
    SelfAlarm(
        "formulas", "Derived signals cannot be reckoned", 4, 120.0, "What a formula reads has gone.",
        "Derived signals have gaps.", "The page Signals says which.",
    ),
    SelfAlarm(
        "sinks", "Copies of samples do not leave", 4, 120.0, "A target refuses or does not answer.",
        "Other systems lack samples; they are sent when it answers.", "The page Sinks says which.",
    ),
    SelfAlarm(
        "audit", "Audit trail is not whole", 2, 60.0,  # A loaded machine may answer too late once.
        "An entry is not what it was, or the trail cannot be read.",
        "What was done can no longer be proved.", "Open the page Audit trail.\nKeep a copy of the database as it is.",
    ),
)  # fmt: skip
CHECKS = {alarm.check: place for place, alarm in enumerate(SELF_ALARMS)}


def self_rules() -> tuple[AlarmRule, ...]:
    """Return the rules of the product itself, always in force."""
    return tuple(
        AlarmRule(
            id=f"{SYSTEM_ID}.{alarm.check}",
            site_id=SYSTEM_ID,
            asset_id=SYSTEM_ID,
            signal_id=FIRST_SIGNAL + place,
            name=alarm.name,
            condition=Discrete(abnormal=(IN_TROUBLE,)),
            priority=alarm.priority,
            on_delay_s=alarm.delay_s,
            off_delay_s=RETURN_S,
            cause=alarm.cause,
            consequence=alarm.consequence,
            action=alarm.action,
            alarm_class="system",
        )
        for place, alarm in enumerate(SELF_ALARMS)
    )


def self_batch(is_sound: Mapping[str, bool], at: Micros) -> Batch:
    """Say how the checks are as a batch that rules can judge; checks without a rule are left out."""
    samples = [
        Sample(SignalId(FIRST_SIGNAL + CHECKS[name]), SOUND if sound else IN_TROUBLE, Quality.GOOD, at)
        for name, sound in is_sound.items()
        if name in CHECKS
    ]
    return Batch.of(SYSTEM_ID, samples, at)
