"""Everything that can be asked about alarms, put together from what it stands on."""

from typing import TypedDict

from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.alarm_backtest import AlarmBacktestService
from pdm_app.services.alarm_figures import AlarmFiguresService
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.services.alarm_proposals import AlarmProposalService
from pdm_app.services.alarm_rule_sheet import AlarmRuleSheetService
from pdm_app.services.alarm_rules import AlarmRuleService
from pdm_app.services.alarms import AlarmService
from pdm_app.services.plant_changes import Desk
from pdm_app.stream.alarm_book import AlarmBook


class AlarmServices(TypedDict):
    """The services of alarms by their names in the catalogue."""

    alarm_backtest: AlarmBacktestService
    alarm_figures: AlarmFiguresService
    alarm_holds: AlarmHoldService
    alarm_proposals: AlarmProposalService
    alarm_rule_sheet: AlarmRuleSheetService
    alarm_rules: AlarmRuleService
    alarms: AlarmService


def alarm_services(work: UnitOfWork, book: AlarmBook, historian: Historian, desk: Desk, clock: Clock) -> AlarmServices:
    alarms, rules = AlarmService(work, book, clock), AlarmRuleService(work, desk)
    return AlarmServices(
        alarm_backtest=AlarmBacktestService(work, historian, clock),
        alarm_figures=AlarmFiguresService(work, clock),
        alarm_holds=AlarmHoldService(alarms, work, book, clock),
        alarm_proposals=AlarmProposalService(work, historian, clock),
        alarm_rule_sheet=AlarmRuleSheetService(work, rules, desk),
        alarm_rules=rules,
        alarms=alarms,
    )
