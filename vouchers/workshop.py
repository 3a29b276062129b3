"""Long work, in many transactions: issue a batch, print it, close a period, expire, seal.

The verbs each do one thing in one transaction; here they are put in order, with the paper, for whoever stands at a
door (the API, the commands, the demonstration). Each can be interrupted anywhere and begun again: what is done is in
the tables, and what is not is done next. `now` gives the instant of each transaction; `progress` hears (done, of).
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from vouchers import archive, codes, expire, issue, ledger, order_book, pay, runs, seal, settle
from vouchers.archive import Document
from vouchers.db import Database, ReadSession, WriteSession
from vouchers.fact_words import statement_name
from vouchers.files import appearing
from vouchers.paper.pain_001 import Payment, PaymentFile, Version, pain_001
from vouchers.paper.sepa_rules import Fault, faults
from vouchers.paper.voucher_sheet import Cheque, SheetText, check_sheets, write_sheets
from vouchers.people import find_buyer
from vouchers.rules import rules, terms
from vouchers.runs import Run

Now = Callable[[], datetime]
Progress = Callable[[int, int], None]

_READ_AT_ONCE: Final = 2_000
_EXPIRED_AT_ONCE: Final = 2_000


class BankFileFaulty(Exception):
    """A bank would refuse the file of this run: an internal alarm, not a refusal. It is not handed out."""

    def __init__(self, found: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.rule} {fault.path}: {fault.detail}" for fault in found))
        self.found = found


def _silent(_done: int, _of: int) -> None:
    """For whoever does not watch."""


# ── Issue and print ──────────────────────────────────────────────────────────────────────────────────────────────
def issue_whole(
    house: Database,
    *,
    programme_id: int,
    batch_number: int,
    pepper: bytes,
    actor: str,
    now: Now,
    progress: Progress = _silent,
) -> issue.Batch:
    """Issue what is left of a batch, chunk by chunk; killed and run again, it goes on from the last whole chunk."""
    batch = house.read(issue.find, programme_id=programme_id, number=batch_number)
    progress(batch.issued_count, batch.quantity)
    for count in issue.chunks_left(batch):
        batch = house.write(
            issue.issue_chunk,
            programme_id=programme_id,
            batch_number=batch_number,
            secrets=codes.new_secrets(count),
            pepper=pepper,
            actor=actor,
            at=now(),
        )
        progress(batch.issued_count, batch.quantity)
    return batch


def print_sheets(
    house: Database,
    *,
    programme_id: int,
    batch_number: int,
    pepper: bytes,
    out: Path,
    progress: Progress = _silent,
    processes: int = 2,
) -> int:
    """Write the sheets of an issued batch to `out` and read every QR back; gives the number of vouchers.

    `out` appears whole and checked, or not at all. The codes stay sealed in the database until `issue.hand_over`, so
    a print that was cut off is done again from the start, to the same bytes. Raises `SheetMismatch`.
    """
    batch = house.read(issue.find, programme_id=programme_id, number=batch_number)

    def cheques() -> Iterator[Cheque]:
        last = 0
        while some := house.read(
            issue.secrets_of,
            programme_id=programme_id,
            batch_number=batch_number,
            pepper=pepper,
            after_serial=last,
            limit=_READ_AT_ONCE,
        ):
            yield from (Cheque(*each) for each in some)
            last = some[-1].serial

    return print_cheques(
        house,
        programme_id=programme_id,
        batch_number=batch_number,
        cheques=cheques,
        out=out,
        progress=lambda done: progress(done, 2 * batch.quantity),
        processes=processes,
    )


def print_cheques(
    house: Database,
    *,
    programme_id: int,
    batch_number: int,
    cheques: Callable[[], Iterable[Cheque]],
    out: Path,
    progress: Callable[[int], None] | None = None,
    processes: int = 1,
) -> int:
    """Write `cheques` (asked for twice) of a batch to `out` and read every QR back; gives how many there are.

    `out` appears whole, checked and durable, readable by its owner alone, or not at all. Raises `SheetMismatch`.
    """
    text = house.read(sheet_text, programme_id=programme_id, batch_number=batch_number)
    hear = progress or (lambda _: None)
    with appearing(out) as part:
        with part.open("wb") as file:
            count = write_sheets(file, text=text, cheques=cheques(), progress=hear)
        check_sheets(
            part,
            host=text.host,
            expected=((cheque.serial, cheque.code) for cheque in cheques()),
            progress=lambda done: hear(count + done),
            processes=processes,
        )
    return count


def replacement_sheets(house: Database, *, programme_id: int, batch_number: int, cheques: Sequence[Cheque]) -> bytes:
    """The sheets of new papers of one batch, each QR read back: kept nowhere, so given once. Raises `SheetMismatch`."""
    with tempfile.TemporaryDirectory(prefix="sheets-") as folder:
        out = Path(folder) / "sheets.pdf"
        print_cheques(house, programme_id=programme_id, batch_number=batch_number, cheques=lambda: cheques, out=out)
        return out.read_bytes()


def sheet_text(session: ReadSession, *, programme_id: int, batch_number: int) -> SheetText:
    """What all cheques of a batch say. Refuses `NotFound`."""
    programme, said = rules(session, programme_id=programme_id), terms(session, programme_id=programme_id)
    batch = issue.find(session, programme_id=programme_id, number=batch_number)
    ordered = order_book.find(session, programme_id=programme_id, number=batch.order_number)
    return SheetText(
        programme_name=programme.name,
        offered_by=find_buyer(session, programme_id=programme_id, buyer_id=ordered.buyer_id).name,
        issuer_name=programme.issuer_name,
        issuer_address=", ".join(programme.issuer_address.splitlines()),
        shops_address=programme.shops_url.removeprefix("https://"),
        host=programme.host,
        expires_on=batch.expires_on,
        accent=said.colour,
        wording=said.legal_wording,
        logo=said.logo,
    )


# ── Close a period ───────────────────────────────────────────────────────────────────────────────────────────────
def propose_run(house: Database, *, programme_id: int, to_on: date, actor: str, now: Now) -> Run:
    """Take a watermark, then propose the run up to it. Refusals as `settle.propose`."""
    upto = house.write(ledger.watermark, programme_id=programme_id)
    return house.write(settle.propose, programme_id=programme_id, to_on=to_on, upto_journal=upto, actor=actor, at=now())


def bank_file(run: Run, *, version: Version = "001.001.09") -> bytes:
    """The bank file of an approved run: a function of the run alone, so every download is the first one."""
    assert run.approved_at is not None and run.execution_on is not None, "approved runs have a bank file"
    payments = []
    for line in run.to_pay:
        assert line.iban is not None
        payments.append(
            Payment(
                end_to_end_id=line.end_to_end_id,
                name=line.account_holder or line.legal_name,
                iban=line.iban,
                cents=line.net_cents,
                remittance=transfer_label(run.programme_id, run.number, line.merchant_id),
            )
        )
    return pain_001(
        PaymentFile(
            message_id=run.message_id,
            created_at=run.approved_at,
            execution_on=run.execution_on,
            debtor_name=run.debtor_name,
            debtor_iban=run.debtor_iban,
            debtor_bic=run.debtor_bic,
            payments=tuple(payments),
        ),
        version=version,
    )


def checked_bank_file(run: Run, *, version: Version = "001.001.09") -> bytes:
    """The bank file, held against the rules of banks. Raises `BankFileFaulty`."""
    xml = bank_file(run, version=version)
    if found := faults(xml):
        raise BankFileFaulty(found)
    return xml


def export_bank_file(
    house: Database,
    *,
    programme_id: int,
    number: int,
    actor: str,
    now: Now,
    version: Version = "001.001.09",
    keep: Callable[[bytes], object] | None = None,
) -> bytes:
    """The bank file, made, checked and given to `keep` before the run is marked as exported.

    So what cannot be made or kept is not marked. Refuses `NotFound`, `RunState`; raises `BankFileFaulty`.
    """
    run = house.read(runs.find_run, programme_id=programme_id, number=number)
    pay.require_approved(run)
    xml = checked_bank_file(run, version=version)
    if keep is not None:
        keep(xml)
    house.write(hand_out, programme_id=programme_id, number=number, file=xml, version=version, actor=actor, at=now())
    return xml


def hand_out(
    session: WriteSession,
    *,
    programme_id: int,
    number: int,
    file: bytes,
    version: Version = "001.001.09",
    actor: str,
    at: datetime,
) -> Run:
    """Mark the bank file of a run as handed out, and keep it: the first version that left. Refuses as `pay.export`."""
    run = pay.export(session, programme_id=programme_id, number=number, actor=actor, at=at)
    archive.keep(
        session,
        programme_id=programme_id,
        kind="bank_file",
        named=run.message_id,
        subject=f"run:{number}",
        file_name=f"{run.message_id}.xml",
        file=file,
        actor=actor,
        at=at,
        content={"version": f"pain.{version}", "transfers": len(run.to_pay), "cents": run.pay_cents},
    )
    return run


def handed_out(session: ReadSession, *, run: Run) -> Document | None:
    """The bank file as it first left, in the archive; None while none left (or none was kept yet when it did)."""
    return archive.known(session, programme_id=run.programme_id, name=run.message_id)


def transfer_label(programme_id: int, number: int, merchant_id: int) -> str:
    """What stands on a merchant's bank account beside the transfer of a run: leads back to the statement."""
    return f"Cheques cadeaux reglement {number} releve {statement_name(programme_id, number, merchant_id)}"


# ── Expire, seal ─────────────────────────────────────────────────────────────────────────────────────────────────
def expire_due(
    house: Database, *, programme_id: int, actor: str, now: Now, progress: Progress = _silent
) -> tuple[int, int]:
    """Lapse every voucher that nobody can present any more; gives (vouchers, cents)."""
    count = cents = 0
    left = True
    while left:
        lapsed = house.write(expire.expire, programme_id=programme_id, limit=_EXPIRED_AT_ONCE, actor=actor, at=now())
        count, cents, left = count + lapsed.count, cents + lapsed.cents, lapsed.left
        progress(count, count)
    return count, cents


def seal_books(house: Database, *, programme_id: int, anchors: Path, now: Now) -> seal.Seal | None:
    """Seal what was written since the last seal, note it outside the database, and keep every balance up to it."""
    upto = house.write(ledger.watermark, programme_id=programme_id)
    made = house.write(seal.seal, programme_id=programme_id, upto_journal=upto, at=now())
    # Nothing new may also mean that whoever sealed last was cut off before noting it.
    newest = made or house.read(seal.newest, programme_id=programme_id)
    if newest is not None:
        seal.note_anchor(anchors, newest)
        house.write(ledger.snapshot, programme_id=programme_id, upto_journal=newest.to_journal)
    return made
