"""Procedures about who is told of alarms, over which channel, and what became of each message."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.access import Permission
from pdm_app.domain.notice_routes import Contact, ContactFacts, ContactView, NoticeRoute, NoticeRouteFacts
from pdm_app.domain.notice_words import PLACEHOLDERS, NoticeTemplate, NoticeTemplateFacts, Preview, TemplateView
from pdm_app.domain.notices import ADDRESS_MAX, ChannelKind, NoticeLanguage
from pdm_app.domain.outbox import Message, MessageQuery
from pdm_app.domain.record import Id, Revision, Text
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.notice_links import TOKEN_CHARACTERS_MAX, OpenedLink
from pdm_app.services.notices import SECRET_CHARACTERS_MAX, MessageView, NoticeStatus

notices = procedures()

Address = Annotated[str, Field(min_length=3, max_length=ADDRESS_MAX)]
Token = Annotated[str, Field(min_length=1, max_length=TOKEN_CHARACTERS_MAX)]
Secret = Annotated[str, Field(max_length=SECRET_CHARACTERS_MAX)]


@notices.query(permission="alarms.configure", rest="GET /notices/routes")
async def routes(ctx: Ctx) -> tuple[NoticeRoute, ...]:
    """Return which alarms are told to whom."""
    return await ctx.services.notice_routes.all(ctx.actor)


@notices.mutation(permission="alarms.configure", rest="POST /notices/routes 201", rate="60/minute")
async def add_route(ctx: Ctx, *, facts: NoticeRouteFacts, reason: Text = "") -> NoticeRoute:
    """Tell people of alarms from now on."""
    return await ctx.services.notice_routes.add(ctx.actor, facts, reason)


@notices.mutation(permission="alarms.configure", rest="PUT /notices/routes/{route_id}", rate="60/minute")
async def change_route(
    ctx: Ctx, *, route_id: Id, facts: NoticeRouteFacts, revision: Revision, reason: Text = ""
) -> NoticeRoute:
    """Put other facts in the place of a route's; ``revision`` is the one that was looked at."""
    return await ctx.services.notice_routes.change(ctx.actor, route_id, facts, revision, reason)


@notices.mutation(permission="alarms.configure", rest="DELETE /notices/routes/{route_id}", rate="60/minute")
async def remove_route(ctx: Ctx, *, route_id: Id, reason: Text = "") -> NoticeRoute:
    """Tell nobody by this route any more."""
    return await ctx.services.notice_routes.remove(ctx.actor, route_id, reason)


@notices.query(permission="users.configure", rest="GET /notices/contacts")
async def contacts(ctx: Ctx) -> tuple[ContactView, ...]:
    """Return how everybody can be reached."""
    return await ctx.services.notices.contacts(ctx.actor)


@notices.mutation(permission="users.configure", rest="PUT /notices/contacts/{user_id}", rate="60/minute")
async def put_contact(ctx: Ctx, *, user_id: Id, facts: ContactFacts) -> Contact:
    """Say how somebody can be reached."""
    return await ctx.services.notices.put_contact(ctx.actor, user_id, facts)


@notices.query(rest="GET /notices/my-contact")
async def my_contact(ctx: Ctx) -> Contact:
    """Return how the caller can be reached."""
    return await ctx.services.notices.my_contact(ctx.actor)


@notices.mutation(rest="PUT /notices/my-contact", rate="20/minute")
async def put_my_contact(ctx: Ctx, *, facts: ContactFacts) -> Contact:
    """Say how the caller can be reached, and when not."""
    return await ctx.services.notices.put_my_contact(ctx.actor, facts)


@notices.query(permission="alarms.configure", rest="GET /notices/status")
async def status(ctx: Ctx) -> NoticeStatus:
    """Return the channels and how much waits."""
    return await ctx.services.notices.status(ctx.actor)


@notices.mutation(permission="settings.write", rate="20/minute")
async def put_secret(ctx: Ctx, *, channel: ChannelKind, secret: Secret) -> None:
    """Keep the password or key of a channel; empty forgets it."""
    await ctx.services.notices.put_secret(ctx.actor, channel, secret)


@notices.mutation(permission="settings.write", rest="POST /notices/tests 201", rate="10/minute")
async def test(ctx: Ctx, *, channel: ChannelKind, address: Address, site_id: Id) -> Message:
    """Send a message to an address; its log says what became of it."""
    return await ctx.services.notices.test(ctx.actor, channel, address, site_id)


@notices.query(permission="alarms.configure", rest="GET /notices/messages")
async def messages(ctx: Ctx, *, query: MessageQuery = MessageQuery()) -> tuple[Message, ...]:
    """Return a page of the delivery log, newest first."""
    return await ctx.services.notices.messages(ctx.actor, query)


@notices.query(permission="alarms.configure", rest="GET /notices/messages/{message_id}")
async def message(ctx: Ctx, *, message_id: Id) -> MessageView:
    """Return a message and each attempt to hand it over."""
    return await ctx.services.notices.message(ctx.actor, message_id)


@notices.mutation(permission="alarms.configure", rest="POST /notices/messages/{message_id}/retry", rate="60/minute")
async def retry(ctx: Ctx, *, message_id: Id) -> Message:
    """Try a message again that was given up."""
    return await ctx.services.notices.retry(ctx.actor, message_id)


@notices.query(permission="alarms.read", rest="GET /notices/links/{token}")
async def open_link(ctx: Ctx, *, token: Token) -> OpenedLink:
    """Return the alarm that the link of a message leads to."""
    return await ctx.services.notice_links.open(ctx.actor, token)


@notices.query(permission="alarms.configure", rest="GET /notices/templates")
async def templates(ctx: Ctx) -> tuple[TemplateView, ...]:
    """Return what messages say, by channel."""
    return await ctx.services.notice_templates.all(ctx.actor)


@notices.query(permission="alarms.configure", rest="GET /notices/templates/names")
async def template_names(ctx: Ctx) -> dict[str, str]:
    """Return the names that a template may have in braces, and what each stands for."""
    ctx.actor.require(Permission.ALARMS_CONFIGURE)
    return dict(PLACEHOLDERS)


@notices.query(permission="alarms.configure")
async def preview_template(
    ctx: Ctx, *, channel: ChannelKind, facts: NoticeTemplateFacts, language: NoticeLanguage = NoticeLanguage.ENGLISH
) -> Preview:
    """Return what a message by such a template would say of an alarm that was made up."""
    return ctx.services.notice_templates.preview(ctx.actor, channel, facts, language)


@notices.mutation(permission="settings.write", rest="PUT /notices/templates/{channel}", rate="30/minute")
async def put_template(
    ctx: Ctx,
    *,
    channel: ChannelKind,
    facts: NoticeTemplateFacts,
    revision: Revision,
    reason: Text = "",
    language: NoticeLanguage = NoticeLanguage.ENGLISH,
) -> NoticeTemplate:
    """Have the messages of a channel in a language say this from the next one on."""
    return await ctx.services.notice_templates.put(ctx.actor, channel, facts, revision, reason, language)


@notices.mutation(permission="settings.write", rest="DELETE /notices/templates/{channel}", rate="30/minute")
async def reset_template(
    ctx: Ctx, *, channel: ChannelKind, reason: Text = "", language: NoticeLanguage = NoticeLanguage.ENGLISH
) -> NoticeTemplate:
    """Have the messages of a channel in a language say the usual again."""
    return await ctx.services.notice_templates.reset(ctx.actor, channel, reason, language)
