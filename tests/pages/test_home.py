"""The chamber's first page, its figures and what deserves a look, as its people see them."""

import io
from datetime import date, timedelta

import openpyxl

from tests.api.doors import Doors
from tests.makers import PEPPER, a_batch, a_merchant, an_order
from tests.pages.browsing import sits_down
from tests.town import Town
from vouchers import clock, codes, hold, issue, order, patterns, runs, watch
from vouchers.forecast import reached_on
from vouchers.paper.spreadsheet import Euros, xlsx

MONDAY = date(2026, 11, 16)


# ── What waits ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_list_of_what_waits_changes_as_acts_are_done(doors: Doors, town: Town) -> None:
    p, house = town.programme_id, doors.house
    treasurer, approver = sits_down(doors, p, "treasurer"), sits_down(doors, p, "approver")
    assert "commande à approuver" not in approver.open(f"/p/{p}").text
    asked = an_order(house, programme_id=p, buyer_id=town.buyer_id, upto="placed")
    waiting = approver.open(f"/p/{p}")
    (first,) = waiting.tree.xpath("//section[@class='next']")
    assert "1 commande à approuver" in first.text_content()
    assert f"/p/{p}/commandes/{asked.number}" in waiting.links()
    common = {"programme_id": p, "number": asked.number, "at": clock.now()}
    house.write(order.approve, actor=f"staff:{approver.staff_id}", **common)
    assert "commande à approuver" not in approver.open(f"/p/{p}").text
    assert "1 commande attend son paiement" in treasurer.open(f"/p/{p}").text
    assert "attend son paiement" not in approver.open(f"/p/{p}").text, "recording money is the treasurer's"
    paid = house.write(
        order.record_payment,
        cents=asked.total_cents,
        bank_reference="VIR 77",
        received_on=clock.book_day(clock.now()),
        actor=f"staff:{treasurer.staff_id}",
        **common,
    )
    assert "1 commande dont les chèques sont à émettre" in treasurer.open(f"/p/{p}").text
    a_batch(house, paid=paid, upto="issued")
    assert "1 lot à imprimer" in treasurer.open(f"/p/{p}").text


def test_what_i_did_myself_waits_for_another_person(doors: Doors, town: Town) -> None:
    p, house = town.programme_id, doors.house
    issuer, other = sits_down(doors, p, "treasurer"), sits_down(doors, p, "treasurer")
    paid = an_order(house, programme_id=p, buyer_id=town.buyer_id)
    what = {"programme_id": p, "actor": f"staff:{issuer.staff_id}", "at": clock.now()}
    begun = house.write(issue.begin, order_number=paid.number, **what)
    house.write(issue.issue_chunk, batch_number=begun.number, secrets=codes.new_secrets(10), pepper=PEPPER, **what)
    house.write(issue.hand_over, batch_number=begun.number, **what)
    mine, theirs = issuer.open(f"/p/{p}").text, other.open(f"/p/{p}").text
    assert "Attend une autre personne" in mine and "1 lot à activer" in mine
    assert f"/p/{p}/lots/{begun.number}" not in issuer.open(f"/p/{p}").links()
    assert "1 lot à activer" in theirs and "Attend une autre personne" not in theirs


def test_whoever_handed_a_batch_over_is_not_asked_to_activate_it(doors: Doors, town: Town) -> None:
    p, house = town.programme_id, doors.house
    printer, other = sits_down(doors, p, "treasurer"), sits_down(doors, p, "approver")
    begun = a_batch(house, paid=an_order(house, programme_id=p, buyer_id=town.buyer_id), upto="issued")
    actor = f"staff:{printer.staff_id}"
    house.write(issue.hand_over, programme_id=p, batch_number=begun.number, actor=actor, at=clock.now())
    assert "Attend une autre personne" in printer.open(f"/p/{p}").text
    assert "Attend une autre personne" not in other.open(f"/p/{p}").text


def test_a_lost_voucher_waits_until_it_is_replaced(doors: Doors, town: Town) -> None:
    p = town.programme_id
    treasurer, approver = sits_down(doors, p, "treasurer"), sits_down(doors, p, "approver")
    town.block(3, at=clock.now())
    assert "1 chèque perdu à remplacer" in treasurer.open(f"/p/{p}").text
    town.replace(3, at=clock.now())
    assert "perdu à remplacer" not in treasurer.open(f"/p/{p}").text
    assert "1 chèque de remplacement à activer" in approver.open(f"/p/{p}").text


def test_an_auditor_is_asked_for_nothing(doors: Doors, town: Town) -> None:
    p = town.programme_id
    an_order(doors.house, programme_id=p, buyer_id=town.buyer_id, upto="placed")
    assert "Rien ne vous attend." in sits_down(doors, p, "auditor").open(f"/p/{p}").text


def test_a_buyer_and_a_merchant_are_sent_on_to_their_own_page(doors: Doors, town: Town) -> None:
    p = town.programme_id
    clerk = sits_down(doors, p, "buyer_clerk", buyer_id=town.buyer_id)
    assert clerk.client.get(f"/p/{p}", follow_redirects=False).headers["location"] == f"/p/{p}/campagne"
    owner = sits_down(doors, p, "merchant_owner", merchant_id=town.merchants[0])
    there = owner.client.get(f"/p/{p}", follow_redirects=False).headers["location"]
    assert there == f"/p/{p}/commercants/{town.merchants[0]}"


def test_the_home_says_plainly_whether_the_money_is_there(doors: Doors, town: Town) -> None:
    p, treasurer = town.programme_id, sits_down(doors, town.programme_id, "treasurer")
    town.spend(1, 2, at=clock.now())
    assert "Oui. La banque détient 300,00 € pour 300,00 € dus." in treasurer.open(f"/p/{p}").text
    trusted = an_order(doors.house, programme_id=p, buyer_id=town.buyer_id)
    assert "Oui. La banque détient 400,00 € pour 400,00 € dus." in treasurer.open(f"/p/{p}").text
    assert trusted.state == "paid"
    assert "Il est trop tôt pour dire" in treasurer.open(f"/p/{p}").text


# ── The forecast ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_forecast_says_a_day_only_where_it_can_be_said() -> None:
    weeks = [(MONDAY - timedelta(days=7 * ago), 10_000) for ago in range(5)]
    said = {"target": 60_000, "weeks": weeks, "today": MONDAY, "last_day": date(2027, 6, 30)}
    long_ago = MONDAY - timedelta(days=100)
    on = reached_on(reached=50_000, begun_on=long_ago, **said)
    assert (on.says, on.on, on.pace) == ("on", MONDAY + timedelta(days=7), 10_000)
    assert reached_on(reached=60_000, begun_on=long_ago, **said).says == "reached"
    assert reached_on(reached=50_000, begun_on=MONDAY - timedelta(days=20), **said).says == "too_early"
    assert reached_on(reached=0, begun_on=None, **said).says == "too_early"
    assert reached_on(reached=50_000, begun_on=long_ago, **said | {"weeks": []}).says == "too_slow"
    assert reached_on(reached=50_000, begun_on=long_ago, **said | {"target": 9_000_000}).says == "too_slow"
    late = reached_on(reached=50_000, begun_on=long_ago, **said | {"last_day": MONDAY + timedelta(days=6)})
    assert (late.says, late.on) == ("too_late", MONDAY + timedelta(days=7))


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_figure_has_its_chart_its_table_and_its_files(doors: Doors, town: Town) -> None:
    p, auditor = town.programme_id, sits_down(doors, town.programme_id, "auditor")
    town.spend(1, 2, 3, at=clock.now())
    shown = auditor.open(f"/p/{p}/chiffres")
    assert len(shown.tree.xpath("//*[local-name()='svg'][@role='img']")) == 6
    assert "30,00 €" in shown.text and "Commerce 0" in shown.text
    files = [link for link in shown.links() if ".csv" in link or ".xlsx" in link or link.endswith(("hledger", "pdf"))]
    assert len(files) == 6 * 2 + 3
    for link in files:
        assert auditor.open(link).status == 200, link
    assert auditor.open(f"/p/{p}/chiffres/rien.csv").status == 404


def test_a_period_without_spending_says_so_and_a_wrong_day_is_told(doors: Doors, town: Town) -> None:
    p, treasurer = town.programme_id, sits_down(doors, town.programme_id, "treasurer")
    town.spend(1, at=clock.now())
    page = treasurer.open(f"/p/{p}/chiffres")
    long_ago = treasurer.send(page, du="2020-01-01", au="2020-01-31")
    assert "Rien n'a été dépensé sur cette période." in long_ago.text
    assert f"/p/{p}/chiffres/commercants.csv?du=2020-01-01&au=2020-01-31" not in long_ago.links()
    assert f"/p/{p}/comptabilite/journal.csv?du=2020-01-01&au=2020-01-31" in long_ago.links()
    assert "10,00 €" in treasurer.send(page, du="2020-01-01").text
    wrong = treasurer.open(f"/p/{p}/chiffres?du=demain")
    assert (wrong.status, bool(wrong.refusal)) == (422, True)


def test_a_shop_named_like_a_formula_stays_a_name_in_every_file(doors: Doors, town: Town) -> None:
    p, treasurer = town.programme_id, sits_down(doors, town.programme_id, "treasurer")
    a_merchant(doors.house, programme_id=p, shop_name="=1+1<script>")
    assert "=1+1<script>" not in treasurer.open(f"/p/{p}/chiffres").response.text
    csv = treasurer.client.get(f"/p/{p}/chiffres/commercants.csv").content.decode()
    assert csv.startswith("\ufeff") and ";'=1+1<script>;" in csv
    book = treasurer.client.get(f"/p/{p}/chiffres/chiffres.xlsx").content
    cells = [cell for sheet in openpyxl.load_workbook(io.BytesIO(book)) for row in sheet.iter_rows() for cell in row]
    named = next(cell for cell in cells if cell.value == "=1+1<script>")
    assert (named.data_type, named.quotePrefix) == ("s", True)
    assert all(cell.data_type != "f" for cell in cells)


def test_a_workbook_keeps_amounts_as_numbers_and_is_the_same_each_time() -> None:
    rows = [["Été \x00", Euros(-1_250), date(2026, 11, 1), 3, None], ["@x", Euros(99_999_999_999), None, 0, "-1"]]
    book = xlsx([("Janvier/Février", ["Nom", "Montant", "Jour", "Nombre", "Texte"], rows)])
    assert book == xlsx([("Janvier/Février", ["Nom", "Montant", "Jour", "Nombre", "Texte"], rows)])
    sheet = openpyxl.load_workbook(io.BytesIO(book)).worksheets[0]
    assert (sheet.title, sheet.freeze_panes, sheet["A1"].font.bold) == ("Janvier Février", "A2", True)
    assert [cell.data_type for cell in sheet[2]] == ["s", "n", "d", "n", "n"]
    assert (str(sheet["B2"].value), str(sheet["B3"].value)) == ("-12.5", "999999999.99")
    assert "€" in sheet["B2"].number_format
    assert [sheet[at].quotePrefix for at in ("A2", "A3", "E3")] == [False, True, True]


# ── What deserves a look ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_pattern_is_looked_at_and_the_shop_held(doors: Doors, town: Town) -> None:
    p, house = town.programme_id, doors.house
    treasurer, auditor = sits_down(doors, p, "treasurer"), sits_down(doors, p, "auditor")
    assert "Rien d'inhabituel" in treasurer.open(f"/p/{p}/surveillance").text
    noon = (clock.now() - timedelta(days=1)).replace(hour=11, minute=0)
    for rank in range(patterns.BURST_BASKETS):
        town.spend(1 + 2 * rank, at=noon + timedelta(seconds=20 * rank))
    assert "1 observation mérite un regard" in treasurer.open(f"/p/{p}").text
    seen = treasurer.open(f"/p/{p}/surveillance")
    assert "12 encaissements à une seule caisse en moins de 5 minutes" in seen.text
    assert "0000001" in seen.text and "Commerce 0" in seen.text
    assert auditor.open(f"/p/{p}/surveillance").tree.xpath("//main//form") == []
    empty = treasurer.send(seen, because=" ", decision="held")
    assert empty.status == 422 and empty.refusal
    done = treasurer.send(empty, because="à vérifier <avec> le commerçant", decision="held")
    assert done.notice == "C'est noté, et le règlement de ce commerce est retenu."
    assert "à vérifier <avec> le commerçant" in done.text and "règlement retenu" in done.text
    (laid,) = house.read(lambda session: hold.holds_of(session, programme_id=p))
    assert laid.merchant_id == town.merchants[0]
    assert "méritent un regard" not in treasurer.open(f"/p/{p}").text


def test_a_second_pattern_joins_the_hold_of_the_first_and_a_proposed_run_goes_on_without_the_shop(
    doors: Doors, town: Town
) -> None:
    p, treasurer = town.programme_id, sits_down(doors, town.programme_id, "treasurer")
    town.spend(30, shop=1, at=clock.now() - timedelta(days=3))
    for days in (2, 1):
        noon = (clock.now() - timedelta(days=days)).replace(hour=11, minute=0)
        for rank in range(patterns.BURST_BASKETS):
            town.spend(days + 2 * rank, at=noon + timedelta(seconds=20 * rank))
        if days == 2:
            town.propose(clock.book_day(clock.now()), at=clock.now())
        seen = treasurer.open(f"/p/{p}/surveillance")
        done = treasurer.send(seen, because="à vérifier", decision="held")
        assert done.notice == "C'est noté, et le règlement de ce commerce est retenu.", done.refusal
    (laid,) = doors.house.read(lambda session: hold.holds_of(session, programme_id=p))
    told = doors.house.read(lambda session: watch.seen(session, programme_id=p))
    assert [one.hold_number for one in told] == [laid.number, laid.number]
    open_run = doors.house.read(lambda session: runs.find_run(session, programme_id=p, number=2))
    assert [line.merchant_id for line in open_run.to_pay] == [town.merchants[1]]
    town.approve(open_run, at=clock.now())
    town.books_hold()
