"""The pages for everybody, on the road without a script: the voucher's page, the shops, the gauge."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.doors import Doors, open_doors
from tests.makers import a_merchant
from tests.pages.browsing import Browser, Page
from tests.paper.test_statement import read
from tests.test_directory import tells
from tests.town import Town, a_town
from vouchers import clock, codes, opening, people, shop_profiles
from vouchers.pages.voucher_front import STATES
from vouchers.shop_profiles import Place

HOSTILE = '<script>alert(1)</script>" onload=x'


def typed(stranger: Browser, code: str) -> Page:
    """Somebody types what stands behind the # of the QR."""
    return stranger.send(stranger.open("/"), "/", code=code)


# ── The voucher's page ───────────────────────────────────────────────────────────────────────────────────────────
def test_who_types_a_code_reads_what_it_is_worth_until_when_and_where(stranger: Browser, town: Town) -> None:
    code = town.secrets[1].code
    told = typed(stranger, f"https://cheques.example.fr/#{code.lower()}")
    last = clock.day_fr(clock.book_day(clock.now()) + timedelta(days=200))
    assert told.status == 200 and told.path == "/"
    for said in ("Ce chèque est bon", "10 €", f"À dépenser jusqu'au {last}", "Il reste 200 jours.", "Noël"):
        assert said in told.text
    assert f"/commerces/{town.programme_id}" in told.links()
    spaced = " ".join(code[begin : begin + 5] for begin in range(0, len(code), 5))
    assert "Ce chèque est bon" in typed(stranger, spaced).text


def test_a_code_stays_in_no_answer_no_cookie_and_no_address(stranger: Browser, town: Town) -> None:
    code = town.secrets[1].code
    told = typed(stranger, code)
    seen = f"{told.response.text} {told.response.url} {dict(told.response.headers)} {dict(stranger.client.cookies)}"
    assert code not in seen.upper()
    assert told.response.headers["cache-control"] == "no-store"


def test_each_state_of_a_voucher_is_said_and_never_where_or_when_it_was_used(
    stranger: Browser, doors: Doors, town: Town
) -> None:
    doors.till(town.programme_id, town.merchants[0]).redeem(town.secrets[1].code)
    town.block(2, at=clock.now())
    used, stopped = typed(stranger, town.secrets[1].code), typed(stranger, town.secrets[2].code)
    assert "a déjà été dépensé" in used.text and "a été arrêté" in stopped.text
    assert "Boulangerie" not in used.text and "à " + clock.moment_fr(clock.now())[:10] not in used.text
    assert "ne vaut rien" in typed(stranger, "https://x.fr/till/#TRAINING-1000-1").text
    today = clock.book_day(clock.now())
    over = a_town(
        doors.house,
        vouchers=1,
        at=clock.now() - timedelta(days=5),
        starts_on=today - timedelta(days=9),
        expires_on=today - timedelta(days=1),
        presentation_deadline_on=today,
    )
    assert "La date est passée" in typed(stranger, over.secrets[1].code).text
    asleep = a_town(
        doors.house,
        vouchers=1,
        active=False,
        at=clock.now(),
        starts_on=today,
        expires_on=today,
        presentation_deadline_on=today,
    )
    inactive = typed(stranger, asleep.secrets[1].code)
    assert "pas encore activé" in inactive.text and "Présentez-vous à la mairie" in inactive.text


def test_what_is_no_voucher_of_ours_gets_one_answer_and_then_none(stranger: Browser, town: Town) -> None:
    answers = [typed(stranger, one) for one in (codes.new_code(), "pas un code", "'; DROP TABLE voucher", "é" * 26)]
    assert {one.status for one in answers} == {404}
    assert len({one.text for one in answers}) == 1 and "ne connaissons pas" in answers[0].text
    for _ in range(26):
        typed(stranger, codes.new_code())
    stopped = typed(stranger, town.secrets[1].code)
    assert stopped.status == 429 and int(stopped.response.headers["retry-after"]) > 0
    assert "Trop d'essais" in stopped.text and "10 €" not in stopped.text
    by_script = stranger.client.post("/api/v1/public/voucher", json={"code": town.secrets[1].code})
    assert by_script.status_code == 429  # the same throttle, whichever way one asks


def test_a_script_finds_a_sentence_for_every_answer_in_both_languages(stranger: Browser) -> None:
    for language, good in (("fr", "Ce chèque est bon"), ("en", "This voucher is good")):
        front = stranger.open("/", headers={"Accept-Language": language})
        kept = {str(one.get("id")): one.text_content() for one in front.tree.xpath("//template")}
        assert set(kept) == {f"say-{state}" for state in STATES}
        assert good in kept["say-spendable"] and all(text.strip() for text in kept.values())


# ── The shops ────────────────────────────────────────────────────────────────────────────────────────────────────
def shop(doors: Doors, town: Town, name: str, **how: Any) -> int:
    return a_merchant(doors.house, programme_id=town.programme_id, shop_name=name, at=clock.now(), **how)


def doing(town: Town, merchant_id: int) -> dict[str, Any]:
    return {"programme_id": town.programme_id, "merchant_id": merchant_id, "actor": "staff:1", "at": clock.now()}


def test_one_programme_leads_straight_to_its_shops_and_the_search_finds_them(
    stranger: Browser, doors: Doors, town: Town
) -> None:
    shop(doors, town, "Épicerie de l'Œuf", trade="Épicerie", commune="Évrecy")
    page = stranger.open("/commerces")
    assert page.path == f"/commerces/{town.programme_id}"
    found = stranger.send(page, page.path, q="epicerie OEUF")
    assert "1 commerce pour cette recherche" in found.text and "Épicerie de l'Œuf" in found.text
    in_evrecy = stranger.send(page, page.path, commune="Évrecy")
    assert "1 commerce pour cette recherche" in in_evrecy.text
    assert "Aucun commerce ne répond" in stranger.send(page, page.path, q="poisson").text
    a_second = doors.programme(name="Fête du port")
    both = stranger.open("/commerces")
    assert both.path == "/commerces" and f"/commerces/{a_second}" in both.links()


def test_open_now_lists_who_is_open_and_a_page_says_when(stranger: Browser, doors: Doors, town: Town) -> None:
    always, never = shop(doors, town, "Toujours"), shop(doors, town, "Muette")
    tells(doors.house, town.programme_id, always, hours=opening.parse("0h-24h"))
    home = f"/commerces/{town.programme_id}"
    listed = stranger.send(stranger.open(home), home, ouvert="1").text
    assert "Toujours" in listed and "Muette" not in listed
    page = stranger.open(f"{home}/{always}")
    assert "Ouvert en ce moment" in page.text and "Tous les jours" in page.text and "3 rue de l'Église" in page.text
    assert {"tel:0233445566", "https://lemoine.example.fr"} <= set(page.links())
    (site,) = page.tree.xpath("//a[@href='https://lemoine.example.fr']/@rel")
    assert {"noopener", "noreferrer", "nofollow"} <= set(str(site).split())
    assert "patron@example.fr" not in page.response.text and "Paul Lemoine" not in page.response.text
    assert "n'a pas donné ses horaires" in stranger.open(f"{home}/{never}").text


def test_a_long_list_goes_on_and_a_suspended_shop_is_gone(stranger: Browser, doors: Doors, town: Town) -> None:
    numbers = [shop(doors, town, f"Maison {number:02d}", trade="Gîte") for number in range(45)]
    home = f"/commerces/{town.programme_id}"
    first = stranger.open(f"{home}?metier=gite")
    (onward,) = [link for link in first.links() if "after=" in link]
    second = stranger.open(onward)
    names = [str(one) for page in (first, second) for one in page.tree.xpath("//ol[@class='shops']//h3//bdi/text()")]
    assert names == [f"Maison {number:02d}" for number in range(45)]
    doors.house.write(lambda session: people.suspend_merchant(session, **doing(town, numbers[0]), reason="fermé"))
    assert stranger.open(f"{home}/{numbers[0]}").status == 404
    assert "Maison 00" not in stranger.open(home).text


def test_the_pages_of_shops_are_kept_by_anybody_and_set_no_cookie(stranger: Browser, doors: Doors, town: Town) -> None:
    number = shop(doors, town, "Une")
    home = f"/commerces/{town.programme_id}"
    for path in ("/commerces", home, f"{home}/{number}", f"{home}/carte.json", f"{home}/liste.pdf"):
        answer = stranger.client.get(path, follow_redirects=False)
        assert "set-cookie" not in answer.headers, path
        assert answer.headers["cache-control"] == "public, max-age=60", path
        if answer.status_code == 200:
            assert answer.headers["vary"] == "Accept-Language, Cookie", f"{path}: the other language is not kept for it"
    listed = stranger.open(home)
    assert not listed.tree.xpath("//meta[@name='robots']") and not listed.tree.xpath("//form[@method='post']")
    assert listed.tree.xpath("//link[@rel='canonical']/@href") == [home]
    english = stranger.open(f"{home}?langue=en")
    assert "Where can I spend my vouchers?" in english.text and english.tree.get("lang") == "en"


def test_hostile_names_are_text_on_the_page_in_the_map_and_on_paper(
    stranger: Browser, doors: Doors, town: Town
) -> None:
    number = shop(doors, town, HOSTILE, trade="=1+1", commune="<b>Caen</b>")
    what = doing(town, number)
    doors.house.write(lambda session: shop_profiles.set_place(session, **what, place=Place(49_000_000, -300_000)))
    home = f"/commerces/{town.programme_id}"
    for path in (home, f"{home}/{number}", f"{home}?q=%3Cscript%3Ealert(2)%3C/script%3E&commune=%22onload%3Dx"):
        page = stranger.open(path)
        assert "<script>alert" not in page.response.text and "<b>Caen" not in page.response.text
        assert not page.tree.xpath("//*[@onload]")
    (placed,) = stranger.client.get(f"{home}/carte.json").json()["shops"]
    assert placed["name"] == HOSTILE and placed["latitude_e6"] == 49_000_000
    assert stranger.client.get(f"{home}/carte.json?seul={number}").json()["matching"] == 1
    paper = stranger.client.get(f"{home}/liste.pdf")
    assert paper.headers["content-type"] == "application/pdf"
    assert HOSTILE in "".join(read(paper.content))
    assert len(read(stranger.client.get(f"{home}/liste.pdf?format=petit&langue=en").content)) == 1


def test_a_photo_is_kept_for_good_under_a_name_that_changes_with_it(
    stranger: Browser, doors: Doors, town: Town
) -> None:
    number = shop(doors, town, "Photographe")
    what = doing(town, number)
    doors.house.write(lambda session: shop_profiles.set_photo(session, **what, photo=b"\xff\xd8\xffune photo"))
    (address,) = stranger.open(f"/commerces/{town.programme_id}/{number}").tree.xpath("//main//img/@src")
    photo = stranger.client.get(str(address))
    assert photo.content == b"\xff\xd8\xffune photo" and photo.headers["content-type"] == "image/jpeg"
    assert "immutable" in photo.headers["cache-control"] and photo.headers["x-content-type-options"] == "nosniff"
    doors.house.write(lambda session: shop_profiles.set_photo(session, **what, photo=b"\xff\xd8\xffune autre"))
    assert stranger.client.get(str(address)).status_code == 404


def test_tiles_are_asked_of_the_one_host_that_is_set_and_on_these_pages_only(house_url: str, tmp_path: Any) -> None:
    address = "https://tuiles.example.fr/{z}/{x}/{y}.png"
    with open_doors(house_url, tmp_path, tiles_url=address) as doors:
        number = doors.programme()
        policies = [
            doors.client.get(path).headers["content-security-policy"] for path in (f"/commerces/{number}", "/connexion")
        ]
    assert "img-src 'self' data: blob: https://tuiles.example.fr;" in policies[0]
    assert "tuiles" not in policies[1]
    for wrong in (
        "http://tuiles.example.fr/{z}/{x}/{y}.png",
        "https://a.fr/ 'unsafe-inline'/{z}{x}{y}",
        "https://a.fr",
    ):
        with pytest.raises(ValueError, match="tiles_url"), open_doors(house_url, tmp_path, tiles_url=wrong):
            pass


# ── The gauge ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_gauge_stands_in_frames_of_other_sites_without_cookie_or_script(
    stranger: Browser, doors: Doors, town: Town
) -> None:
    doors.till(town.programme_id, town.merchants[0]).redeem(town.secrets[1].code)
    gauge = stranger.open(f"/jauge/{town.programme_id}")
    headers = gauge.response.headers
    assert "10 € dépensés dans nos commerces" in gauge.text and "0 % de l'objectif de 60 000 €" in gauge.text
    assert "frame-ancestors *" in headers["content-security-policy"] and "x-frame-options" not in headers
    assert "set-cookie" not in headers and headers["cache-control"] == "public, max-age=300"
    assert not gauge.tree.xpath("//script|//form")
    assert stranger.open("/jauge/999999").status == 404
    for other in ("/", f"/commerces/{town.programme_id}"):
        answer = stranger.open(other).response.headers
        assert "frame-ancestors 'none'" in answer["content-security-policy"] and answer["x-frame-options"] == "DENY"


def test_pages_lead_from_one_to_the_other_and_to_the_till(stranger: Browser, town: Town) -> None:
    front = stranger.open("/")
    assert {"/commerces", "/till/", "/connexion"} <= set(front.links())
    assert {"/", "/till/"} <= {urlsplit(link).path for link in stranger.open("/commerces").links()}
