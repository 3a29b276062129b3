"""The commands that move vouchers and money: issue, activate, expire, settle, export. Each is somebody's act.

A command's docstring is its help, so in the French of whoever types it.
"""

import getpass
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.markup import escape
from rich.table import Table

from vouchers import (
    access,
    clock,
    codes,
    disputes,
    exports,
    issue,
    money,
    offline,
    pay,
    run_papers,
    settle,
    sign_in,
    statement_post,
    statement_posts,
    workshop,
)
from vouchers import expire as expiry
from vouchers.access import Act
from vouchers.attempts import TERMINAL
from vouchers.files import appearing
from vouchers.guarantee import LONGEST_MINUTES, OfflineRule
from vouchers.runs import Run, find_run
from vouchers.terminal import (
    AsOption,
    BatchOption,
    Number,
    ProgrammeOption,
    acting,
    bar,
    bars,
    console,
    errors,
    opened_house,
    require_free,
    signed_in,
)
from vouchers.wrong import states_fr

lots_app: Final = typer.Typer()
settle_app: Final = typer.Typer(no_args_is_help=True, help="Clore une période et payer les commerces.")
offline_app: Final = typer.Typer(no_args_is_help=True, help="Accepter sans réseau, trancher les litiges.")
export_app: Final = typer.Typer(no_args_is_help=True, help="Fichier bancaire, relevés, livres.")

OutOption = Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="Fichier à écrire.")]
BankVersion = Literal["001.001.09", "001.001.03"]
_SETTLEMENTS_FR: Final = {
    "to_pay": "à payer", "paid": "payé", "returned": "rejeté par la banque", "suspended": "reporté : commerce suspendu",
    "no_account": "reporté : aucun compte confirmé", "nothing_due": "reporté : rien à payer",
}  # fmt: skip


# ── Vouchers ─────────────────────────────────────────────────────────────────────────────────────────────────────
@lots_app.command("issue")
def issue_order(
    order: Number,
    out: OutOption,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
    expires_on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
) -> None:
    """Émettre une commande payée ou acceptée : imprimer ses planches, relire chaque QR, détruire les codes.

    Interrompue n'importe où, relancez-la : elle reprend où elle en était. Les planches vont dans un nouveau fichier,
    jamais par-dessus un autre.
    """
    require_free(out)
    with opened_house() as (house, settings), bars() as shown:
        caller = acting(house, settings, by=by, act=Act.BATCH_ISSUE, programme_id=programme)
        access.may(caller, Act.BATCH_PRINT, programme_id=programme)
        pepper, _ = settings.secret_bytes()
        batch = house.read(issue.of_order, programme_id=programme, order_number=order)
        if batch is None:
            last_day = expires_on.date() if expires_on else None
            batch = house.write(
                issue.begin,
                programme_id=programme,
                order_number=order,
                actor=caller.actor,
                at=clock.now(),
                expires_on=last_day,
            )
        common: dict[str, Any] = {"programme_id": programme, "batch_number": batch.number}
        workshop.issue_whole(
            house, pepper=pepper, actor=caller.actor, now=clock.now, progress=bar(shown, "Émission"), **common
        )
        workshop.print_sheets(house, pepper=pepper, out=out, progress=bar(shown, "Impression, relecture"), **common)
        house.write(issue.hand_over, actor=caller.actor, at=clock.now(), **common)
    console.print(
        f"Lot {batch.number} : {escape(str(out))}. À activer à la remise, par une autre personne.", soft_wrap=True
    )


@lots_app.command()
def activate(batch: Number, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Activer un lot imprimé, à la remise ; pas par la personne qui l'a émis."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.BATCH_ACTIVATE, programme_id=programme)
        house.write(issue.activate, programme_id=programme, batch_number=batch, actor=caller.actor, at=clock.now())
    console.print(f"Lot {batch} activé.")


@lots_app.command("expire")
def expire_due(
    programme: ProgrammeOption = 1,
    by: AsOption = None,
    extend: BatchOption = None,
    to_on: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Nouveau dernier jour.")] = None,
) -> None:
    """Périmer les chèques dont le dernier jour est passé (pour cron), ou prolonger un lot : --extend LOT --to JOUR."""
    if (extend is None) != (to_on is None):
        raise typer.BadParameter("l'un ne va pas sans l'autre : --extend LOT --to JOUR", param_hint="--extend / --to")
    with opened_house() as (house, settings), bars() as shown:
        if extend is not None and to_on is not None:
            caller = acting(house, settings, by=by, act=Act.BATCH_EXTEND, programme_id=programme)
            done = house.write(
                expiry.extend,
                programme_id=programme,
                batch_number=extend,
                to_on=to_on.date(),
                actor=caller.actor,
                at=clock.now(),
            )
            until = clock.day_fr(to_on.date())
            console.print(f"Lot {extend} prolongé : {_many(done.count, 'chèque~')} jusqu'au {until}.")
            return
        caller = acting(house, settings, by=by, act=Act.VOUCHER_EXPIRE, programme_id=programme)
        count, cents = workshop.expire_due(
            house, programme_id=programme, actor=caller.actor, now=clock.now, progress=bar(shown, "Péremption")
        )
    console.print(f"{_many(count, 'chèque~ périmé~')}, {money.euros_fr(cents)}.")


# ── Settlement ───────────────────────────────────────────────────────────────────────────────────────────────────
@settle_app.command("propose")
def settle_propose(
    to_on: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Dernier jour de la période.")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Proposer le règlement qui clôt une période."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_PROPOSE, programme_id=programme)
        run = workshop.propose_run(house, programme_id=programme, to_on=to_on.date(), actor=caller.actor, now=clock.now)
    _show(run)


@settle_app.command("show")
def settle_show(number: Number, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Ce qu'un règlement paie, commerçant par commerçant."""
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.SETTLEMENT_READ, programme_id=programme)
        run = house.read(find_run, programme_id=programme, number=number)
    _show(run)


@settle_app.command("withdraw")
def settle_withdraw(
    number: Number,
    reason: Annotated[str, typer.Option(prompt="Motif")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Retirer un règlement proposé."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_WITHDRAW, programme_id=programme)
        of = {"programme_id": programme, "number": number}
        house.write(settle.withdraw, **of, reason=reason, actor=caller.actor, at=clock.now())
    console.print(f"Règlement {number} retiré.")


@settle_app.command("approve")
def settle_approve(
    number: Number,
    pay_on: Annotated[datetime | None, typer.Option("--pay-on", formats=["%Y-%m-%d"])] = None,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Approuver un règlement ; pas par la personne qui l'a proposé."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_APPROVE, programme_id=programme)
        run = house.write(
            settle.approve,
            programme_id=programme,
            number=number,
            execution_on=pay_on.date() if pay_on else None,
            actor=caller.actor,
            at=clock.now(),
        )
    _show(run)


@settle_app.command("executed")
def settle_executed(number: Number, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Noter que la banque a payé un règlement."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_EXECUTE, programme_id=programme)
        house.write(pay.execute, programme_id=programme, number=number, actor=caller.actor, at=clock.now())
    console.print(f"Règlement {number} exécuté.")


@settle_app.command("returned")
def settle_returned(
    number: Number,
    merchant: Number,
    reason: Annotated[str, typer.Option(prompt="Motif de la banque")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Noter que la banque a rendu le virement d'un commerçant : il est dû de nouveau."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_RETURN, programme_id=programme)
        house.write(
            pay.returned,
            programme_id=programme,
            number=number,
            merchant_id=merchant,
            reason=reason,
            actor=caller.actor,
            at=clock.now(),
        )
    console.print(f"Virement du commerçant {merchant} rouvert.")


@settle_app.command("papers")
def settle_papers(number: Number, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Établir les relevés et les factures de commission d'un règlement approuvé, numérotés et archivés.

    Interrompue n'importe où, relancez-la : elle reprend où elle en était, et rien n'est fait deux fois.
    """
    with opened_house() as (house, settings), bars() as shown:
        caller = acting(house, settings, by=by, act=Act.INVOICE_ISSUE, programme_id=programme)
        made = run_papers.make_papers(
            house,
            programme_id=programme,
            number=number,
            actor=caller.actor,
            now=clock.now,
            progress=bar(shown, "Relevés et factures"),
        )
    console.print(f"{_many(made.made, 'relevé~')}, {_many(made.invoices, 'facture~')} de commission.")


@settle_app.command("send")
def settle_send(number: Number, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Envoyer par e-mail à chaque commerçant son relevé et sa facture, une seule fois ; les échecs sont retentés."""
    with opened_house() as (house, settings), bars() as shown:
        caller = acting(house, settings, by=by, act=Act.STATEMENT_SEND, programme_id=programme)
        sent = statement_post.send_statements(
            house,
            settings,
            programme_id=programme,
            number=number,
            address=f"{settings.public_url}/p/{programme}/reglements" if settings.public_url else "",
            actor=caller.actor,
            now=clock.now,
            progress=bar(shown, "E-mails"),
        )
        posts = house.read(statement_posts.posts_of, programme_id=programme, number=number)
    left = _many(sent.left, "envoyé~")
    console.print(f"{left}, {sent.failed} en échec ; {posts.nowhere} sans adresse, à remettre autrement.")


# ── Without network ──────────────────────────────────────────────────────────────────────────────────────────────
@offline_app.command("allow")
def offline_allow(
    *,
    till: Annotated[tuple[int, int], typer.Option(help="Par caisse : chèques, centimes.")],
    together: Annotated[tuple[int, int], typer.Option(help="Toutes ensemble : chèques, centimes.")],
    minutes: Annotated[int, typer.Option(help="Âge limite d'un instantané.")] = LONGEST_MINUTES,
    guarantee: Annotated[int, typer.Option(help="Ce que la garantie paie au plus, en tout, en centimes.")] = 0,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Permettre l'acceptation sans réseau, dans ces limites, ou changer les limites."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.OFFLINE_RULE_SET, programme_id=programme)
        rule = OfflineRule(*till, *together, minutes, guarantee)
        house.write(offline.allow, programme_id=programme, rule=rule, actor=caller.actor, at=clock.now())
    console.print(
        f"Sans réseau : {_many(rule.till_count, 'chèque~')}, {money.euros_fr(rule.till_cents)} par caisse ;"
        f" {_many(rule.programme_count, 'chèque~')}, {money.euros_fr(rule.programme_cents)} en tout ;"
        f" garantie {money.euros_fr(rule.guarantee_cents)}."
    )


@offline_app.command("forbid")
def offline_forbid(programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Ne plus rien accepter sans réseau ; ce qui l'a été est encore jugé."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.OFFLINE_RULE_SET, programme_id=programme)
        house.write(offline.forbid, programme_id=programme, actor=caller.actor, at=clock.now())
    console.print("Acceptation sans réseau interdite.")


@offline_app.command("disputes")
def offline_disputes(programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Les litiges, du plus récent au plus ancien."""
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.DISPUTE_READ, programme_id=programme)
        found = house.read(disputes.disputes_of, programme_id=programme)
    table = Table("Litige", "Commerçant", "Chèque", "Montant", "Accepté", "État")
    for one in found:
        serial = "" if one.serial is None else codes.pretty_serial(one.serial)
        accepted = clock.moment_fr(one.scanned_at)
        shop = escape(f"{one.merchant_id} {one.shop_name}")
        table.add_row(str(one.number), shop, serial, money.euros_fr(one.cents), accepted, escape(one.text()))
    console.print(table)


@offline_app.command("decide")
def offline_decide(
    number: Number,
    decision: Annotated[disputes.Decision, typer.Argument(help="guarantee : la garantie paie ; dismiss : classé.")],
    reason: Annotated[str, typer.Option(prompt="Motif")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Trancher un litige."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.DISPUTE_DECIDE, programme_id=programme)
        done = house.write(
            disputes.decide,
            programme_id=programme,
            number=number,
            decision=decision,
            reason=reason,
            actor=caller.actor,
            at=clock.now(),
        )
    console.print(f"Litige {number} : {escape(done.text())}")


# ── What leaves ──────────────────────────────────────────────────────────────────────────────────────────────────
@export_app.command("bank-file")
def export_bank_file(
    number: Number,
    out: OutOption,
    version: Annotated[BankVersion, typer.Option(help="Version du pain.001.")] = "001.001.09",
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Écrire le fichier bancaire d'un règlement approuvé, contrôlé (SEPA) ; toujours les mêmes octets."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_EXPORT, programme_id=programme)
        try:
            with appearing(out) as part:
                xml = workshop.export_bank_file(
                    house,
                    programme_id=programme,
                    number=number,
                    actor=caller.actor,
                    now=clock.now,
                    version=version,
                    keep=part.write_bytes,
                )
        except workshop.BankFileFaulty as faulty:
            for fault in faulty.found:
                told = f"{escape(fault.path)} : {escape(fault.detail)}"
                errors.print(f"[red]{escape(fault.rule)}[/red] {told}", soft_wrap=True)
            raise typer.Exit(1) from faulty
    console.print(f"{escape(str(out))} : SHA-256 {codes.file_hash(xml)}", soft_wrap=True)


@export_app.command("statements")
def export_statements(number: Number, out: OutOption, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Écrire les relevés et les factures de commission d'un règlement, en un ZIP ; toujours les mêmes octets."""
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.SETTLEMENT_READ, programme_id=programme)
        with appearing(out) as part, part.open("wb") as file:
            file.writelines(run_papers.all_papers(house, programme_id=programme, number=number))
    console.print(escape(str(out)), soft_wrap=True)


@export_app.command("journal")
def export_journal(
    out: OutOption,
    hledger: Annotated[bool, typer.Option("--hledger", help="Pour hledger plutôt qu'un tableur.")] = False,
    beancount: Annotated[bool, typer.Option("--beancount", help="Pour beancount plutôt qu'un tableur.")] = False,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Écrire le journal : le CSV d'un tableur, ou un fichier hledger ou beancount."""
    if hledger and beancount:
        raise typer.BadParameter("l'un ou l'autre", param_hint="--hledger / --beancount")
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.JOURNAL_READ, programme_id=programme)
        write = exports.write_journal_csv
        if hledger or beancount:
            write = exports.write_hledger if hledger else exports.write_beancount
        with appearing(out) as part, part.open("wb") as file:
            write(house, file, programme_id=programme)
    console.print(escape(str(out)), soft_wrap=True)


@export_app.command("report")
def export_report(out: OutOption, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Écrire le tableau de bord du dispositif, en PDF."""
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.REPORT_READ, programme_id=programme)
        with appearing(out) as part:
            part.write_bytes(exports.dashboard(house, programme_id=programme, at=clock.now()))
    console.print(escape(str(out)), soft_wrap=True)


def _many(count: int, words: str) -> str:
    """'1 relevé', '2 relevés': what a '~' stands behind takes an s for more than one."""
    return f"{money.count_fr(count)} {words.replace('~', 's' if count > 1 else '')}"


def _show(run: Run) -> None:
    table = Table("Commerçant", "Accepté", "Repris", "Commission", "TVA", "Net", "État")
    for line in run.settlements:
        amounts = (line.gross_cents, line.brought_cents, line.commission_cents, line.vat_cents, line.net_cents)
        state = _SETTLEMENTS_FR[line.carried_because or line.state]
        table.add_row(escape(f"{line.merchant_id} {line.shop_name}"), *map(money.euros_fr, amounts), state)
    console.print(table)
    console.print(
        f"Règlement {run.number} ({states_fr(run.state, feminine=False)}),"
        f" du {clock.day_fr(run.from_on)} au {clock.day_fr(run.to_on)} :"
        f" {_many(len(run.to_pay), 'virement~')}, {money.euros_fr(run.pay_cents)}."
    )


@lots_app.command("password")
def own_password(by: Annotated[str, typer.Option("--as", help="Votre adresse électronique.")]) -> None:
    """Choisir son propre mot de passe ; le premier reçu n'ouvre aucun rôle."""
    current = os.environ.get("VOUCHERS_PASSWORD") or getpass.getpass("Mot de passe actuel : ")
    fresh = os.environ.get("VOUCHERS_NEW_PASSWORD") or getpass.getpass("Nouveau mot de passe : ")
    with opened_house() as (house, settings):
        opened = signed_in(house, settings, email=by, password=current)
        sign_in.change_password(
            house, staff_id=opened.staff_id, current=current, new=fresh, address=TERMINAL, at=clock.now()
        )
    console.print("Mot de passe changé ; vos sessions et jetons sont fermés.")
