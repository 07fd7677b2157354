"""Procedures about cases: what engineers look into."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.cases import LINKS_MAX, Case, CaseLabel, CasePage, CaseQuery, Decision
from pdm_app.domain.record import Id, Instant, Name, Revision, Text
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.cases import CaseView

cases = procedures()

Links = Annotated[tuple[Id, ...], Field(max_length=LINKS_MAX)]
NoteText = Annotated[str, Field(min_length=1, max_length=2000)]


@cases.query("list", permission="alarms.read", rest="GET /cases")
async def page(ctx: Ctx, query: CaseQuery) -> CasePage:
    """Return cases, those changed last first; closed ones only if they are asked for."""
    return await ctx.services.cases.page(ctx.actor, query)


@cases.query(permission="alarms.read", rest="GET /cases/{case_id}")
async def show(ctx: Ctx, *, case_id: Id) -> CaseView:
    """Return a case with its story and the alarms and events it gathers."""
    return await ctx.services.cases.show(ctx.actor, case_id)


@cases.mutation("open", permission="maintenance.write", rest="POST /cases 201", rate="60/minute")
async def open_case(
    ctx: Ctx, *, asset_id: Id, title: Name, alarm_ids: Links = (), event_ids: Links = (), text: Text = ""
) -> Case:
    """Begin to look into something at a machine."""
    return await ctx.services.cases.open(
        ctx.actor, asset_id, title, alarm_ids=alarm_ids, event_ids=event_ids, text=text
    )


@cases.mutation(permission="maintenance.write", rest="POST /cases/{case_id}/notes", rate="120/minute")
async def note(ctx: Ctx, *, case_id: Id, text: NoteText) -> Case:
    """Write a note to a case."""
    return await ctx.services.cases.note(ctx.actor, case_id, text)


@cases.mutation(permission="maintenance.write", rest="POST /cases/{case_id}/links", rate="120/minute")
async def link(ctx: Ctx, *, case_id: Id, alarm_ids: Links = (), event_ids: Links = ()) -> Case:
    """Add alarms and maintenance events of the machine to a case."""
    return await ctx.services.cases.link(ctx.actor, case_id, alarm_ids, event_ids)


@cases.mutation(permission="maintenance.write", rest="POST /cases/{case_id}/decide", rate="60/minute")
async def decide(
    ctx: Ctx,
    *,
    case_id: Id,
    decision: Decision,
    revision: Revision,
    label: CaseLabel = "",
    text: Text = "",
    until: Instant | None = None,
) -> Case:
    """Confirm or reject a case with a label, snooze it with a reason, take it up again, close or reopen it."""
    return await ctx.services.cases.decide(ctx.actor, case_id, decision, revision, label=label, text=text, until=until)
