"""The `vouchers` command: what the host operator, a treasurer at a terminal and cron type.

Who acts on money signs in: `--as EMAIL` with a password (asked, or VOUCHERS_PASSWORD), or an API token in
VOUCHERS_TOKEN. The rights are those of every other door, four eyes included. What only opens, checks or copies the
house (init, migrate, staff, verify, backup, restore, serve) is for whoever owns its files.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from pydantic import ValidationError
from rich.table import Table

from vouchers import (
    clock,
    codes,
    copies,
    demo,
    demo_cast,
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
from vouchers.cli_trade import export_app, lots_app, settle_app
from vouchers.config import Settings, SettingsFault
from vouchers.db import Database, DatabaseFault, OutcomeUnknown
from vouchers.errors import Refusal
from vouchers.schema import migrate
from vouchers.terminal import ProgrammeOption, bar, bars, console, errors, opened_house

app: Final = typer.Typer(no_args_is_help=True, add_completion=False, help="Local gift vouchers: order to settlement.")
staff_app: Final = typer.Typer(no_args_is_help=True, help="People who sign in, for the host operator.")
app.add_typer(staff_app, name="staff")
app.add_typer(lots_app)
app.add_typer(settle_app, name="settle")
app.add_typer(export_app, name="export")


def main() -> None:
    """Run the command; a refusal or a fault is one line on the error output and exit 1, never a trace."""
    try:
        app(standalone_mode=True)
    except Refusal as refusal:
        errors.print(f"[red]Refusé[/red] ({refusal.reason}) : {refusal.text()}", soft_wrap=True)
    except (SettingsFault, DatabaseFault, copies.CopyFault, seal.AnchorContradicted) as fault:
        errors.print(f"[red]Impossible :[/red] {fault}", soft_wrap=True)
    except ValidationError as fault:
        for problem in fault.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"])
            errors.print(f"[red]Réglage VOUCHERS_{name.upper()} :[/red] {problem['msg']}", soft_wrap=True)
    except OutcomeUnknown as fault:
        errors.print(f"[yellow]Issue inconnue :[/yellow] {fault}. Relancez la même commande.", soft_wrap=True)
    else:
        return
    sys.exit(1)


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
    presentation_days: Annotated[int, typer.Option(help="Jours après la fin pour présenter les titres.")] = 60,
    fee_bp: Annotated[int, typer.Option(help="Frais de gestion HT des acheteurs, en points de base.")] = 0,
    commission_bp: Annotated[int, typer.Option(help="Commission HT, en points de base (500 = 5 %).")] = 500,
    vat_bp: Annotated[int, typer.Option(help="TVA, en points de base.")] = 2_000,
    window_minutes: Annotated[int, typer.Option(help="Délai d'annulation par le commerce.")] = 15,
    partial: Annotated[bool, typer.Option("--partial", help="Autoriser l'usage partiel.")] = False,
    lapse_to: Annotated[str, typer.Option(help="Titres périmés : breakage, buyer ou next_campaign.")] = "buyer",
) -> None:
    """Open a database, a programme and its first two administrators, whose passwords are printed once."""
    cents = money.cents_from_text(target.replace(" ", ""))
    if cents is None:
        raise typer.BadParameter("un montant en euros, comme 60000", param_hint="--target")
    named = [given.partition("=") for given in administrators]
    if len(named) != 2 or any(not part[0] or not part[2] for part in named):
        raise typer.BadParameter("deux fois « e-mail=Nom »", param_hint="--administrator")
    with _new_house() as house:
        migrate(house)
        issuer_id = house.write(
            programmes.enrol_issuer,
            name=issuer,
            address="\n".join(part.strip() for part in address.split("/")),
            account_holder=holder or issuer,
            iban=iban,
        )
        programme_id = house.write(
            programmes.open_programme,
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
            at=clock.now(),
        )
        ids = [_enrolled(house, programme_id, email=email, name=person) for email, _, person in named]
        house.write(
            roles.grant_first_administrators, programme_id=programme_id, staff_ids=(ids[0], ids[1]), at=clock.now()
        )
    console.print(f"Dispositif [bold]{programme_id}[/bold] ouvert. Suite : [bold]vouchers serve[/bold]")


@app.command("migrate")
def migrate_house() -> None:
    """Bring the database to this version's schema."""
    with _new_house() as house:
        migrate(house)
    console.print("La base est à jour.")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes; more than one needs PostgreSQL.")] = 1,
) -> None:
    """Serve the API and the till."""
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
    """Enrol a person, who can do nothing until a role is granted by two administrators; prints the password once."""
    with opened_house() as (house, _):
        _enrolled(house, programme, email=email, name=name)


@staff_app.command("password")
def staff_password(staff_id: int) -> None:
    """Give a person another password, printed once; every session and API token of theirs ends."""
    fresh = codes.new_password()
    with opened_house() as (house, _):
        hashed = passwords.hashed(fresh)
        house.write(sign_in.set_password, staff_id=staff_id, password_hash=hashed, at=clock.now())
    console.print(f"Nouveau mot de passe de staff:{staff_id} : [bold]{fresh}[/bold]")


@staff_app.command("list")
def staff_list(programme: ProgrammeOption) -> None:
    """Who is enrolled, and the roles they hold."""
    table = Table("Numéro", "Adresse", "Nom", "État", "Rôles")
    with opened_house() as (house, _):
        held = house.read(roles.roles_of, programme_id=programme, limit=roles.MOST_LISTED)
        for person in house.read(people.staff_of, programme_id=programme, limit=people.MOST_LISTED):
            names = [one.name for one in held if one.staff_id == person.staff_id and one.state == "active"]
            table.add_row(str(person.staff_id), person.email, person.name, person.state, ", ".join(names))
    console.print(table)


# ── Proof and copies ─────────────────────────────────────────────────────────────────────────────────────────────
@app.command("seal")
def seal_books(programme: ProgrammeOption = 1) -> None:
    """Seal what was written since the last seal, and note it outside the database (for cron)."""
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
    """Recompute every invariant from the rows alone; names the first bad row of each, exit 1 if there is one."""
    with opened_house() as (house, settings), bars() as shown:
        hear = bar(shown, "Vérification")
        found = house.read(verify.against_anchors, anchors=seal.anchors(settings.anchors_path()))
        for done, check in enumerate(verify.CHECKS, start=1):
            found += house.read(check)
            hear(done, len(verify.CHECKS))
    for fault in found:
        errors.print(f"[red]{fault}[/red]", soft_wrap=True)
    if found:
        sys.exit(1)
    console.print(f"[green]Les livres tiennent :[/green] {len(verify.CHECKS)} contrôles refaits depuis les lignes.")


@app.command()
def backup(to: Path) -> None:
    """Write a copy of the whole house to one file, and read it back."""
    with opened_house() as (house, _), bars() as shown:
        kept = copies.back_up(house, to=to, at=clock.now(), progress=bar(shown, "Copie"))
    console.print(f"{to} : {kept.rows} lignes, SHA-256 {kept.sha256}", soft_wrap=True)


@app.command()
def restore(
    copy: Path,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Take a copy older than what is known; what came after is lost.")
    ] = False,
) -> None:
    """Fill the empty database of the settings from a copy. Refuses a broken copy, and one older than what is known."""
    settings = Settings()
    with _new_house() as house, bars() as shown:
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
    folder: Annotated[Path, typer.Option("--dir", help="Emptied first; everything it makes lies there.")] = Path(
        "var/demo"
    ),
    serve_after: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the town afterwards.")] = True,
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 8000,
) -> None:
    """Tell the whole road of a voucher in a small town, on real input, then serve it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["VOUCHERS_DATABASE_URL"] = f"sqlite:///{folder / 'house.db'}"
    settings = Settings()
    with _new_house() as house, bars() as shown:
        migrate(house)

        def watch(title: str, of: int | None) -> demo_cast.Hear:
            hear = bar(shown, title)
            hear(0 if of else 1, of or 1)
            return hear

        story = demo.tell(house, settings=settings, folder=folder, now=clock.now(), watch=watch)
        found = house.read(verify.verify, anchors=seal.anchors(settings.anchors_path()))
    if found:
        errors.print(*found, sep="\n")
        sys.exit(1)
    _tell_outcome(story)
    if serve_after:
        console.print(f"La caisse : [bold]http://127.0.0.1:{port}/till/[/bold]   (Ctrl-C pour arrêter)")
        _serve("127.0.0.1", port)


def _tell_outcome(story: demo.Story) -> None:
    run = story.run
    console.print(
        f"\n{story.redeemed} chèques dépensés ; refus : {story.refused or 'aucun'}."
        f" Règlement {run.number} : {len(run.to_pay)} virements, {money.euros_fr(run.pay_cents)} ;"
        f" celui de « {story.returned_shop} » est revenu et sera repris."
        f" Les livres tiennent : {len(verify.CHECKS)} contrôles refaits depuis les lignes."
    )
    papers = Table("Fichier", "Octets", title="Ce qui est sorti")
    for path in story.files:
        papers.add_row(str(path), f"{path.stat().st_size:,}".replace(",", " "))
    console.print(papers)
    people_table = Table("Qui", "Adresse", "Mot de passe", title="Pour se connecter (POST /api/v1/sessions)")
    for one in story.sign_ins:
        people_table.add_row(one.role, one.email, one.password)
    console.print(people_table)
    console.print(
        f"Code d'appairage de « {story.pairing_shop} », valable 15 minutes : [bold]{story.pairing_code}[/bold]"
    )


# ── Shared ───────────────────────────────────────────────────────────────────────────────────────────────────────
@contextmanager
def _new_house() -> Iterator[Database]:
    house = Database(Settings().database_url)
    try:
        yield house
    finally:
        house.close()


def _enrolled(house: Database, programme_id: int, *, email: str, name: str) -> int:
    first = codes.new_password()
    staff_id = house.write(
        people.enrol_staff,
        programme_id=programme_id,
        email=email,
        name=name,
        password_hash=passwords.hashed(first),
        actor="system",
        at=clock.now(),
    )
    console.print(f"{name}, {email}, mot de passe : [bold]{first}[/bold]")
    return staff_id
