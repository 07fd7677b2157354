"""E-mail against a real SMTP server, which is in a good mood or not."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pdm_app.channels.email import EmailChannel
from pdm_app.domain.notice_channels import MailServer
from pdm_app.domain.notices import REPEAT_WORDS, Attachment, DeliveryError, OutgoingMessage
from pdm_app.services.certificate_files import make_authority, make_server
from tests.counterparts.clocks import NOON, WallClock
from tests.counterparts.mail_server import HANG, HANG_UP, TAKE_AND_HANG_UP, mail_server
from tests.counterparts.ports import free_port

TOM = "tom.tech@plant.example"


def message(**more: Any) -> OutgoingMessage:
    given = {
        "id": "m-1",
        "to": TOM,
        "subject": "P2 Flow low · P-101A",
        "body": "Flow is 41 m³/h.\nCheck the valve.",
        "at": NOON,
    }
    return OutgoingMessage.model_validate({**given, **more})


def channel(port: int, password: SecretStr | None = None, **more: Any) -> EmailChannel:
    given = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "pdm@plant.example"}
    return EmailChannel(MailServer.model_validate({**given, **more}), password)


async def fails(channel: EmailChannel, **more: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await channel.send(message(**more))
    await channel.close()
    return caught.value


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    folder, now = tmp_path_factory.mktemp("tls"), WallClock().now()
    authority, key = make_authority(now, "Plant mail")
    (folder / "ca.pem").write_text(authority)
    (folder / "server.pem").write_text(make_server(now, authority, key, ("localhost", "127.0.0.1")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, folder / "ca.pem"


async def test_a_mail_arrives_as_it_was_meant() -> None:
    async with mail_server() as server:
        out = channel(server.port)
        reply = await out.send(message(priority=2))
        await out.close()
    assert reply.endswith("Ok: queued as 1")
    [mail] = server.mails
    assert (mail["To"], mail["From"]) == (TOM, "pdm_app <pdm@plant.example>")
    assert mail["Subject"] == "P2 Flow low · P-101A"
    assert mail["Message-ID"] == "<m-1@plant.example>"
    assert (mail["Auto-Submitted"], mail["Importance"]) == ("auto-generated", "high")
    assert mail.get_content().splitlines() == ["Flow is 41 m³/h.", "Check the valve."]


async def test_a_repeat_keeps_its_message_id_and_says_that_it_may_be_one() -> None:
    async with mail_server() as server:
        out = channel(server.port)
        await out.send(message())
        await out.send(message(is_repeat=True))
        await out.close()
    assert {mail["Message-ID"] for mail in server.mails} == {"<m-1@plant.example>"}
    assert [REPEAT_WORDS in mail.get_content() for mail in server.mails] == [False, True]


async def test_messages_that_follow_each_other_share_a_connection_and_a_lost_one_is_made_anew() -> None:
    async with mail_server() as server:
        out = channel(server.port)
        for number in range(3):
            await out.send(message(id=f"m-{number}"))
        assert server.sessions == 1
        server.hang_up()
        await out.send(message(id="m-3"))
        await out.close()
    assert server.sessions == 2
    assert len(server.mails) == 4


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_mail_goes_over_tls_with_a_login(security: str, certificate: tuple[ssl.SSLContext, Path]) -> None:
    context, ca_file = certificate
    kind: Any = {security: context}
    async with mail_server(login=("pdm", "s3cret"), **kind) as server:
        options = {"security": security, "username": "pdm", "ca_file": ca_file}
        out = channel(server.port, SecretStr("s3cret"), **options)
        await out.send(message())
        await out.close()
        assert len(server.mails) == 1
        wrong = await fails(channel(server.port, SecretStr("guess"), **options))
    assert not wrong.is_final, "an admin sets the password right, and the message waits"
    assert "535" in wrong.reply
    assert "guess" not in str(wrong) + wrong.reply


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_nothing_is_said_to_a_server_that_nobody_vouches_for(
    security: str, certificate: tuple[ssl.SSLContext, Path]
) -> None:
    kind: Any = {security: certificate[0]}
    async with mail_server(**kind) as server:
        error = await fails(channel(server.port, security=security))
    assert server.mails == []
    assert "certificate" in str(error)
    assert not error.is_final


async def test_a_server_without_starttls_gets_nothing_in_the_clear() -> None:
    async with mail_server() as server:
        error = await fails(channel(server.port, security="starttls"))
    assert server.mails == []
    assert "STARTTLS" in str(error)


async def test_an_address_refused_for_good_is_final_and_one_put_off_is_not() -> None:
    async with mail_server() as server:
        server.at_recipient.extend(["550 5.1.1 no such user", "451 4.7.1 greylisted, come back later"])
        for_good = await fails(channel(server.port))
        later = await fails(channel(server.port))
    assert (for_good.is_final, for_good.reply) == (True, "550 5.1.1 no such user")
    assert (later.is_final, later.reply) == (False, "451 4.7.1 greylisted, come back later")
    assert server.mails == []


async def test_content_refused_is_final_and_a_full_disk_is_not() -> None:
    async with mail_server() as server:
        server.at_end.extend(["554 5.6.0 not wanted here", "452 4.3.1 disk full"])
        assert (await fails(channel(server.port))).is_final
        assert not (await fails(channel(server.port))).is_final


@pytest.mark.parametrize("mood", [HANG_UP, TAKE_AND_HANG_UP, HANG])
async def test_where_the_reply_is_missing_nobody_knows_whether_it_was_taken(mood: str) -> None:
    async with mail_server() as server:
        server.at_end.append(mood)
        error = await fails(channel(server.port, timeout_s=0.5))
        assert error.is_unknown
        assert not error.is_final
        out = channel(server.port)
        await out.send(message(is_repeat=True))
        await out.close()
    assert len(server.mails) == (2 if mood == TAKE_AND_HANG_UP else 1)


async def test_nobody_there_is_said_with_the_address() -> None:
    port = free_port()
    error = await fails(channel(port))
    assert f"127.0.0.1:{port}" in str(error)
    assert (error.is_final, error.is_unknown) == (False, False)


@pytest.mark.parametrize("to", ["tom", "tom@", "a b@plant.example", "tom@plant.example\r\nBcc: eve@evil.example"])
async def test_what_is_no_address_is_refused_before_anything_is_sent(to: str) -> None:
    async with mail_server() as server:
        error = await fails(channel(server.port), to=to)
    assert error.is_final
    assert server.sessions == 0


async def test_a_line_break_in_a_subject_adds_no_header() -> None:
    async with mail_server() as server:
        out = channel(server.port)
        await out.send(message(subject="Flow\r\nBcc: eve@evil.example"))
        await out.close()
    [mail] = server.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Flow Bcc: eve@evil.example"


async def test_a_file_leaves_with_a_mail_under_its_name_in_any_script() -> None:
    content = bytes(range(256)) * 300
    attached = Attachment(name="Wöchentlich-轴承.pdf", media_type="application/pdf", content=content)
    async with mail_server() as server:
        out = channel(server.port)
        await out.send(message(attachment=attached))
        await out.close()
    [mail] = server.mails
    [part] = mail.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("Wöchentlich-轴承.pdf", "application/pdf")
    assert part.get_content() == content
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == ["Flow is 41 m³/h.", "Check the valve."]
