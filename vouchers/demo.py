"""The demonstration: a commune buys 4 000 vouchers of 10 € for its elders, 70 shops take them, the chamber pays.

The whole road on real input, by the same verbs as every other door: order, payment, issue, printed sheets, activation,
redemptions read from those very sheets, a settlement with its bank file, a returned transfer, the books. The story is
told over the six weeks before today; only the pairing code at its end is of this minute.
"""

import shutil
import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from vouchers import (
    archive,
    bank_statements,
    clock,
    closing,
    codes,
    demo_bank,
    demo_cast,
    demo_desks,
    exports,
    invoicing,
    issue,
    keys,
    mail_merge,
    order,
    order_book,
    recipients,
    redeem,
    reverse,
    run_papers,
    runs,
    settle,
    tills,
    workshop,
)
from vouchers.config import Setting, Settings
from vouchers.db import Database, WriteSession
from vouchers.demo_cast import Cast, SignIn, Watch
from vouchers.keys import Answer, Key
from vouchers.paper.voucher_sheet import read_codes
from vouchers.redeem import Presented
from vouchers.runs import Run
from vouchers.signing_key import signer

VOUCHERS: Final = 4_000
EUROS: Final = 10
FACE_CENTS: Final = EUROS * 100
MARKER: Final = ".vouchers-demo"
"""The file by which a demonstration knows a folder of its own, which it may empty."""
_SEED: Final = 2026
_SPENT_OF_TEN: Final = 7


@dataclass(frozen=True, slots=True)
class Story:
    """What the demonstration left behind."""

    programme_id: int
    sign_ins: tuple[SignIn, ...]
    batch_number: int
    redeemed: int
    refused: dict[str, int]
    run: Run
    returned_shop: str
    pairing_code: str
    pairing_shop: str
    files: tuple[Path, ...]


class FolderFault(Exception):
    """A folder that is not the demonstration's to empty."""


def stage(folder: Path) -> Settings:
    """Make `folder` empty but for its marker; gives settings that keep everything there, whatever the environment.

    Raises `FolderFault`, having touched nothing, unless the folder is absent, empty, or a demonstration's own.
    """
    marker = folder / MARKER
    if folder.exists() and not folder.is_dir():
        raise FolderFault(f"{folder} n'est pas un dossier")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not marker.is_file():
        raise FolderFault(
            f"{folder} n'est pas vide, et aucune démonstration ne l'a fait : donnez un autre dossier, ou videz celui-ci"
        )
    # First of all, so that a demonstration cut off anywhere can be told again.
    marker.write_text("`vouchers demo` vide ce dossier : n'y gardez rien.\n")
    for there in folder.iterdir():
        if there.is_dir() and not there.is_symlink():
            shutil.rmtree(there)
        elif there != marker:
            there.unlink()
    house = folder.resolve()
    return Settings(
        environment=Setting.DEVELOPMENT,
        database_url=f"sqlite:///{house / 'house.db'}",
        pepper=None,
        session_key=None,
        secrets_file=house / "secrets.json",
        anchors_file=house / "anchors.json",
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """What a process must find in its environment, in place of every other setting, to have those of `stage`."""
    return {
        "VOUCHERS_ENVIRONMENT": settings.environment.value,
        "VOUCHERS_DATABASE_URL": settings.database_url,
        "VOUCHERS_SECRETS_FILE": str(settings.secrets_path()),
        "VOUCHERS_ANCHORS_FILE": str(settings.anchors_path()),
    }


def tell(house: Database, *, settings: Settings, folder: Path, now: datetime, watch: Watch) -> Story:
    """Tell the story in an empty, migrated `house`; papers go to `folder`."""
    chance = Random(_SEED)
    pepper, session_key = settings.secret_bytes()
    begins = _at(clock.book_day(now) - timedelta(days=42), minutes=9 * 60)
    watch("La chambre ouvre le dispositif", None)
    cast = demo_cast.enrol(house, chance=chance, pepper=pepper, session_key=session_key, at=begins, watch=watch)
    demo_desks.say_terms(house, cast=cast, at=begins)
    demo_desks.set_profiles(house, cast=cast, chance=chance, at=begins)
    batch = _order_and_issue(
        house, cast=cast, pepper=pepper, chance=chance, at=begins + timedelta(days=2), folder=folder, watch=watch
    )
    letters = _write_letters(house, cast=cast, batch=batch, pepper=pepper, at=begins, folder=folder, watch=watch)
    sheets = folder / "planches.pdf"
    step = watch("Planches imprimées, QR relus", 2 * VOUCHERS)
    workshop.print_sheets(
        house, programme_id=cast.programme_id, batch_number=batch, pepper=pepper, out=sheets, progress=step
    )
    delivered = begins + timedelta(days=5)
    number = _deliver_and_activate(house, cast=cast, batch=batch, at=delivered)
    demo_desks.give_out(house, cast=cast, order_number=number, at=delivered)
    step = watch("Les planches sont scannées", VOUCHERS)
    scanned = []
    for text in read_codes(sheets, processes=2):
        scanned.append(text)
        step(len(scanned), VOUCHERS)
    redeemed, refused = _spend(
        house, cast=cast, scanned=scanned, pepper=pepper, chance=chance, begins=delivered, ends=now, watch=watch
    )
    run, returned = _settle(
        house, cast=cast, to_on=clock.book_day(now) - timedelta(days=1), at=now, folder=folder, watch=watch
    )
    files = _papers(house, settings=settings, cast=cast, run=run, folder=folder, now=now, watch=watch)
    demo_desks.leave_work(house, cast=cast, chance=chance, at=now)
    last = cast.tills[0]
    pairing = house.write(
        tills.make_pairing,
        programme_id=cast.programme_id,
        merchant_id=last.merchant_id,
        session_key=session_key,
        actor=cast.actor("trésorier"),
        at=now,
    )
    return Story(
        programme_id=cast.programme_id,
        sign_ins=cast.sign_ins,
        batch_number=batch,
        redeemed=redeemed,
        refused=refused,
        run=run,
        returned_shop=returned,
        pairing_code=pairing.code,
        pairing_shop=last.shop_name,
        files=(sheets, letters, *files),
    )


# ── The commune buys ─────────────────────────────────────────────────────────────────────────────────────────────
def _order_and_issue(
    house: Database, *, cast: Cast, pepper: bytes, chance: Random, at: datetime, folder: Path, watch: Watch
) -> int:
    programme_id, clerk = cast.programme_id, cast.actor("agente de la commune")
    watch("La commune apporte la liste de ses aînés", None)
    drafted = demo_desks.order_for_elders(house, cast=cast, vouchers=VOUCHERS, euros=EUROS, chance=chance, at=at)
    number = drafted.number
    house.write(order.place, programme_id=programme_id, number=number, actor=clerk, at=at)
    house.write(
        order.approve, programme_id=programme_id, number=number, actor=cast.actor("adjoint de la commune"), at=at
    )
    house.write(
        invoicing.issue_invoices, programme_id=programme_id, number=number, actor=cast.actor("trésorier"), at=at
    )
    paid = house.read(order_book.find, programme_id=programme_id, number=number)
    demo_bank.bring_payment(house, cast=cast, paid=paid, at=at + timedelta(days=1), folder=folder)
    later = at + timedelta(days=2)
    batch = house.write(
        issue.begin, programme_id=programme_id, order_number=number, actor=cast.actor("trésorier"), at=later
    )
    step = watch("4 000 chèques sont émis", VOUCHERS)
    workshop.issue_whole(
        house,
        programme_id=programme_id,
        batch_number=batch.number,
        pepper=pepper,
        actor=cast.actor("trésorier"),
        now=lambda: later,
        progress=step,
    )
    return batch.number


def _write_letters(
    house: Database, *, cast: Cast, batch: int, pepper: bytes, at: datetime, folder: Path, watch: Watch
) -> Path:
    """A letter to each elder with their vouchers behind it: what the town hall may post instead of the sheets."""
    out, programme_id = folder / "courriers.pdf", cast.programme_id
    number = house.read(issue.find, programme_id=programme_id, number=batch).order_number
    house.write(
        recipients.assign,
        programme_id=programme_id,
        order_number=number,
        actor=cast.actor("trésorier"),
        at=at + timedelta(days=4, hours=1),
    )
    mail_merge.write_letters(
        house,
        programme_id=programme_id,
        order_number=number,
        pepper=pepper,
        out=out,
        written_on=clock.book_day(at + timedelta(days=5)),
        progress=watch("Courriers des aînés, QR relus", 2 * VOUCHERS),
    )
    return out


def _deliver_and_activate(house: Database, *, cast: Cast, batch: int, at: datetime) -> int:
    programme_id = cast.programme_id
    printed = house.write(
        issue.hand_over, programme_id=programme_id, batch_number=batch, actor=cast.actor("trésorier"), at=at
    )
    house.write(
        order.deliver, programme_id=programme_id, number=printed.order_number, actor=cast.actor("trésorier"), at=at
    )
    house.write(issue.activate, programme_id=programme_id, batch_number=batch, actor=cast.actor("approbatrice"), at=at)
    return printed.order_number


# ── The elders spend ─────────────────────────────────────────────────────────────────────────────────────────────
def _spend(
    house: Database,
    *,
    cast: Cast,
    scanned: list[str],
    pepper: bytes,
    chance: Random,
    begins: datetime,
    ends: datetime,
    watch: Watch,
) -> tuple[int, dict[str, int]]:
    """Seven vouchers of ten, in baskets of one to four; some tried twice, a few undone, lost or replaced."""
    drawer = chance.sample(scanned, len(scanned))
    spent = drawer[: len(drawer) * _SPENT_OF_TEN // 10]
    step = watch("Les aînés dépensent", len(spent))
    days = (ends - begins).days - 1
    refused: dict[str, int] = {}
    done = 0
    # Shops are open from Tuesday to Saturday, but at lunch.
    first = clock.book_day(begins)
    open_days = [day for day in (first + timedelta(days=rank) for rank in range(1, days + 1)) if 0 < day.weekday() < 6]
    morning, afternoon = (9 * 60 + 15, 12 * 60), (14 * 60 + 15, 18 * 60 + 45)
    instants = sorted(
        _at(chance.choice(open_days), minutes=chance.randint(*chance.choice((morning, afternoon)))) for _ in spent
    )
    while done < len(spent):
        basket = spent[done : done + chance.choice((1, 1, 1, 2, 2, 3, 4))]
        if chance.random() < 0.02 and done:
            # A paper already spent is held out once more, at whatever shop.
            basket = [chance.choice(spent[:done])]
            fresh = 0
        else:
            fresh = len(basket)
        till = chance.choice(cast.tills)
        at = instants[done]
        answer = _scan(house, till=till, texts=basket, pepper=pepper, chance=chance, at=at)
        if answer.refusal is not None:
            refused[answer.refusal.reason] = refused.get(answer.refusal.reason, 0) + 1
        elif chance.random() < 0.01:
            # The customer changed her mind; the shop undoes it, and she pays with the same vouchers again.
            house.write(
                reverse.reverse_at_shop,
                programme_id=cast.programme_id,
                redemption_id=answer.accepted()["redemption"],
                serials=None,
                merchant_id=till.merchant_id,
                actor=f"till:{till.till_id}",
                reason="erreur de montant",
                at=at + timedelta(minutes=2),
            )
            _scan(house, till=till, texts=basket, pepper=pepper, chance=chance, at=at + timedelta(minutes=4))
        done += fresh
        step(done, len(spent))
    return done, refused


def _scan(
    house: Database, *, till: tills.PairedTill, texts: list[str], pepper: bytes, chance: Random, at: datetime
) -> Answer:
    basket = [Presented(code_hash=codes.code_hash(pepper, text.rpartition("#")[2])) for text in texts]
    sale = len(texts) * FACE_CENTS + chance.randrange(0, 4_000) if chance.random() < 0.6 else None
    key = Key(
        scope=f"till:{till.till_id}",
        key=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        request_hash=codes.request_hash(pepper, "\n".join([*texts, str(sale)]).encode()),
    )

    def act(session: WriteSession) -> Answer:
        def once() -> dict[str, Any]:
            done = redeem.redeem(
                session,
                programme_id=till.programme_id,
                merchant_id=till.merchant_id,
                till_id=till.till_id,
                basket=basket,
                sale_cents=sale,
                at=at,
            )
            return {"redemption": done.redemption_id, "cents": done.cents}

        return keys.once(session, programme_id=till.programme_id, key=key, at=at, act=once)

    return house.write(act)


# ── The chamber pays ─────────────────────────────────────────────────────────────────────────────────────────────
def _settle(house: Database, *, cast: Cast, to_on: date, at: datetime, folder: Path, watch: Watch) -> tuple[Run, str]:
    watch("Le règlement est payé", None)
    programme_id, treasurer, approver = cast.programme_id, cast.actor("trésorier"), cast.actor("approbatrice")
    proposed = workshop.propose_run(house, programme_id=programme_id, to_on=to_on, actor=treasurer, now=lambda: at)
    number, today = proposed.number, clock.book_day(at)
    approved = house.write(
        settle.approve,
        programme_id=programme_id,
        number=number,
        execution_on=today if clock.is_target_day(today) else None,
        actor=approver,
        at=at,
    )
    workshop.export_bank_file(house, programme_id=programme_id, number=number, actor=treasurer, now=lambda: at)
    opening = house.read(bank_statements.standing, programme_id=programme_id).bank_cents
    demo_bank.execute_run(house, cast=cast, run=approved, opening_cents=opening, at=at, folder=folder)
    run = house.read(runs.find_run, programme_id=programme_id, number=number)
    return run, run.to_pay[-1].shop_name


def _papers(
    house: Database, *, settings: Settings, cast: Cast, run: Run, folder: Path, now: datetime, watch: Watch
) -> tuple[Path, ...]:
    programme_id = cast.programme_id
    bank, statements = folder / "virements.pain.001.xml", folder / "releves-et-factures.zip"
    bank.write_bytes(workshop.bank_file(run))
    step = watch("Relevés et factures des commerçants", len(run.to_pay))
    asked: dict[str, Any] = {"programme_id": programme_id, "number": run.number}
    run_papers.make_papers(house, **asked, actor=cast.actor("trésorier"), now=lambda: now, progress=step)
    with statements.open("wb") as file:
        file.writelines(run_papers.all_papers(house, **asked))
    watch("Les livres sont exportés", None)
    workshop.seal_books(house, programme_id=programme_id, anchors=settings.anchors_path(), now=lambda: now)
    dossier = _close(house, settings=settings, cast=cast, folder=folder, now=now)
    books = exports.write_all(house, programme_id=programme_id, folder=folder, at=now)
    return (bank, statements, dossier, *books)


def _close(house: Database, *, settings: Settings, cast: Cast, folder: Path, now: datetime) -> Path:
    """The dossier as it stands: the campaign is not over, and it says so."""
    made = closing.close(
        house,
        programme_id=cast.programme_id,
        order_number=None,
        anchors=settings.anchors_path(),
        signer=signer(settings, at=now),
        actor=cast.actor("trésorier"),
        now=lambda: now,
    )
    out = folder / made.file_name
    out.write_bytes(house.read(archive.file_of, programme_id=cast.programme_id, name=made.name))
    return out


def _at(day: date, *, minutes: int) -> datetime:
    """So many minutes after midnight in Paris."""
    return datetime.combine(day, time(minutes // 60, minutes % 60), clock.PARIS)
