"""What the commands share: the house they open, who is acting, how progress and refusals look at a terminal."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vouchers import access, clock, codes, sign_in
from vouchers.access import Act, Caller
from vouchers.config import Settings
from vouchers.db import Database, DatabaseFault
from vouchers.errors import NotSignedIn
from vouchers.schema import is_current
from vouchers.workshop import Progress as Heard

_COMMAND_LASTS: Final = timedelta(minutes=5)
console: Final = Console()
errors: Final = Console(stderr=True)

ProgrammeOption = Annotated[int, typer.Option("--programme", "-p", help="Number of the programme.")]
AsOption = Annotated[str | None, typer.Option("--as", help="Your e-mail; the password is asked.")]


@contextmanager
def opened_house() -> Iterator[tuple[Database, Settings]]:
    """The house of the settings, at this version's schema; closed afterwards. Raises `DatabaseFault` on another."""
    settings = Settings()
    house = Database(settings.database_url)
    try:
        if not is_current(house):
            raise DatabaseFault("la base n'est pas au schéma de cette version : lancez d'abord `vouchers migrate`")
        yield house, settings
    finally:
        house.close()


def acting(house: Database, settings: Settings, *, by: str | None, act: Act, programme_id: int) -> Caller:
    """Who is at the terminal: VOUCHERS_TOKEN, or `by` and a password. Refuses as a sign-in does, then `Forbidden`."""
    at = clock.now()
    _, session_key = settings.secret_bytes()
    token = os.environ.get("VOUCHERS_TOKEN")
    if token is None and by is None:
        raise NotSignedIn
    if token is None or by is not None:
        password = os.environ.get("VOUCHERS_PASSWORD") or getpass.getpass(f"Mot de passe de {by} : ")
        token = sign_in.sign_in(
            house,
            email=by or "",
            password=password,
            address="terminal",
            label="commande vouchers",
            session_key=session_key,
            lasts=_COMMAND_LASTS,
            at=at,
        ).secret
    caller = house.read(sign_in.caller_of_token, token_hash=codes.token_hash(session_key, token), at=at)
    access.may(caller, act, programme_id=programme_id)
    return caller


def bars() -> Progress:
    """Progress bars, for work that takes longer than a second."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def bar(shown: Progress, title: str) -> Heard:
    """A bar of `shown` that hears (done, of)."""
    task: TaskID = shown.add_task(title, total=None)

    def hear(done: int, of: int) -> None:
        shown.update(task, completed=done, total=of)

    return hear
