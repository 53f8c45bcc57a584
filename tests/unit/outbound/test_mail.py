import ssl
from datetime import UTC, datetime

import pytest

from rolecall.cli.certificate import ensure_certificate
from rolecall.outbound.errors import OutboundFailed
from rolecall.outbound.mail import Mailer, MailSecurity, MailServer
from tests.make.receivers import taking_mail
from tests.make.served import free_port


def mailer(port, security=MailSecurity.NONE, *, user=None, tls=None):
    server = MailServer(
        host="localhost",
        port=port,
        security=security,
        user=user,
        password=None if user is None else "secret",
        sender="rolecall@example.com",
    )
    return Mailer(server, tls=tls)


def send(sender, *recipients, subject="A subject"):
    return sender.send(recipients or ("ada@example.com",), subject=subject, text="Größe: ü\n.\nend", message_id="id-1")


@pytest.fixture
def contexts(tmp_path):
    certificate, key = ensure_certificate(tmp_path, hosts=[], now=datetime.now(UTC))
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate, key)
    return served, ssl.create_default_context(cafile=certificate)


def test_a_mail_arrives_as_it_was_sent():
    with taking_mail() as mailbox:
        assert send(mailer(mailbox.port), "ada@example.com", "bob@example.com") == ()
    (mail,) = mailbox.mails
    assert (mail["From"], mail["To"]) == ("rolecall@example.com", "ada@example.com, bob@example.com")
    assert (mail["Subject"], mail["Message-ID"]) == ("A subject", "<id-1@example.com>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines() == ["Größe: ü", ".", "end"]
    assert mailbox.recipients == [["ada@example.com", "bob@example.com"]]


def test_a_subject_adds_no_header():
    with taking_mail() as mailbox:
        send(mailer(mailbox.port), subject="x\r\nBcc: eve@example.com")
    (mail,) = mailbox.mails
    assert (mail["Subject"], mail["Bcc"]) == ("x Bcc: eve@example.com", None)


def test_with_starttls_everything_is_said_behind_it(contexts):
    served, trusting = contexts
    with taking_mail(starttls=served) as mailbox:
        send(mailer(mailbox.port, MailSecurity.STARTTLS, user="robot", tls=trusting))
    assert (len(mailbox.mails), mailbox.logins) == (1, [("robot", "secret")])


def test_with_tls_from_the_start_a_mail_arrives(contexts):
    served, trusting = contexts
    with taking_mail(tls=served) as mailbox:
        send(mailer(mailbox.port, MailSecurity.TLS, tls=trusting))
    assert len(mailbox.mails) == 1


def test_a_server_that_cannot_starttls_is_told_nothing():
    with taking_mail() as mailbox, pytest.raises(OutboundFailed, match="STARTTLS"):
        send(mailer(mailbox.port, MailSecurity.STARTTLS, user="robot"))
    assert (mailbox.mails, mailbox.logins) == ([], [])


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
def test_a_server_with_a_certificate_that_nobody_trusts_is_told_nothing(contexts, security):
    served, _trusting = contexts
    as_served = {"starttls": served} if security is MailSecurity.STARTTLS else {"tls": served}
    with taking_mail(**as_served) as mailbox, pytest.raises(OutboundFailed, match="CERTIFICATE_VERIFY_FAILED"):
        send(mailer(mailbox.port, security))
    assert mailbox.mails == []


def test_who_is_refused_is_told_and_the_others_have_the_mail():
    with taking_mail(refused=frozenset({"bob@example.com"})) as mailbox:
        assert send(mailer(mailbox.port), "ada@example.com", "bob@example.com") == ("bob@example.com",)
        assert mailbox.recipients == [["ada@example.com"]]
        with pytest.raises(OutboundFailed, match="did not take it"):
            send(mailer(mailbox.port), "bob@example.com")


def test_nobody_there_is_a_failure():
    with pytest.raises(OutboundFailed, match="did not take it"):
        send(mailer(free_port()))


def test_without_a_mail_server_none_is_sent():
    assert not Mailer(None).is_set_up
    assert mailer(25).is_set_up
    with pytest.raises(OutboundFailed, match="--smtp-url"):
        send(Mailer(None))
