"""Letters by e-mail: through an SMTP server, or into a folder of .eml files where none is set (in development).

`opened` reaches the server first, so that what is written in the database before a letter leaves is written only when
letters do leave. Text alone, in UTF-8: nothing in it is fetched from anywhere, and it reads the same everywhere. Files
go with it where a letter brings some.
"""

import secrets
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from vouchers.config import Settings, SmtpSecurity
from vouchers.errors import MailNotSent

_PATIENCE_S: Final = 10
MOST_ENCLOSED: Final = 7_000_000
"""Bytes of all that a letter brings: a third more on the way, which stays below the 10 MB that any server takes."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a letter. `name` is plain ASCII; `media` is its type ('application/pdf')."""

    name: str
    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """To whom, about what, what it says and what it brings."""

    to_name: str
    to_email: str
    subject: str
    text: str
    enclosures: tuple[Enclosure, ...] = ()


Post = Callable[[Letter], None]


@contextmanager
def opened(settings: Settings, *, at: datetime) -> Iterator[Post]:
    """What takes letters. Refuses `MailNotSent` when nothing is set up or the server cannot be reached."""
    folder = settings.mail_path()
    if folder is not None:
        yield _into(folder, settings, at=at)
        return
    if not settings.smtp_host or not settings.mail_from:
        raise MailNotSent
    try:
        server = _connected(settings)
    except (OSError, smtplib.SMTPException):
        raise MailNotSent from None

    def post(letter: Letter) -> None:
        try:
            server.send_message(_message(letter, settings, at=at))
        except (OSError, smtplib.SMTPException, ValueError):
            raise MailNotSent from None

    try:
        yield post
    finally:
        server.close()


def sends(settings: Settings) -> bool:
    """Whether letters can leave at all, as far as the settings say."""
    return settings.mail_path() is not None or bool(settings.smtp_host and settings.mail_from)


def _connected(settings: Settings) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    host, port = settings.smtp_host, settings.smtp_port
    if settings.smtp_security is SmtpSecurity.TLS:
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_PATIENCE_S, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=_PATIENCE_S)
    try:
        if settings.smtp_security is SmtpSecurity.STARTTLS:
            server.starttls(context=trusted)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
    except BaseException:
        server.close()
        raise
    return server


def _into(folder: Path, settings: Settings, *, at: datetime) -> Post:
    def post(letter: Letter) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            name = f"{at:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}.eml"
            (folder / name).write_bytes(bytes(_message(letter, settings, at=at)))
        except (OSError, ValueError):
            raise MailNotSent from None

    return post


def _message(letter: Letter, settings: Settings, *, at: datetime) -> EmailMessage:
    """Raises ValueError for an address or a name that would break its header, or more than a letter may bring."""
    if sum(len(one.content) for one in letter.enclosures) > MOST_ENCLOSED:
        raise ValueError("more than a mail server takes")
    sender = settings.mail_from or "cheques@localhost"
    message = EmailMessage()
    message["From"] = Address("Chèques cadeaux", addr_spec=sender)
    user, _, host = letter.to_email.rpartition("@")
    message["To"] = Address(letter.to_name, user, host)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{secrets.token_hex(16)}@{sender.rpartition('@')[2]}>"
    # An answering machine leaves it alone.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    for one in letter.enclosures:
        kind, _, form = one.media.partition("/")
        message.add_attachment(one.content, maintype=kind, subtype=form, filename=one.name)
    return message
