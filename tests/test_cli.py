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
from sqlalchemy import update
from typer.testing import CliRunner

from tests.makers import a_buyer, a_merchant, a_siret, a_till, an_account
from tests.outbox import Outbox
from vouchers import (
    billing,
    clock,
    codes,
    demo,
    issue,
    order,
    order_book,
    passwords,
    programmes,
    redeem,
    roles,
    sign_in,
)
from vouchers.api.till_offline import take_in
from vouchers.cli import app
from vouchers.config import Setting, Settings
from vouchers.db import Database
from vouchers.errors import Refusal
from vouchers.paper.voucher_sheet import read_codes
from vouchers.paper_settings import Billing, PaperSettings
from vouchers.redeem import Presented
from vouchers.runs import find_run
from vouchers.tables import issuer
from vouchers.terminal import OutTaken

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


def init_words(first: str, second: str) -> list[str]:
    today = clock.book_day(clock.now())
    return [
        "init", "--name", "Noël", "--issuer", "CCI du Cotentin", "--address", "1 place / 50480 Sainte-Mère",
        "--iban", "FR7630006000011234567890189", "--target", "60000", "--starts-on", today.isoformat(),
        "--expires-on", today.replace(year=today.year + 1, day=1).isoformat(), "--host", "cheques.example.fr",
        "--administrator", first, "--administrator", second,
    ]  # fmt: skip


def opened(at_home: Path) -> tuple[Database, dict[str, str]]:
    """A house as `init` makes it, and the passwords it printed."""
    told = typed(*init_words("anne@example.fr=Anne", "bruno@example.fr=Bruno"))
    return Database(Settings().database_url), dict(re.findall(r"(\S+@example\.fr), mot de passe : (\S+)", told))


def chosen(house: Database, first: dict[str, str]) -> None:
    """Everybody keeps the password they were given, as their own: until then it opens no role."""
    for staff_id, password in enumerate(first.values(), start=1):
        hashed = passwords.hashed(password)
        house.write(sign_in.choose_password, staff_id=staff_id, password_hash=hashed, at=clock.now())


def treasury(at_home: Path) -> tuple[Database, str, str]:
    """A house where Anne is treasurer too, and Bruno approver; their passwords."""
    house, first = opened(at_home)
    chosen(house, first)
    for staff_id, name in ((1, "treasurer"), (2, "approver")):
        # One administrator asks for the other, and a third confirms: nobody confirms what they asked or would receive.
        asked = house.write(
            roles.ask_role, programme_id=1, staff_id=staff_id, name=name, actor="staff:98", at=clock.now()
        )
        house.write(roles.confirm_role, programme_id=1, role_id=asked, actor="staff:99", at=clock.now())
    return house, first["anne@example.fr"], first["bruno@example.fr"]


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
        bank_reference=f"VIR {made.number}",
        received_on=clock.book_day(clock.now()),
        actor="staff:93",
        **common,
    )
    return made.number


def test_a_treasurer_invoices_an_order_and_credits_it_once_it_is_cancelled(at_home: Path) -> None:
    house, anne, _ = treasury(at_home)
    number, me = str(funded(house, vouchers=3)), ("--as", "anne@example.fr")
    assert typed("invoice", number, *me, password=anne, refused=True) == "billing_incomplete"
    wanted = Billing(email="compta@example.fr")
    house.write(billing.set_billing, programme_id=1, buyer_id=1, wanted=wanted, actor="staff:1", at=clock.now())
    assert typed("invoice", number, *me, password=anne, refused=True) == "issuer_details_missing"
    house.write(lambda session: session.execute(update(issuer).values(siret=a_siret())))
    assert typed("credit-note", number, *me, password=anne, refused=True) == "not_invoiced"
    told = typed("invoice", number, "-o", "pieces", "--engagement", "EJ 12", *me, password=anne)
    year = clock.book_day(clock.now()).year
    assert f"facture-T1-{year}-00001.pdf · 30,00" in told.replace("\n", "")
    assert (at_home / "pieces" / f"facture-T1-{year}-00001.pdf").read_bytes().startswith(b"%PDF")
    done = {"programme_id": 1, "number": int(number), "actor": "staff:1", "at": clock.now()}
    house.write(order.cancel, reason="doublon", **done)
    assert f"avoir-A1-{year}-00001.pdf · −30,00" in typed("credit-note", number, *me, password=anne).replace("\n", "")


def test_two_people_take_an_order_from_issue_to_the_bank_file(at_home: Path) -> None:
    house, anne, bruno = treasury(at_home)
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
    proposed = typed("settle", "propose", "--to", today, "--as", "anne@example.fr", password=anne)
    assert "Règlement 1 (proposé)" in proposed and "1 virement, 28,20" in " ".join(proposed.split())
    assert typed("settle", "approve", "1", "--as", "anne@example.fr", password=anne, refused=True)
    assert "28,20" in typed("settle", "approve", "1", "--as", "bruno@example.fr", password=bruno)
    nowhere = ["export", "bank-file", "1", "-o", "planches.pdf/a.xml", "--as", "anne@example.fr"]
    assert isinstance(run.invoke(app, nowhere, env={"VOUCHERS_PASSWORD": anne}).exception, OSError)
    # What could not be written is not marked as handed out.
    assert house.read(find_run, programme_id=1, number=1).state == "approved"
    for name in ("a.xml", "b.xml"):
        typed("export", "bank-file", "1", "-o", name, "--as", "anne@example.fr", password=anne)
    assert (at_home / "a.xml").read_bytes() == (at_home / "b.xml").read_bytes()
    bundle = ("export", "statements", "1", "-o", "releves.zip", "--as", "anne@example.fr")
    assert typed(*bundle, password=anne, refused=True) == "papers_not_ready"
    make = ("settle", "papers", "1", "--as", "anne@example.fr")
    assert typed(*make, password=anne, refused=True) == "issuer_details_missing"
    # Typed into the set-up by an administrator, at a desk.
    house.write(lambda session: session.execute(update(issuer).values(siret=a_siret())))
    tell = {"programme_id": 1, "settings": PaperSettings(vat_number="FR83404833048"), "actor": "staff:1"}
    house.write(billing.set_paper_settings, **tell, at=clock.now())
    assert "1 relevé, 1 facture de" in typed(*make, password=anne)
    typed(*bundle, password=anne)
    assert (at_home / "releves.zip").read_bytes().startswith(b"PK")
    assert "1 sans adresse" in typed("settle", "send", "1", "--as", "anne@example.fr", password=anne)
    typed("export", "journal", "-o", "journal.csv", "--as", "anne@example.fr", password=anne)
    typed("export", "journal", "--beancount", "-o", "journal.beancount", "--as", "anne@example.fr", password=anne)
    typed("export", "report", "-o", "tableau.pdf", "--as", "anne@example.fr", password=anne)
    written = typed("fec", today[:4], "-o", "fec", "--as", "anne@example.fr", password=anne)
    (fec,) = (path for path in (at_home / "fec").iterdir() if not path.stem.endswith("_description"))
    assert fec.name in written.replace("\n", "")
    assert "Rien à signaler." in typed("fec-check", str(fec))
    typed("settle", "executed", "1", "--as", "anne@example.fr", password=anne)
    assert "0 chèque périmé" in typed("expire", "--as", "anne@example.fr", password=anne)
    house.close()


def test_the_treasurer_allows_acceptance_without_network_and_decides_a_dispute(at_home: Path) -> None:
    house, anne, bruno = treasury(at_home)
    caps = ("--till", "20", "30000", "--together", "200", "300000", "--guarantee", "50000")
    assert typed("offline", "allow", *caps, "--as", "bruno@example.fr", password=bruno, refused=True) == "forbidden"
    assert "500,00" in typed("offline", "allow", *caps, "--as", "anne@example.fr", password=anne)
    merchant_id = a_merchant(house, programme_id=1, at=clock.now())
    outbox = Outbox(1, a_till(house, programme_id=1, merchant_id=merchant_id, at=clock.now()))
    entry = outbox.accept(codes.new_code(), at=clock.now())
    pepper, _ = Settings().secret_bytes()
    house.write(take_in, till=outbox.paired.till, entry=entry, pepper=pepper, at=clock.now())
    assert "10,00" in typed("offline", "disputes", "--as", "anne@example.fr", password=anne)
    decided = ("offline", "decide", "1", "guarantee", "--reason", "bonne foi", "--as")
    assert typed(*decided, "bruno@example.fr", password=bruno, refused=True) == "forbidden"
    assert "Payé par la garantie" in typed(*decided, "anne@example.fr", password=anne)
    assert typed(*decided, "anne@example.fr", password=anne, refused=True) == "dispute_decided"
    typed("offline", "forbid", "--as", "anne@example.fr", password=anne)
    assert typed("offline", "forbid", "--as", "anne@example.fr", password=anne, refused=True) == "offline_not_allowed"
    house.close()


def test_half_of_an_extension_lapses_nothing(at_home: Path) -> None:
    for words in (["--extend", "1"], ["--to", "2030-01-31"]):
        result = run.invoke(app, ["expire", *words])
        assert (result.exit_code, "ne va pas sans" in result.output) == (2, True), result.output
    assert list(at_home.iterdir()) == []


def test_sheets_are_never_written_over_other_sheets(at_home: Path) -> None:
    house, anne, _ = treasury(at_home)
    first, second = str(funded(house, vouchers=3)), str(funded(house, vouchers=3))
    typed("issue", first, "-o", "planches.pdf", "--as", "anne@example.fr", password=anne)
    sheets = (at_home / "planches.pdf").read_bytes()
    (at_home / "lien.pdf").symlink_to("nulle-part.pdf")
    for taken in ("planches.pdf", "lien.pdf"):
        result = run.invoke(
            app, ["issue", second, "-o", taken, "--as", "anne@example.fr"], env={"VOUCHERS_PASSWORD": anne}
        )
        assert isinstance(result.exception, OutTaken)
        assert taken in str(result.exception)
    assert (at_home / "planches.pdf").read_bytes() == sheets
    assert house.read(issue.of_order, programme_id=1, order_number=int(second)) is None
    house.close()


def test_the_demonstration_empties_no_folder_but_its_own(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "noel.jpg").write_bytes(b"irreplaceable")
    result = run.invoke(app, ["demo", "--dir", str(photos), "--no-serve"])
    assert isinstance(result.exception, demo.FolderFault)
    assert [path.name for path in photos.iterdir()] == ["noel.jpg"]
    stage = tmp_path / "new" / "stage"
    for _ in range(2):
        demo.stage(stage)
        assert [path.name for path in stage.iterdir()] == [demo.MARKER]
        (stage / "house.db").touch()
        (stage / "papers").mkdir()


def test_the_demonstration_touches_nothing_of_the_house_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("ENVIRONMENT", "production"),
        ("PEPPER", "ab" * 32),
        ("SESSION_KEY", "cd" * 32),
        ("DATABASE_URL", f"sqlite:///{tmp_path}/real.db"),
        ("SECRETS_FILE", str(tmp_path / "real.secrets.json")),
        ("ANCHORS_FILE", str(tmp_path / "real.anchors.json")),
    ):
        monkeypatch.setenv(f"VOUCHERS_{name}", value)
    settings = demo.stage(tmp_path / "stage")
    assert settings.environment is Setting.DEVELOPMENT
    assert bytes.fromhex("ab" * 32) not in settings.secret_bytes()
    assert {settings.secrets_path().parent, settings.anchors_path().parent} == {tmp_path / "stage"}
    for name in ("PEPPER", "SESSION_KEY"):
        monkeypatch.delenv(f"VOUCHERS_{name}")
    for name, value in demo.environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
    assert [path.name for path in tmp_path.iterdir()] == ["stage"]


def test_a_house_is_opened_whole_or_not_at_all(at_home: Path) -> None:
    same = run.invoke(app, init_words("anne@example.fr=Anne", "anne@example.fr=Bruno"))
    assert isinstance(same.exception, Refusal)
    assert "mot de passe" not in same.output
    house, _ = opened(at_home)
    # The first of everything: the refusal before left nothing.
    held = house.read(roles.roles_of, programme_id=1, limit=10)
    assert sorted((one.staff_id, one.name) for one in held) == [(1, "administrator"), (2, "administrator")]
    house.close()


def test_a_programme_without_administrators_is_given_its_first_two(at_home: Path) -> None:
    house, _ = opened(at_home)
    day = clock.book_day(clock.now())
    programme_id = house.write(
        programmes.open_programme,
        issuer_id=1,
        name="Printemps",
        target_cents=100_000,
        starts_on=day,
        expires_on=day,
        presentation_deadline_on=day,
        host="cheques.example.fr",
        shops_url="https://cheques.example.fr/commerces",
        use_rule="whole",
        commission_bp=500,
        vat_bp=2_000,
        reversal_window_minutes=15,
        lapse_to="buyer",
        actor="system",
        at=clock.now(),
    )
    assert "administrent" in typed("staff", "administrators", str(programme_id), "1", "2")
    assert typed("staff", "administrators", str(programme_id), "1", "2", refused=True) == "already_enrolled"
    house.close()


def test_a_refused_export_leaves_the_file_that_was_there(at_home: Path) -> None:
    house, anne, bruno = treasury(at_home)
    house.close()
    kept = at_home / "kept"
    kept.write_text("last month's")
    for words in (["bank-file", "1"], ["statements", "1"], ["journal"], ["report"]):
        typed("export", *words, "-o", "kept", "--as", "anne@example.fr", password="wrong", refused=True)
    for words in (["bank-file", "1"], ["statements", "1"]):
        typed("export", *words, "-o", "kept", "--as", "anne@example.fr", password=anne, refused=True)
    assert kept.read_text() == "last month's"
    typed("export", "journal", "-o", "kept", "--as", "bruno@example.fr", password=bruno)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert list(at_home.glob("*.part")) == []


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
    (at_home / "[red]").touch()
    for words, says in (
        (["verify"], "vouchers migrate"),
        (["serve"], "vouchers migrate"),
        (["restore", "nulle-part.zip"], "n'existe pas"),
        (["demo", "--dir", f"{at_home}/[red]"], "[red] n'est pas un dossier"),
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
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as answer:
                return dict(json.load(answer))
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server never answered")
