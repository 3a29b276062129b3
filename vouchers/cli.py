"""The `vouchers` command: what the host operator, a treasurer at a terminal and cron type.

Who acts on money signs in: `--as EMAIL` with a password (asked, or VOUCHERS_PASSWORD), or an API token in
VOUCHERS_TOKEN. The rights are those of every other door, four eyes included. What only opens, checks or copies the
house (init, migrate, staff, verify, backup, restore, serve) is for whoever owns its files.

A command's docstring is its help, so in the French of whoever types it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from vouchers import (
    clock,
    codes,
    copies,
    demo,
    demo_cast,
    founding,
    money,
    passwords,
    people,
    programmes,
    roles,
    seal,
    sign_in,
    verify,
    workshop,
)
from vouchers.cli_bank import bank_app
from vouchers.cli_books import books_app
from vouchers.cli_dossier import dossier_app
from vouchers.cli_invoices import invoices_app
from vouchers.cli_letters import letters_app
from vouchers.cli_trade import export_app, lots_app, offline_app, settle_app
from vouchers.config import Settings, SettingsFault
from vouchers.db import Busy, Database, DatabaseFault, OutcomeUnknown, WriteSession
from vouchers.errors import Refusal
from vouchers.paper.voucher_sheet import SheetMismatch
from vouchers.passwords import PasswordHash
from vouchers.schema import migrate
from vouchers.terminal import Number, OutTaken, ProgrammeOption, bar, bars, console, errors, opened_house

_WHOLE_BP: Final = 10_000
_LAST_PORT: Final = 65_535

app: Final = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Chèques cadeaux locaux : de la commande au règlement.",
)
staff_app: Final = typer.Typer(
    no_args_is_help=True, help="Les personnes qui se connectent ; pour qui tient la machine."
)
app.add_typer(staff_app, name="staff")
app.add_typer(lots_app)
app.add_typer(letters_app)
app.add_typer(invoices_app)
app.add_typer(settle_app, name="settle")
app.add_typer(offline_app, name="offline")
app.add_typer(export_app, name="export")
app.add_typer(books_app)
app.add_typer(bank_app)
app.add_typer(dossier_app)


def main() -> None:
    """Run the command; a refusal or a fault is one line on the error output and exit 1, a trace only when asked for."""
    try:
        app(standalone_mode=True)
    except Exception as fault:
        # Whatever it is: this is the last door.
        if os.environ.get("VOUCHERS_TRACE") == "1":
            raise
        for line in _told(fault):
            errors.print(line, soft_wrap=True)
        sys.exit(1)


def _told(fault: Exception) -> list[str]:
    """The lines, in rich's markup, that say what went wrong."""
    match fault:
        case Refusal():
            return [f"[red]Refusé[/red] ({escape(fault.reason)}) : {escape(fault.text())}"]
        case ValidationError():
            return [
                f"[red]Réglage VOUCHERS_{escape('_'.join(map(str, problem['loc'])).upper())} :[/red]"
                f" {escape(problem['msg'])}"
                for problem in fault.errors(include_input=False, include_url=False)
            ]
        case OutcomeUnknown():
            return [f"[yellow]Issue inconnue :[/yellow] {escape(str(fault))}. Relancez la même commande."]
        case Busy():
            return [f"[yellow]Rien n'est fait, la maison est occupée :[/yellow] {escape(str(fault))}. Relancez."]
        case codes.SealBroken():
            why = f"les codes du lot {fault} ne s'ouvrent pas ; VOUCHERS_PEPPER est-il celui qui les a scellés ?"
        case SheetMismatch():
            why = f"les planches relues ne disent pas ce qu'elles doivent, aucune n'est gardée : {fault}"
        case OSError():
            why = " : ".join(str(part) for part in (fault.filename, fault.strerror or fault) if part)
        case (
            SettingsFault()
            | DatabaseFault()
            | copies.CopyFault()
            | seal.AnchorContradicted()
            | demo.FolderFault()
            | OutTaken()
        ):
            why = str(fault)
        case _:
            first = next(iter(str(fault).splitlines()), "")
            why = f"{type(fault).__name__} : {first} (VOUCHERS_TRACE=1 montre la trace)"
    return [f"[red]Impossible :[/red] {escape(why)}"]


# ── The house ────────────────────────────────────────────────────────────────────────────────────────────────────
@app.command()
def init(  # noqa: PLR0917 - each is an option of the command
    name: Annotated[str, typer.Option(prompt="Nom du dispositif")],
    issuer: Annotated[str, typer.Option(prompt="Émetteur (raison sociale)")],
    address: Annotated[str, typer.Option(prompt="Adresse de l'émetteur (lignes séparées par « / »)")],
    iban: Annotated[str, typer.Option(prompt="IBAN de l'émetteur")],
    target: Annotated[str, typer.Option(prompt="Objectif de dépenses, en euros")],
    starts_on: Annotated[datetime, typer.Option(prompt="Premier jour", formats=["%Y-%m-%d"])],
    expires_on: Annotated[datetime, typer.Option(prompt="Dernier jour pour dépenser", formats=["%Y-%m-%d"])],
    host: Annotated[str, typer.Option(prompt="Adresse du service (hôte)")],
    administrators: Annotated[
        list[str], typer.Option("--administrator", help="« e-mail=Nom », deux fois : personne n'administre seul.")
    ],
    holder: Annotated[str | None, typer.Option(help="Titulaire du compte ; par défaut l'émetteur.")] = None,
    siret: Annotated[str | None, typer.Option(help="SIRET de l'émetteur, sans lequel rien n'est facturé.")] = None,
    presentation_days: Annotated[
        int, typer.Option(min=0, max=3_650, help="Jours de présentation, la fin passée.")
    ] = 60,
    fee_bp: Annotated[
        int, typer.Option(min=0, max=_WHOLE_BP, help="Frais de gestion HT des acheteurs, en points de base.")
    ] = 0,
    commission_bp: Annotated[
        int, typer.Option(min=0, max=_WHOLE_BP, help="Commission HT, en points de base (500 = 5 %).")
    ] = 500,
    vat_bp: Annotated[int, typer.Option(min=0, max=_WHOLE_BP, help="TVA, en points de base.")] = 2_000,
    window_minutes: Annotated[
        int, typer.Option(min=0, max=founding.LONGEST_WINDOW_MINUTES, help="Délai d'annulation au commerce, minutes.")
    ] = 15,
    partial: Annotated[bool, typer.Option("--partial", help="Autoriser l'usage partiel.")] = False,
    lapse_to: Annotated[str, typer.Option(help="Titres périmés : breakage, buyer ou next_campaign.")] = "buyer",
) -> None:
    """Ouvrir une base, un dispositif et ses deux premiers administrateurs, mots de passe affichés une fois."""
    cents = money.cents_from_text(target.replace(" ", ""))
    if cents is None:
        raise typer.BadParameter("un montant en euros, comme 60000", param_hint="--target")
    named = [given.partition("=") for given in administrators]
    if len(named) != 2 or any(not part[0] or not part[2] for part in named):
        raise typer.BadParameter("deux fois « e-mail=Nom »", param_hint="--administrator")
    firsts = [_First.made(email, person) for email, _, person in named]

    def open_all(session: WriteSession) -> int:
        issuer_id = programmes.enrol_issuer(
            session,
            name=issuer,
            address="\n".join(part.strip() for part in address.split("/")),
            account_holder=holder or issuer,
            iban=iban,
            siret=siret,
        )
        at = clock.now()
        programme_id = programmes.open_programme(
            session,
            issuer_id=issuer_id,
            name=name,
            target_cents=cents,
            starts_on=starts_on.date(),
            expires_on=expires_on.date(),
            presentation_deadline_on=expires_on.date() + timedelta(days=presentation_days),
            host=host,
            shops_url=f"https://{host.lower()}/commerces",
            use_rule="partial" if partial else "whole",
            fee_bp=fee_bp,
            commission_bp=commission_bp,
            vat_bp=vat_bp,
            reversal_window_minutes=window_minutes,
            lapse_to=lapse_to,
            actor="system",
            at=at,
        )
        one, two = (first.enrol(session, programme_id=programme_id, at=at) for first in firsts)
        roles.grant_first_administrators(session, programme_id=programme_id, staff_ids=(one, two), at=at)
        return programme_id

    with _new_house(Settings()) as house:
        migrate(house)
        programme_id = house.write(open_all)
    for first in firsts:
        first.tell()
    console.print(f"Dispositif [bold]{programme_id}[/bold] ouvert. Suite : [bold]vouchers serve[/bold]")


@app.command("migrate")
def migrate_house() -> None:
    """Mettre la base au schéma de cette version."""
    with _new_house(Settings()) as house:
        migrate(house)
    console.print("La base est à jour.")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Adresse d'écoute.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=_LAST_PORT, help="Port d'écoute.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processus ; plus d'un demande PostgreSQL.")] = 1,
) -> None:
    """Servir l'API et la caisse."""
    with opened_house() as (house, settings):
        settings.secret_bytes()
        if workers > 1 and house.dialect == "sqlite":
            raise typer.BadParameter("SQLite a un seul écrivain : PostgreSQL pour plusieurs processus")
    _serve(host, port, workers)


def _serve(host: str, port: int, workers: int = 1) -> None:
    # The access log is off: request lines would put merchants' movements in a file nobody asked for.
    uvicorn.run(
        "vouchers.api.app:create_app", factory=True, host=host, port=port, workers=workers, access_log=False,
        server_header=False, log_level="warning",
    )  # fmt: skip


@staff_app.command("add")
def staff_add(email: str, name: str, programme: ProgrammeOption) -> None:
    """Inscrire une personne, qui ne peut rien avant que deux administrateurs lui donnent un rôle."""
    first = _First.made(email, name)
    with opened_house() as (house, _):
        house.write(first.enrol, programme_id=programme, at=clock.now())
    first.tell()


@staff_app.command("administrators")
def staff_administrators(programme: Number, staff_id: Number, other_staff_id: Number) -> None:
    """Donner à un dispositif qui n'en a pas ses deux premiers administrateurs, parmi les personnes inscrites."""
    with opened_house() as (house, _):
        both = (staff_id, other_staff_id)
        house.write(roles.grant_first_administrators, programme_id=programme, staff_ids=both, at=clock.now())
    console.print(f"staff:{staff_id} et staff:{other_staff_id} administrent le dispositif {programme}.")


@staff_app.command("password")
def staff_password(staff_id: Number) -> None:
    """Donner un autre mot de passe à une personne ; ses sessions et ses jetons d'API finissent."""
    fresh = codes.new_password()
    with opened_house() as (house, _):
        hashed = passwords.hashed(fresh)
        house.write(sign_in.set_password, staff_id=staff_id, password_hash=hashed, at=clock.now())
    console.print(f"Nouveau mot de passe de staff:{staff_id} : [bold]{escape(fresh)}[/bold]")


@staff_app.command("list")
def staff_list(programme: ProgrammeOption) -> None:
    """Qui est inscrit, et avec quels rôles."""
    table = Table("Numéro", "Adresse", "Nom", "État", "Rôles")
    with opened_house() as (house, _):
        held = house.read(roles.roles_of, programme_id=programme, limit=roles.MOST_LISTED)
        for person in house.read(people.staff_of, programme_id=programme, limit=people.MOST_LISTED):
            names = [one.name for one in held if one.staff_id == person.staff_id and one.state == "active"]
            cells = str(person.staff_id), person.email, person.name, person.state, ", ".join(names)
            table.add_row(*map(escape, cells))
    console.print(table)


# ── Proof and copies ─────────────────────────────────────────────────────────────────────────────────────────────
@app.command("seal")
def seal_books(programme: ProgrammeOption = 1) -> None:
    """Sceller ce qui s'est écrit depuis le dernier sceau, et le noter hors de la base (pour cron)."""
    with opened_house() as (house, settings):
        made = workshop.seal_books(house, programme_id=programme, anchors=settings.anchors_path(), now=clock.now)
    if made is None:
        console.print("Rien à sceller.")
        return
    console.print(
        f"Sceau {made.number} : écritures {made.from_journal} à {made.to_journal}, {made.hash.hex()}", soft_wrap=True
    )


@app.command("verify")
def verify_books() -> None:
    """Recalculer chaque invariant depuis les lignes ; nomme la première mauvaise de chacun, et sort avec 1."""
    with opened_house() as (house, settings), bars() as shown:
        hear = bar(shown, "Vérification")
        found = house.read(verify.against_anchors, anchors=seal.anchors(settings.anchors_path()))
        for done, check in enumerate(verify.CHECKS, start=1):
            found += house.read(check)
            hear(done, len(verify.CHECKS))
    for fault in found:
        errors.print(f"[red]{escape(str(fault))}[/red]", soft_wrap=True)
    if found:
        sys.exit(1)
    console.print(f"[green]Les livres tiennent :[/green] {len(verify.CHECKS)} contrôles refaits depuis les lignes.")


@app.command()
def backup(to: Path) -> None:
    """Copier toute la maison en un fichier, et le relire."""
    with opened_house() as (house, _), bars() as shown:
        kept = copies.back_up(house, to=to, at=clock.now(), progress=bar(shown, "Copie"))
    console.print(f"{escape(str(to))} : {kept.rows} lignes, SHA-256 {kept.sha256}", soft_wrap=True)


@app.command()
def restore(
    copy: Path,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss", help="Prendre une copie plus ancienne que ce qui est connu ; la suite est perdue."
        ),
    ] = False,
) -> None:
    """Remplir la base, vide, d'une copie. Refuse une copie abîmée, ou plus ancienne que ce qui est connu."""
    settings = Settings()
    # Before there is a house: a copy that cannot be read leaves none behind.
    copies.examine(copy)
    with _new_house(settings) as house, bars() as shown:
        migrate(house)
        kept = copies.restore(
            house,
            copy=copy,
            anchors={} if accept_loss else seal.anchors(settings.anchors_path()),
            check=verify.verify,
            progress=bar(shown, "Restauration"),
        )
    console.print(f"{kept.rows} lignes restaurées et vérifiées.")


# ── The demonstration ────────────────────────────────────────────────────────────────────────────────────────────
@app.command("demo")
def show_demo(
    folder: Annotated[
        Path, typer.Option("--dir", help="Vidé d'abord, s'il est d'une démonstration ; tout y est écrit.")
    ] = Path("var/demo"),
    serve_after: Annotated[bool, typer.Option("--serve/--no-serve", help="Servir la ville ensuite.")] = True,
    port: Annotated[int, typer.Option(min=1, max=_LAST_PORT, help="Port d'écoute.")] = 8000,
) -> None:
    """Raconter tout le chemin d'un chèque dans une petite ville, pour de vrai, puis la servir."""
    settings = demo.stage(folder)
    with _new_house(settings) as house, bars() as shown:
        migrate(house)

        def watch(title: str, of: int | None) -> demo_cast.Hear:
            hear = bar(shown, title)
            hear(0 if of else 1, of or 1)
            return hear

        story = demo.tell(house, settings=settings, folder=folder, now=clock.now(), watch=watch)
        found = house.read(verify.verify, anchors=seal.anchors(settings.anchors_path()))
    if found:
        errors.print(*(escape(str(fault)) for fault in found), sep="\n", soft_wrap=True)
        sys.exit(1)
    _tell_outcome(story)
    if serve_after:
        where = f"http://127.0.0.1:{port}"
        console.print(f"Les bureaux : [bold]{where}/connexion[/bold]   Les commerces : [bold]{where}/commerces[/bold]")
        console.print(f"La caisse : [bold]{where}/till/[/bold]   (Ctrl-C pour arrêter)")
        _serve_demo(settings, port)


def _serve_demo(settings: Settings, port: int) -> None:
    """Serve the demonstration's house; no setting of another house reaches the server."""
    for name in [name for name in os.environ if name.upper().startswith("VOUCHERS_")]:
        del os.environ[name]
    os.environ.update(demo.environment_of(settings))
    _serve("127.0.0.1", port)


def _tell_outcome(story: demo.Story) -> None:
    run = story.run
    console.print(
        f"\n{story.redeemed} chèques dépensés ; refus : {escape(str(story.refused or 'aucun'))}."
        f" Règlement {run.number} : {len(run.to_pay)} virements, {money.euros_fr(run.pay_cents)} ;"
        f" celui de « {escape(story.returned_shop)} » est revenu et sera repris."
        f" Les livres tiennent : {len(verify.CHECKS)} contrôles refaits depuis les lignes."
    )
    papers = Table("Fichier", "Octets", title="Ce qui est sorti")
    for path in story.files:
        papers.add_row(escape(str(path)), f"{path.stat().st_size:,}".replace(",", " "))
    console.print(papers)
    people_table = Table("Qui", "Adresse", "Mot de passe", title="Pour se connecter (POST /api/v1/sessions)")
    for one in story.sign_ins:
        people_table.add_row(*map(escape, (one.role, one.email, one.password)))
    console.print(people_table)
    console.print(
        f"Code d'appairage de « {escape(story.pairing_shop)} », valable 15 minutes :"
        f" [bold]{escape(story.pairing_code)}[/bold]"
    )


# ── Shared ───────────────────────────────────────────────────────────────────────────────────────────────────────
@contextmanager
def _new_house(settings: Settings) -> Iterator[Database]:
    house = Database(settings.database_url)
    try:
        yield house
    finally:
        house.close()


@dataclass(frozen=True, slots=True)
class _First:
    """A person to enrol, with a first password; told once the person is in the books, never before."""

    email: str
    name: str
    password: str
    hash: PasswordHash

    @classmethod
    def made(cls, email: str, name: str) -> "_First":
        password = codes.new_password()
        return cls(email, name, password, passwords.hashed(password))

    def enrol(self, session: WriteSession, *, programme_id: int, at: datetime) -> int:
        return people.enrol_staff(
            session,
            programme_id=programme_id,
            email=self.email,
            name=self.name,
            password_hash=self.hash,
            actor="system",
            at=at,
        )

    def tell(self) -> None:
        who = escape(f"{self.name}, {self.email}")
        console.print(f"{who}, mot de passe : [bold]{escape(self.password)}[/bold]", soft_wrap=True)
