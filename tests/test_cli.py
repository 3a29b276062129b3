"""The commands, as a host operator, two people of the chamber and cron type them."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.makers import a_buyer, a_merchant, a_till, an_account
from vouchers import clock, codes, order, order_book, redeem, roles
from vouchers.cli import app
from vouchers.config import Settings
from vouchers.db import Database
from vouchers.errors import Refusal
from vouchers.paper.voucher_sheet import read_codes
from vouchers.redeem import Presented

run = CliRunner()


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the settings put everything."""
    monkeypatch.setenv("VOUCHERS_DATABASE_URL", f"sqlite:///{tmp_path}/house.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*words: str, password: str | None = None, refused: bool = False) -> str:
    result = run.invoke(app, list(words), env={"VOUCHERS_PASSWORD": password} if password else None)
    if refused:
        assert isinstance(result.exception, Refusal), result.output
        return result.exception.reason
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def opened(at_home: Path) -> tuple[Database, dict[str, str]]:
    """A house as `init` makes it, and the passwords it printed."""
    today = clock.book_day(clock.now())
    told = typed(
        "init", "--name", "Noël", "--issuer", "CCI du Cotentin", "--address", "1 place / 50480 Sainte-Mère",
        "--iban", "FR7630006000011234567890189", "--target", "60000", "--starts-on", today.isoformat(),
        "--expires-on", today.replace(year=today.year + 1, day=1).isoformat(), "--host", "cheques.example.fr",
        "--administrator", "anne@example.fr=Anne", "--administrator", "bruno@example.fr=Bruno",
    )  # fmt: skip
    passwords = dict(re.findall(r"(\S+@example\.fr), mot de passe : (\S+)", told))
    return Database(Settings().database_url), passwords


def funded(house: Database, *, vouchers: int) -> int:
    """An order that a commune has placed, approved and paid; gives its number."""
    common: dict[str, Any] = {"programme_id": 1, "at": clock.now()}
    buyer_id = a_buyer(house, programme_id=1, at=clock.now())
    lines = [order_book.Line(1_000, vouchers)]
    made = house.write(
        order.draft, buyer_id=buyer_id, lines=lines, fee_cents=0, purchase_order=None, actor="staff:91", **common
    )
    house.write(order.place, number=made.number, actor="staff:91", **common)
    house.write(order.approve, number=made.number, actor="staff:92", **common)
    house.write(
        order.record_payment,
        number=made.number,
        cents=made.total_cents,
        bank_reference="VIR",
        received_on=clock.book_day(clock.now()),
        actor="staff:93",
        **common,
    )
    return made.number


def test_two_people_take_an_order_from_issue_to_the_bank_file(at_home: Path) -> None:
    house, passwords = opened(at_home)
    for staff_id, name in ((1, "treasurer"), (2, "approver")):
        # One administrator asks for the other, and a third confirms: nobody confirms what they asked or would receive.
        asked = house.write(
            roles.ask_role, programme_id=1, staff_id=staff_id, name=name, actor="staff:98", at=clock.now()
        )
        house.write(roles.confirm_role, programme_id=1, role_id=asked, actor="staff:99", at=clock.now())
    anne, bruno = passwords["anne@example.fr"], passwords["bruno@example.fr"]
    number = str(funded(house, vouchers=7))
    assert typed("issue", number, "-o", "x.pdf", "--as", "anne@example.fr", password="wrong", refused=True)
    typed("issue", number, "-o", "planches.pdf", "--as", "anne@example.fr", password=anne)
    sheets = at_home / "planches.pdf"
    assert sheets.stat().st_mode & 0o777 == 0o600
    texts = list(read_codes(sheets))
    assert len(texts) == 7
    again = typed("issue", number, "-o", "y.pdf", "--as", "anne@example.fr", password=anne, refused=True)
    assert again == "sheets_handed_over"
    assert typed("activate", "1", "--as", "anne@example.fr", password=anne, refused=True) in (
        "same_person",
        "forbidden",
    )
    typed("activate", "1", "--as", "bruno@example.fr", password=bruno)

    merchant_id = a_merchant(house, programme_id=1, at=clock.now())
    an_account(house, programme_id=1, merchant_id=merchant_id, at=clock.now())
    till = a_till(house, programme_id=1, merchant_id=merchant_id, at=clock.now()).till
    pepper, _ = Settings().secret_bytes()
    house.write(
        redeem.redeem,
        programme_id=1,
        merchant_id=merchant_id,
        till_id=till.till_id,
        basket=[Presented(code_hash=codes.code_hash(pepper, text.partition("#")[2])) for text in texts[:3]],
        sale_cents=None,
        at=clock.now(),
    )
    today = clock.book_day(clock.now()).isoformat()
    typed("settle", "propose", "--to", today, "--as", "anne@example.fr", password=anne)
    assert typed("settle", "approve", "1", "--as", "anne@example.fr", password=anne, refused=True)
    assert "28,20" in typed("settle", "approve", "1", "--as", "bruno@example.fr", password=bruno)
    for name in ("a.xml", "b.xml"):
        typed("export", "bank-file", "1", "-o", name, "--as", "anne@example.fr", password=anne)
    assert (at_home / "a.xml").read_bytes() == (at_home / "b.xml").read_bytes()
    typed("export", "statements", "1", "-o", "releves.pdf", "--as", "anne@example.fr", password=anne)
    typed("export", "journal", "-o", "journal.csv", "--as", "anne@example.fr", password=anne)
    typed("export", "report", "-o", "tableau.pdf", "--as", "anne@example.fr", password=anne)
    typed("settle", "executed", "1", "--as", "anne@example.fr", password=anne)
    assert "0 chèques" in typed("expire", "--as", "anne@example.fr", password=anne)
    house.close()


def test_books_are_sealed_verified_copied_and_restored_from_the_terminal(at_home: Path, monkeypatch: Any) -> None:
    house, _ = opened(at_home)
    funded(house, vouchers=2)
    house.close()
    assert "Sceau 1" in typed("seal")
    assert "tiennent" in typed("verify")
    typed("backup", "copie.zip")
    broken = bytearray((at_home / "copie.zip").read_bytes())
    broken[len(broken) // 2] ^= 1
    (at_home / "abimee.zip").write_bytes(broken)
    monkeypatch.setenv("VOUCHERS_DATABASE_URL", f"sqlite:///{at_home}/autre.db")
    monkeypatch.setenv("VOUCHERS_ANCHORS_FILE", str(at_home / "house.db.anchors.json"))
    assert typed("restore", "abimee.zip", refused=True) == "copy_broken"
    typed("restore", "copie.zip")
    assert "tiennent" in typed("verify")


def test_a_command_refuses_in_one_clear_line(at_home: Path) -> None:
    environment = {"VOUCHERS_DATABASE_URL": f"sqlite:///{at_home}/rien.db", "PATH": "/usr/bin:/bin"}
    for words, says in (
        (["verify"], "vouchers migrate"),
        (["serve"], "vouchers migrate"),
        (["restore", "nulle-part.zip"], "n'existe pas"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "vouchers", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parent.parent,
        )
        assert done.returncode == 1, done
        assert says in done.stderr
        assert "Traceback" not in done.stderr


def test_production_demands_its_secrets_before_it_serves(at_home: Path) -> None:
    typed("migrate")
    done = subprocess.run(
        [sys.executable, "-m", "vouchers", "serve"],
        env={"VOUCHERS_DATABASE_URL": f"sqlite:///{at_home}/house.db", "VOUCHERS_ENVIRONMENT": "production"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    assert (done.returncode, "VOUCHERS_PEPPER" in done.stderr) == (1, True), done


def test_serve_answers_until_it_is_told_to_stop(at_home: Path) -> None:
    house, _ = opened(at_home)
    house.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "vouchers", "serve", "--port", str(port)], cwd=Path(__file__).parent.parent
    )
    try:
        assert health(port)["status"] == "ok"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=20)


def health(port: int) -> dict[str, Any]:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as answer:
                return dict(json.load(answer))
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server never answered")
