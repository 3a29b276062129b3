"""The papers of a run through the API: made in parts, taken away, sent; the bank's file is the one that first left."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.api.doors import V1, Doors, Person, reason
from tests.given_papers import a_profile, able_to_invoice
from tests.town import Town
from vouchers import clock


@pytest.fixture
def treasurer(doors: Doors, town: Town, tmp_path: Path) -> Person:
    app: Any = doors.client.app
    app.state.settings = app.state.settings.model_copy(update={"mail_folder": tmp_path / "mail"})
    return doors.person(town.programme_id, "treasurer")


@pytest.fixture
def path(town: Town) -> str:
    """An approved run that pays two shops."""
    at = clock.now()
    town.spend(1, shop=0, at=at)
    town.spend(2, shop=1, at=at)
    run = town.approve(town.propose(clock.book_day(at), at=at), at=at)
    return f"{V1}/programmes/{town.programme_id}/settlements/{run.number}"


def test_papers_are_made_in_parts_taken_away_and_sent(town: Town, treasurer: Person, path: str, tmp_path: Path) -> None:
    assert reason(treasurer.post(f"{path}/papers")) == "issuer_details_missing"
    able_to_invoice(town)
    a_profile(town, 0, email="boulangerie@example.fr")
    assert reason(treasurer.get(f"{path}/papers")) == "papers_not_ready"
    assert reason(treasurer.post(f"{path}/letters")) == "papers_not_ready"
    for made in (1, 2, 2):
        told = treasurer.post(f"{path}/papers", {"merchants": 1}).json()
        assert told == {"payees": 2, "made": made, "invoices": made, "vague": 1}
    bundle = treasurer.get(f"{path}/papers")
    assert len(zipfile.ZipFile(io.BytesIO(bundle.content)).namelist()) == 4
    assert treasurer.get(f"{path}/papers").content == bundle.content
    for paper in ("statement", "invoice"):
        first = treasurer.get(f"{path}/merchants/{town.merchants[1]}/{paper}")
        assert first.content.startswith(b"%PDF")
        assert treasurer.get(f"{path}/merchants/{town.merchants[1]}/{paper}").content == first.content
    assert reason(treasurer.post(f"{path}/letters")) == "run_state"
    treasurer.post(f"{path}/bank-file")
    for left in (1, 0):
        sent = treasurer.post(f"{path}/letters").json()
        assert (sent["left"], sent["failed"]) == (left, 0)
        assert sent["posts"] == {"sent": 1, "failed": 0, "claimed": 0, "nowhere": 1, "waiting": 0}
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1


def test_the_banks_file_is_the_same_each_time_and_kept(doors: Doors, treasurer: Person, path: str) -> None:
    first = treasurer.post(f"{path}/bank-file")
    assert first.status_code == 200 and b"pain.001.001.09" in first.content
    assert treasurer.post(f"{path}/bank-file").content == first.content
    assert treasurer.get(path).json()["state"] == "exported"
