"""Issuing: only what is backed, in whole chunks whatever happens, and never by one person alone."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.makers import (
    NOON,
    PEPPER,
    TODAY,
    a_batch,
    a_buyer,
    a_chunk,
    a_programme,
    an_order,
    books_hold,
    cents_on,
    facts_of,
    moves_of,
    vouchers_of,
)
from vouchers import issue, order, order_book
from vouchers.codes import SealBroken, code_hash, control_hash, new_secrets
from vouchers.db import Database
from vouchers.errors import BadInput, BatchState, NotFound, OrderState, SamePerson, SheetsHandedOver
from vouchers.issue import Batch, ToPrint
from vouchers.order_book import Line
from vouchers.tables import sealed_codes, voucher

RESUMER = """
import sys
from tests.makers import a_chunk
from vouchers import issue
from vouchers.db import Database

house, programme_id, number = Database(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
begun = house.read(lambda s: issue.find(s, programme_id=programme_id, number=number))
for quantity in issue.chunks_left(begun, size=40):
    print(a_chunk(house, begun=begun, quantity=quantity).issued_count, flush=True)
"""


def found(house: Database, begun: Batch) -> Batch:
    return house.read(lambda s: issue.find(s, programme_id=begun.programme_id, number=begun.number))


def to_print(
    house: Database, issued: Batch, *, after_serial: int = 0, limit: int = 1_000, pepper: bytes = PEPPER
) -> list[ToPrint]:
    return house.read(
        lambda s: issue.secrets_of(
            s,
            programme_id=issued.programme_id,
            batch_number=issued.number,
            pepper=pepper,
            after_serial=after_serial,
            limit=limit,
        )
    )


def test_a_paid_order_becomes_vouchers_that_hold_what_was_paid(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id)
    a_batch(house, paid=an_order(house, programme_id=programme_id, buyer_id=buyer_id), upto="issued")
    lines = (Line(1_000, 3), Line(500, 1), Line(2_000, 4))
    issued = a_batch(
        house, paid=an_order(house, programme_id=programme_id, buyer_id=buyer_id, lines=lines), upto="issued", size=3
    )
    assert (issued.number, issued.first_serial, issued.last_serial, issued.issued_count) == (2, 11, 18, 8)
    assert issued.expires_on == date(2027, 6, 30)
    assert [(state, held) for _, state, held in vouchers_of(house, programme_id=programme_id)[10:]] == [
        ("printed", cents) for cents in (1_000, 1_000, 1_000, 500, 2_000, 2_000, 2_000, 2_000)
    ]
    assert moves_of(house, programme_id=programme_id, kind="issued")[1:] == [
        ("ordered:2", "float", 3_000, None),
        ("ordered:2", "float", 4_500, None),
        ("ordered:2", "float", 4_000, None),
    ]
    assert cents_on(house, programme_id=programme_id, account="ordered:2") == 0
    assert house.read(lambda s: order_book.find(s, programme_id=programme_id, number=2)).state == "issued"
    assert house.read(lambda s: books_hold(s, programme_id=programme_id))


def test_what_no_one_paid_or_signed_for_is_not_issued(house: Database) -> None:
    programme_id = a_programme(house)
    buyer_id = a_buyer(house, programme_id=programme_id, exposure_cap_cents=10_000)
    for upto in ("draft", "placed", "approved"):
        with pytest.raises(OrderState):
            a_batch(house, paid=an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto=upto))
    gone = an_order(house, programme_id=programme_id, buyer_id=buyer_id)
    house.write(lambda s: order.cancel(s, programme_id=programme_id, number=4, actor="staff:3", reason="", at=NOON))
    with pytest.raises(OrderState, match="cancelled"):
        a_batch(house, paid=gone)
    signed = an_order(house, programme_id=programme_id, buyer_id=buyer_id, upto="accepted", purchase_order="BC 1")
    assert a_batch(house, paid=signed).first_serial == 1
    with pytest.raises(OrderState, match="issued"):
        a_batch(house, paid=signed)
    with pytest.raises(BadInput):
        a_batch(
            house,
            paid=an_order(house, programme_id=programme_id, buyer_id=buyer_id),
            expires_on=TODAY - timedelta(days=1),
        )


def test_an_issue_killed_anywhere_goes_on_without_gap_or_orphan(house: Database, house_url: str) -> None:
    programme_id = a_programme(house)
    made = an_order(
        house,
        programme_id=programme_id,
        buyer_id=a_buyer(house, programme_id=programme_id),
        lines=(Line(1_000, 3_000), Line(700, 1_001)),
    )
    begun = a_batch(house, paid=made, upto="issuing")
    house.close()
    for survived in range(3):
        arguments = [sys.executable, "-c", RESUMER, house_url, str(programme_id), str(begun.number)]
        root = str(Path(__file__).parents[1])
        with subprocess.Popen(
            arguments, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": root}
        ) as resumer:
            assert resumer.stdout is not None
            for _ in range(5 + survived):
                assert resumer.stdout.readline()
            time.sleep(0.003 * survived)
            resumer.send_signal(signal.SIGKILL)
        reopened = Database(house_url)
        so_far = found(reopened, begun)
        assert 0 < so_far.issued_count < 4_001
        assert [serial for serial, _, _ in vouchers_of(reopened, programme_id=programme_id)] == list(
            range(1, so_far.issued_count + 1)
        )
        assert reopened.read(lambda s: books_hold(s, programme_id=programme_id))
        reopened.close()
    reopened = Database(house_url)
    for quantity in issue.chunks_left(so_far):
        last = a_chunk(reopened, begun=begun, quantity=quantity)
    assert (last.state, last.issued_count) == ("issued", 4_001)
    assert [serial for serial, _, _ in vouchers_of(reopened, programme_id=programme_id)] == list(range(1, 4_002))
    assert cents_on(reopened, programme_id=programme_id, account="float") == 3_000 * 1_000 + 1_001 * 700
    assert len(to_print(reopened, last, limit=10_000)) == 4_001
    reopened.close()


def test_two_who_resume_at_once_take_turns_and_the_books_hold_meanwhile(house: Database) -> None:
    programme_id = a_programme(house)
    made = an_order(
        house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id), lines=(Line(1_000, 205),)
    )
    begun = a_batch(house, paid=made, upto="issuing")

    def resume(_: int) -> str:
        try:
            while a_chunk(house, begun=begun, quantity=10).state == "issuing":
                pass
        except BatchState:
            return "nothing left"
        return "finished"

    with ThreadPoolExecutor(4) as people:
        resumers = [people.submit(resume, each) for each in range(3)]
        while not all(each.done() for each in resumers):
            assert house.read(lambda s: consistent(s, programme_id))
        assert sorted(each.result() for each in resumers) == ["finished", "nothing left", "nothing left"]
    assert [serial for serial, _, _ in vouchers_of(house, programme_id=programme_id)] == list(range(1, 206))
    assert cents_on(house, programme_id=programme_id, account="float") == 205_000
    assert len({line.code for line in to_print(house, found(house, begun))}) == 205


def consistent(session: Any, programme_id: int) -> bool:
    # One statement at READ COMMITTED sees one instant; several would not on PostgreSQL.
    if session.dialect.name == "postgresql":
        session.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return books_hold(session, programme_id=programme_id)


def test_the_codes_can_be_read_until_the_sheets_are_handed_over_and_never_again(house: Database) -> None:
    programme_id = a_programme(house)
    made = an_order(
        house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id), lines=(Line(1_000, 25),)
    )
    issuing = a_batch(house, paid=made, upto="issuing")
    a_chunk(house, begun=issuing, quantity=10)
    with pytest.raises(BatchState):
        to_print(house, issuing)
    a_chunk(house, begun=issuing, quantity=10)
    issued = a_chunk(house, begun=issuing, quantity=99)
    assert (issued.state, issued.issued_count) == ("issued", 25)

    pages, after = [], 0
    while page := to_print(house, issued, after_serial=after, limit=7):
        pages.append(len(page))
        after = page[-1].serial
        for line in page:
            wanted = select(voucher).where(voucher.c.serial == line.serial)
            kept = house.read(lambda s, wanted=wanted: s.execute(wanted).one())
            assert kept.code_hash == code_hash(PEPPER, line.code)
            assert kept.control_hash == control_hash(
                PEPPER, programme_id=programme_id, serial=line.serial, control_code=line.control_code
            )
    assert (pages, after) == ([7, 7, 7, 4], 25)
    with pytest.raises(SealBroken):
        to_print(house, issued, pepper=b"q" * 32)

    what: dict[str, Any] = {"programme_id": programme_id, "batch_number": issued.number, "actor": "staff:3", "at": NOON}
    assert house.write(lambda s: issue.hand_over(s, **what)).state == "printed"
    assert house.read(lambda s: s.execute(select(func.count()).select_from(sealed_codes)).scalar_one()) == 0
    with pytest.raises(SheetsHandedOver):
        to_print(house, issued)
    with pytest.raises(SheetsHandedOver):
        house.write(lambda s: issue.hand_over(s, **what))


def test_who_issued_a_batch_does_not_activate_it(house: Database) -> None:
    programme_id = a_programme(house)
    issued = a_batch(
        house,
        paid=an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id)),
        upto="issued",
    )
    what: dict[str, Any] = {"programme_id": programme_id, "batch_number": issued.number, "at": NOON}
    with pytest.raises(BatchState):
        house.write(lambda s: issue.activate(s, actor="staff:4", **what))
    house.write(lambda s: issue.hand_over(s, actor="staff:3", **what))
    with pytest.raises(SamePerson):
        house.write(lambda s: issue.activate(s, actor="staff:3", **what))
    assert {state for _, state, _ in vouchers_of(house, programme_id=programme_id)} == {"printed"}
    active = house.write(lambda s: issue.activate(s, actor="staff:4", **what))
    assert (active.state, active.activated_by) == ("active", "staff:4")
    assert {state for _, state, _ in vouchers_of(house, programme_id=programme_id)} == {"active"}
    assert facts_of(house, programme_id=programme_id, kind="activated") == [("batch:1", "10")]
    assert house.read(lambda s: issue.listed(s, programme_id=programme_id)) == [active]
    assert house.read(lambda s: issue.of_order(s, programme_id=programme_id, order_number=1)) == active
    with pytest.raises(NotFound):
        house.write(lambda s: issue.activate(s, programme_id=programme_id, batch_number=9, actor="staff:4", at=NOON))


def test_whoever_issued_a_part_or_held_the_sheets_does_not_activate(house: Database) -> None:
    programme_id = a_programme(house)
    made = an_order(house, programme_id=programme_id, buyer_id=a_buyer(house, programme_id=programme_id))
    common: dict[str, Any] = {"programme_id": programme_id, "at": NOON}
    begun = house.write(issue.begin, order_number=made.number, actor="staff:31", **common)
    named: dict[str, Any] = {"batch_number": begun.number, **common}
    secrets = new_secrets(begun.quantity)
    house.write(issue.issue_chunk, secrets=secrets, pepper=PEPPER, actor="staff:32", **named)
    house.write(issue.hand_over, actor="staff:33", **named)
    for handled in ("staff:31", "staff:32", "staff:33"):
        with pytest.raises(SamePerson):
            house.write(issue.activate, actor=handled, **named)
    assert house.write(issue.activate, actor="staff:34", **named).state == "active"
