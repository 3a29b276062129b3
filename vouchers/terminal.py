"""What the commands share: the house they open, who is acting, what may be typed, how progress looks at a terminal."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vouchers import access, clock, codes, sign_in
from vouchers.access import Act, Caller
from vouchers.attempts import TERMINAL
from vouchers.config import Settings
from vouchers.db import Database, DatabaseFault
from vouchers.errors import NotSignedIn, SecondFactorWanted
from vouchers.schema import is_current
from vouchers.second_factor import Code
from vouchers.workshop import Progress as Heard

_COMMAND_LASTS: Final = timedelta(minutes=5)
_MOST: Final = 2**63 - 1
console: Final = Console(emoji=False)
errors: Final = Console(stderr=True, emoji=False)

Number = Annotated[int, typer.Argument(min=1, max=_MOST)]
ProgrammeOption = Annotated[int, typer.Option("--programme", "-p", min=1, max=_MOST, help="Numéro du dispositif.")]
BatchOption = Annotated[
    int | None, typer.Option("--extend", min=1, max=_MOST, help="Prolonger ce lot au lieu de périmer ; avec --to.")
]
AsOption = Annotated[str | None, typer.Option("--as", help="Votre e-mail ; le mot de passe est demandé.")]


class OutTaken(Exception):
    """Where a paper of which there is one alone was to be written, there is something already."""


def require_free(out: Path) -> None:
    """Raises `OutTaken` when there is anything called `out`, even a link to nothing."""
    if os.path.lexists(out):
        raise OutTaken(f"{out} existe déjà, et rien n'est écrit par-dessus : donnez un autre nom")


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
        token = signed_in(house, settings, email=by or "", password=password).secret
    caller = house.read(sign_in.caller_of_token, token_hash=codes.token_hash(session_key, token), at=at)
    access.may(caller, act, programme_id=programme_id)
    return caller


def signed_in(house: Database, settings: Settings, *, email: str, password: str) -> sign_in.Opened:
    """A session of a few minutes for whoever knows the password; asks for the second factor of who has one.

    Refuses as `sign_in.sign_in`.
    """
    pepper, session_key = settings.secret_bytes()

    def opened(code: Code | None) -> sign_in.Opened:
        return sign_in.sign_in(
            house,
            email=email,
            password=password,
            code=code,
            address=TERMINAL,
            label="commande vouchers",
            session_key=session_key,
            lasts=_COMMAND_LASTS,
            at=clock.now(),
        )

    try:
        return opened(None)
    except SecondFactorWanted:
        typed = os.environ.get("VOUCHERS_CODE") or getpass.getpass("Code à six chiffres : ")
        return opened(Code(typed, pepper))


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
