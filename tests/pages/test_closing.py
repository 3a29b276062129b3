"""The closing at a desk: the treasurer makes a dossier, others read it, a buyer gets that of its own order."""

import hashlib

from tests.api.doors import Doors
from tests.makers import a_buyer
from tests.pages.browsing import sits_down
from tests.town import Town


def test_the_treasurer_closes_the_programme_and_downloads_the_first_file_twice(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}"
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    page = treasurer.open(f"{home}/cloture")
    assert "état provisoire" in page.text and "Aucun dossier" in page.text
    made = treasurer.send(page, f"{home}/cloture")
    assert "signé et conservé" in made.notice
    (link,) = [one for one in made.links() if "/pieces/D" in one]
    files = [treasurer.open(link).response.content for _ in range(2)]
    assert files[0] == files[1] and files[0].startswith(b"%PDF-")
    assert hashlib.sha256(files[0]).hexdigest() in made.text

    pressed_again = treasurer.send(page, f"{home}/cloture")
    assert len([one for one in pressed_again.links() if "/pieces/D" in one]) == 1, "the same form makes one dossier"

    auditor = sits_down(doors, town.programme_id, "auditor").open(f"{home}/cloture")
    assert link in auditor.links() and not auditor.tree.xpath("//main//form")


def test_a_buyer_reads_the_dossier_of_its_order_and_no_other(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}"
    other = a_buyer(doors.house, programme_id=town.programme_id, name="Une autre commune")
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    page = treasurer.open(f"{home}/cloture")
    treasurer.send(page, f"{home}/cloture")
    done = treasurer.send(treasurer.open(f"{home}/cloture"), f"/commandes/{town.order_number}/cloture")
    whole, own = sorted(one for one in done.links() if "/pieces/D" in one)
    clerk = sits_down(doors, town.programme_id, "buyer_clerk", buyer_id=town.buyer_id)
    assert clerk.open(own).response.content.startswith(b"%PDF-")
    assert clerk.open(whole).status in (403, 404)
    stranger = sits_down(doors, town.programme_id, "buyer_clerk", buyer_id=other)
    assert stranger.open(own).status in (403, 404)
    assert clerk.open(f"{home}/cloture").status == 403
