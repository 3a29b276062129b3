"""The bank over HTTP: a file as it is, its lines with what they probably are, and a decision under a key."""

from httpx2 import Response

from tests.api.conftest import Town
from tests.api.doors import V1, Doors, Person, reason
from tests.bank_words import a_file
from tests.makers import an_order
from vouchers.order_book import Line, Order


def approved(doors: Doors, town: Town, *, quantity: int) -> Order:
    lines = (Line(1_000, quantity),)
    return an_order(doors.house, programme_id=town.programme_id, buyer_id=town.buyer_id, upto="approved", lines=lines)


def sent(treasurer: Person, home: str, content: bytes, *, key: str) -> Response:
    headers = {"Idempotency-Key": key, "Content-Type": "application/xml"}
    return treasurer.call("POST", f"{home}/bank-statements", content=content, headers=headers)


def test_a_program_takes_a_statement_books_what_is_certain_and_decides_the_rest(doors: Doors, town: Town) -> None:
    treasurer, home = doors.person(town.programme_id, "treasurer"), f"{V1}/programmes/{town.programme_id}"
    one, two = approved(doors, town, quantity=9), approved(doors, town, quantity=4)
    _, content, _ = a_file(
        doors.house, town.programme_id, (90, "SGC", one.rf_reference), (40, "INCONNU", "virement"), (-3, "", "FRAIS")
    )
    taken = sent(treasurer, home, content, key="releve-1")
    assert taken.status_code == 201, taken.text
    (statement,) = taken.json()["statements"]
    assert (statement["lines"], statement["open_lines"], "••••" in statement["iban"]) == (3, 3, True)
    again = sent(treasurer, home, content, key="another")
    assert (again.status_code, reason(again)) == (409, "statement_known")
    broken = sent(treasurer, home, content[:-50], key="broken")
    assert (broken.status_code, broken.json()["problem"]) == (422, "bank_not_xml")

    lines = treasurer.get(f"{home}/bank-lines?state=open").json()["items"]
    assert [each["proposal"]["sureness"] for each in lines] == ["certain", "unknown", "likely"]
    assert treasurer.post(f"{home}/bank-matches").json() == {"line_numbers": [1]}
    body = {"what": "orders", "shares": [{"order_number": two.number, "cents": 4_000}]}
    done = treasurer.post(f"{home}/bank-lines/2/decisions", body, key="once")
    assert (done.status_code, done.json()["line"]["state"]) == (201, "done")
    assert treasurer.post(f"{home}/bank-lines/2/decisions", body, key="once").json() == done.json()
    late = treasurer.post(f"{home}/bank-lines/2/decisions", body)
    assert (late.status_code, reason(late)) == (409, "line_decided")
    assert treasurer.post(f"{home}/bank-lines/3/decisions", {"what": "fees"}).status_code == 201
    missing = treasurer.post(f"{home}/bank-lines/3/decisions", {"what": "set_aside"})
    assert (missing.status_code, missing.json()["field"]) == (422, "because")
    standing = treasurer.get(f"{home}/bank-standing").json()
    assert (standing["open_cents"], standing["bank_cents"]) == (0, 112_700)
    assert [each["told"][0]["kind"] for each in treasurer.get(f"{home}/bank-lines").json()["items"]] == [
        "order_paid", "order_paid", "bank_fees_taken",
    ]  # fmt: skip
    assert treasurer.get(f"{home}/bank-statements").json()["items"][0]["open_lines"] == 0
    assert treasurer.get(f"{home}/bank-lines/1").json()["told"][0]["means"] == "reference"
