"""Where do tests get subscriptions from, and who carries their deliveries out?"""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

from rolecall.authorization.actor import SYSTEM
from rolecall.jobs import queue
from rolecall.jobs.errors import GiveUp
from rolecall.kernel.errors import DomainError
from rolecall.notifications import subscriptions
from rolecall.notifications.deliveries import DELIVER
from rolecall.notifications.jobs import Senders, deliver
from rolecall.notifications.model import Channel, Draft, NewSubscription
from rolecall.outbound.client import OutboundClient
from rolecall.outbound.mail import Mailer, MailSecurity, MailServer
from rolecall.outbound.model import OutboundRule
from rolecall.storage.secrets import FILE, KeyRing
from tests.make.transactions import Installed

LOOPBACK = OutboundRule(networks=(ip_network("127.0.0.0/8"),))


def key_ring(installed: Installed, folder: Path) -> KeyRing:
    """Return a key ring in a folder of the test's own."""
    keys = KeyRing(folder / FILE)
    keys.ensure(installed.clock())
    return keys


def subscribed(installed: Installed, keys: KeyRing, rule: OutboundRule = LOOPBACK, **said: Any) -> NewSubscription:
    """Create a subscription: a webhook, unless told otherwise."""
    draft = Draft(**{"name": "Leavers", "channel": Channel.WEBHOOK, **said})
    created: NewSubscription = installed.change(subscriptions.create_subscription, keys, rule, draft)
    return created


def senders(installed: Installed, keys: KeyRing, *, rule: OutboundRule = LOOPBACK, mail_port: int = 0) -> Senders:
    """Return with what deliveries are carried out."""
    server = MailServer(
        host="127.0.0.1", port=mail_port, security=MailSecurity.NONE, user=None, sender="rolecall@example.com"
    )
    client = OutboundClient(rule, seconds=5)
    return Senders(keys=keys, client=client, mailer=Mailer(server if mail_port else None), clock=installed.clock)


def carry_out(installed: Installed, using: Senders) -> int:
    """Carry out, once each and as a runner does, the deliveries that are due; return how many there were."""
    jobs = installed.change(queue.take_jobs, kinds=[DELIVER], runner="r", limit=100, actor=SYSTEM)
    for job in jobs:
        try:
            deliver(installed.transactions, job, senders=using)
        except (DomainError, GiveUp) as error:
            installed.change(queue.fail, job, str(error), actor=SYSTEM)
        else:
            installed.change(queue.finish, job, actor=SYSTEM)
    return len(jobs)
