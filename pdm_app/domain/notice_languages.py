"""What a message says of its own accord, in each language: the usual templates, words for facts, times and numbers.

Names of alarms, causes and what to do stay as somebody has written them. A further language is one entry in
`NoticeLanguage` and one here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from pdm_app.domain.notices import NoticeLanguage

HEADLINE = "{simulated} · P{priority} {alarm} · {machine} · {reading} · {told}"


@dataclass(frozen=True, slots=True)
class NoticeLanguageWords:
    """The words of one language.

    Attributes:
        body: The usual template of a message, below its headline.
        page: The usual template in the pages, which show the headline by themselves and lead to the alarm.
        urgencies: Of the priorities 1 to 4.
        escalated: Beside an alarm that nobody has acknowledged in time.
        returned: Beside an alarm whose process is normal again.
        simulated: Beside alarms of the demo.
        limit: Stands behind a value; ``{limit}`` is what it crossed.
        gone: Stands for the name of an alarm that is no longer kept.
        many: Subject of a message about several; ``{count}`` and the ``{headline}`` of the most urgent.
        more: Ends a message that leaves ``{count}`` out.
        time: Of the day and the clock, as `datetime.strftime` takes it; ``{zone}`` is the name of the zone.
        decimal: Stands between whole and part of a number.
    """

    body: str
    page: str
    urgencies: tuple[str, str, str, str]
    escalated: str
    returned: str
    simulated: str
    limit: str
    gone: str
    many: str
    more: str
    time: str
    decimal: str = "."

    def number(self, value: float) -> str:
        """Return a number to six figures."""
        return f"{value:.6g}".replace(".", self.decimal)

    def moment(self, at: datetime) -> str:
        """Return a moment on the wall of its zone, with the zone's name: whoever reads it may be in another one."""
        return at.strftime(self.time).replace("{zone}", at.tzname() or "UTC")


LANGUAGES: Mapping[NoticeLanguage, NoticeLanguageWords] = MappingProxyType(
    {
        NoticeLanguage.ENGLISH: NoticeLanguageWords(
            body=(
                "Raised: {time}\nPriority: {urgency}\nCause: {cause}\nConsequence: {consequence}\n"
                "What to do: {action}\nOpen and acknowledge: {link}"
            ),
            page="{alarm} · {machine_name} · {area}\nRaised: {time}\nCause: {cause}\nWhat to do: {action}",
            urgencies=("critical", "high", "medium", "low"),
            escalated="NOT ACKNOWLEDGED",
            returned="normal again",
            simulated="SIMULATED",
            limit="(limit {limit})",
            gone="alarm, which is no longer kept",
            many="{count} alarms, most urgent: {headline}",
            more="… and {count} more in the list of alarms.",
            time="%Y-%m-%d %H:%M:%S {zone}",
        ),
        NoticeLanguage.GERMAN: NoticeLanguageWords(
            body=(
                "Ausgelöst: {time}\nPriorität: {urgency}\nUrsache: {cause}\nFolge: {consequence}\n"
                "Was zu tun ist: {action}\nÖffnen und quittieren: {link}"
            ),
            page="{alarm} · {machine_name} · {area}\nAusgelöst: {time}\nUrsache: {cause}\nWas zu tun ist: {action}",
            urgencies=("kritisch", "hoch", "mittel", "niedrig"),
            escalated="NICHT QUITTIERT",
            returned="wieder normal",
            simulated="SIMULIERT",
            limit="(Grenze {limit})",
            gone="Alarm, der nicht mehr aufbewahrt wird",
            many="{count} Alarme, der dringendste: {headline}",
            more="… und {count} weitere in der Alarmliste.",
            time="%d.%m.%Y %H:%M:%S {zone}",
            decimal=",",
        ),
        NoticeLanguage.HINDI: NoticeLanguageWords(
            body=(
                "अलार्म का समय: {time}\nप्राथमिकता: {urgency}\nकारण: {cause}\nपरिणाम: {consequence}\n"
                "क्या करें: {action}\nखोलें और स्वीकार करें: {link}"
            ),
            page="{alarm} · {machine_name} · {area}\nअलार्म का समय: {time}\nकारण: {cause}\nक्या करें: {action}",
            urgencies=("गंभीर", "उच्च", "मध्यम", "निम्न"),
            escalated="स्वीकार नहीं किया गया",
            returned="फिर से सामान्य",
            simulated="सिमुलेशन",
            limit="(सीमा {limit})",
            gone="अलार्म, जो अब संग्रहीत नहीं है",
            many="{count} अलार्म, सबसे ज़रूरी: {headline}",
            more="… और {count} अलार्म सूची में।",
            time="%d/%m/%Y %H:%M:%S {zone}",
        ),
    }
)
