"""Questions about a machine, answered from what is on record: each sentence names where it is from.

No language model has a part in it: a question is recognised by its words, and an answer is put together from facts. It
does nothing; what it proposes is done by a person, who is asked.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pdm_app.domain.advice import Advice, Episode
from pdm_app.domain.alarms import Alarm
from pdm_app.domain.asset_health import AssetHealth, OutlookState
from pdm_app.domain.cases import Case
from pdm_app.domain.diagnosis import Contributor, Diagnosis, Finding
from pdm_app.domain.maintenance_events import MaintenanceEvent
from pdm_app.domain.movements import Movement
from pdm_app.domain.record import Id, Name, Record
from pdm_app.domain.samples import MICROS_PER_S

QUESTION_MAX = 300
SENTENCES_MAX = 30
NAMED_MAX = 3
MOVED_SPREADS = 3.0
DAY_S = 86_400


class Question(StrEnum):
    """What can be answered."""

    WHY = "why"
    NEXT = "next"
    COMPARE = "compare"


class SourceKind(StrEnum):
    """Where a sentence is from."""

    ALARM = "alarm"
    EVENT = "event"
    CASE = "case"
    SIGNAL = "signal"
    MODEL = "model"
    ASSET = "asset"


class Source(Record):
    """One thing on record, with the page that shows it."""

    kind: SourceKind
    id: str
    label: str
    href: str = Field(description="Of the product's own pages.")


class Sentence(Record):
    """One thing that is said, and what says so."""

    text: str
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]


class CaseProposal(Record):
    """Something that could be done now; nothing is, before a person says so."""

    title: Name
    text: str
    asset_id: Id
    alarm_ids: tuple[Id, ...] = ()
    event_ids: tuple[Id, ...] = ()


class Answer(Record):
    """What is known about a question."""

    question: Question
    asset_id: Id
    code: str
    at: int
    sentences: Annotated[tuple[Sentence, ...], Field(max_length=SENTENCES_MAX)]
    proposal: CaseProposal | None = Field(default=None, description="A case to be opened, if somebody wants that.")


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of a machine.

    Attributes:
        asset_id: Of the machine.
        code: As people call it.
        now: Microseconds UTC.
        alarms: Those that stand, the most urgent first.
        events: Open maintenance events.
        cases: Open cases.
        healths: Newest verdicts of models in force.
        diagnosis: What is probably wrong; None where nothing could be compared.
        advice: What to do about it.
        episodes: What looked alike before.
        week: How far signals are from the same hours of the week before; empty where that is not known.
        signal_ids: Numbers of signals by name.
        labels: What people call them, by name.
    """

    asset_id: str
    code: str
    now: int
    alarms: Sequence[Alarm] = ()
    events: Sequence[MaintenanceEvent] = ()
    cases: Sequence[Case] = ()
    healths: Sequence[AssetHealth] = ()
    diagnosis: Diagnosis | None = None
    advice: Advice | None = None
    episodes: Sequence[Episode] = ()
    week: Sequence[Movement] = ()
    signal_ids: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


_WORDS: tuple[tuple[Question, str], ...] = (
    (Question.COMPARE, r"\b(compare|comparison|last week|week before|yesterday|differ|change[ds]?|versus|vs)\b"),
    (Question.NEXT, r"\b(what should|what to do|what now|next|recommend|advice|advise|do about|fix)\b"),
    (Question.WHY, r"\b(why|reason|cause|red|wrong|happen\w*|explain|alarm\w*|status|how is)\b"),
)


def question_of(text: str) -> Question | None:
    """Return what is asked; None where no word of it is known."""
    words = text.casefold()
    return next((question for question, pattern in _WORDS if re.search(pattern, words)), None)


def machine_of(text: str, codes: Collection[str]) -> str | None:
    """Return the code of the machine that is named; the longest, for P-101 stands in P-101A as well."""
    plain = re.sub(r"[^a-z0-9]", "", text.casefold())
    named = [code for code in codes if re.sub(r"[^a-z0-9]", "", code.casefold()) in plain]
    return max(named, key=len, default=None)


def answered(question: Question, known: Known) -> Answer:
    """Put an answer together; there is always at least one sentence, if only that nothing is on record."""
    make = {Question.WHY: _why, Question.NEXT: _next, Question.COMPARE: _compared}[question]
    sentences = make(known) or [_said(f"Nothing on record speaks of {known.code} being unwell.", _machine(known))]
    return Answer(
        question=question, asset_id=known.asset_id, code=known.code, at=known.now,
        sentences=tuple(sentences[:SENTENCES_MAX]), proposal=None if question is Question.COMPARE else _proposal(known),
    )  # fmt: skip


def _why(known: Known) -> list[Sentence]:
    said = [
        _said(
            f"{known.code} has an alarm of priority {alarm.priority}, “{alarm.name}”, "
            + _ago(known.now, alarm.raised_at)
            + (f" at {alarm.value:.4g}" if alarm.value is not None else "")
            + (f" (limit {alarm.limit:.4g})" if alarm.limit is not None else "")
            + ("" if alarm.acknowledged_at else ", not acknowledged") + ".",
            _alarm(alarm),
        )
        for alarm in known.alarms
    ]  # fmt: skip
    said += _verdicts(known)
    diagnosis = known.diagnosis
    if diagnosis is not None and known.advice is not None and diagnosis.finding is not Finding.USUAL:
        said.append(
            _said(
                f"Probably: {known.advice.title.lower()} ({100 * diagnosis.certainty:.0f} % sure).",
                *(_signal(known, each.signal) for each in diagnosis.contributors[:NAMED_MAX]),
            )
        )
        said += [_moved(known, each) for each in diagnosis.contributors[:NAMED_MAX] if abs(each.spreads) >= 1]
    said += [
        _said(f"A maintenance event is open: “{event.name}”, {_ago(known.now, event.opened_at)}.", _event(event))
        for event in known.events
    ]
    said += [_said(f"A case looks into “{case.title}” ({case.state}).", _case(case)) for case in known.cases]
    return said


def _next(known: Known) -> list[Sentence]:
    said = [
        _said(f"First of all: {alarm.action.rstrip('.')}.", _alarm(alarm))
        for alarm in known.alarms[:NAMED_MAX]
        if alarm.action
    ]
    advice, diagnosis = known.advice, known.diagnosis
    if advice is not None and diagnosis is not None and advice.do:
        sources = [_signal(known, each.signal) for each in diagnosis.contributors[:NAMED_MAX]] or [_machine(known)]
        said += [_said(step, *sources) for step in advice.do]
        if advice.by_at is not None:
            said.append(
                _said(
                    f"Do it within {_span((advice.by_at - known.now) / MICROS_PER_S)}, judged by {advice.why_by}.",
                    *sources,
                )
            )
            said.append(_said(f"Otherwise: {advice.if_not}", *sources))
    said += [
        _said(
            f"It looked alike when “{episode.title}” was looked into; it was {episode.label or 'not said what'}.",
            _case_source(episode.case_id, episode.title),
        )
        for episode in known.episodes[:NAMED_MAX]
    ]  # fmt: skip
    said += [
        _said(f"“{event.name}” is still open: say what was done, or plan it.", _event(event))
        for event in known.events[:NAMED_MAX]
    ]
    return said


def _compared(known: Known) -> list[Sentence]:
    if not known.week:
        return [_said(f"The same hours a week ago are not in the history of {known.code}.", _machine(known))]
    moved = sorted(
        (each for each in known.week if abs(each.spreads) >= MOVED_SPREADS), key=lambda each: -abs(each.spreads)
    )
    if not moved:
        return [
            _said(
                f"Against the week before, none of {len(known.week)} signals has left its usual range.",
                *(_signal(known, each.name) for each in known.week[:NAMED_MAX]),
            )
        ]
    return [
        _said(
            f"{_words(known, each.name)} {'rose' if each.change > 0 else 'fell'} from {each.usual:.4g} to "
            f"{each.now:.4g}{_unit(each.unit)}, {abs(each.spreads):.0f} times its usual wander.",
            _signal(known, each.name),
        )
        for each in moved[: 2 * NAMED_MAX]
    ]


def _verdicts(known: Known) -> list[Sentence]:
    said = []
    for health in known.healths:
        source = Source(
            kind=SourceKind.MODEL, id=health.model_id, label="Model", href=f"/asset/{known.asset_id}?tab=health"
        )
        if health.score is not None:
            how = "unusual" if health.is_unusual else "usual"
            health_words = f", health {health.health:.0f} of 100" if health.health is not None else ""
            said.append(_said(f"Its model finds it {how}: score {health.score:.2f} of 1{health_words}.", source))
        outlook = health.outlook
        if outlook is None:
            continue
        if outlook.state is OutlookState.KNOWN and outlook.middle_s is not None and outlook.low_10_s is not None:
            high = f" to {_span(outlook.high_90_s)}" if outlook.high_90_s is not None else " or longer"
            said.append(
                _said(
                    f"Its limit is reached in about {_span(outlook.middle_s)} ({_span(outlook.low_10_s)}{high}).",
                    source,
                )
            )
        elif outlook.state is OutlookState.NOT_ENOUGH_TREND:
            said.append(_said("There is not enough of a trend to tell how long it will last.", source))
    return said


def _moved(known: Known, each: Contributor) -> Sentence:
    if each.sensor is not None:
        return _said(f"The sensor of {_words(known, each.signal)} fails: {each.sensor}.", _signal(known, each.signal))
    way = "above" if each.spreads > 0 else "below"
    return _said(
        f"{_words(known, each.signal)} is at {each.now:.4g}{_unit(each.unit)}, {abs(each.spreads):.0f} times its usual "
        f"wander {way} {each.usual:.4g}.",
        _signal(known, each.signal),
    )


def _proposal(known: Known) -> CaseProposal | None:
    """Return the case that could be opened; none where one is open, or where there is nothing to look into."""
    unwell = known.diagnosis is not None and known.diagnosis.finding not in (Finding.USUAL, Finding.UNCLEAR)
    if known.cases or not (known.alarms or known.events or unwell):
        return None
    names = [*(alarm.name for alarm in known.alarms), *(event.name for event in known.events)]
    title = known.advice.title if unwell and known.advice is not None else names[0]
    return CaseProposal(
        title=title[:120], asset_id=known.asset_id, alarm_ids=tuple(alarm.id for alarm in known.alarms),
        event_ids=tuple(event.id for event in known.events),
        text=f"Open a case “{title}” for {known.code} that gathers what stands.",
    )  # fmt: skip


def _said(text: str, *sources: Source) -> Sentence:
    return Sentence(text=text, sources=sources)


def _machine(known: Known) -> Source:
    return Source(kind=SourceKind.ASSET, id=known.asset_id, label=known.code, href=f"/asset/{known.asset_id}")


def _alarm(alarm: Alarm) -> Source:
    return Source(kind=SourceKind.ALARM, id=alarm.id, label=alarm.name, href=f"/asset/{alarm.asset_id}?tab=alarms")


def _event(event: MaintenanceEvent) -> Source:
    return Source(kind=SourceKind.EVENT, id=event.id, label=event.name, href="/cases")


def _case(case: Case) -> Source:
    return _case_source(case.id, case.title)


def _case_source(case_id: str, title: str) -> Source:
    return Source(kind=SourceKind.CASE, id=case_id, label=title, href=f"/cases?case={case_id}")


def _signal(known: Known, name: str) -> Source:
    number = known.signal_ids.get(name)
    href = f"/trends?s={number}" if number is not None else f"/asset/{known.asset_id}"
    return Source(kind=SourceKind.SIGNAL, id=str(number or name), label=_words(known, name), href=href)


def _words(known: Known, name: str) -> str:
    return known.labels.get(name) or name.replace("_", " ")


def _unit(code: str) -> str:
    shown = {"1": "", "Cel": " °C", "{rev}/min": " rpm", "[g]": " g"}.get(code)
    return f" {code}" if shown is None else shown


def _ago(now: int, at: int) -> str:
    return f"for {_span(max(0, now - at) / MICROS_PER_S)}"


def _span(seconds: float) -> str:
    for unit, size in (("d", DAY_S), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
