"""A phone with one bar of signal loads the till in its smallest form."""

import gzip
import os
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.api.doors import Doors
from vouchers.api.app import TILL_FILES, TillFiles


def test_each_file_of_the_till_comes_in_the_smallest_form_that_the_browser_takes(doors: Doors) -> None:
    """The same content, type and way of being kept; another tag for each form."""
    main = next((path.name for path in TILL_FILES.glob("main-*.js")), None)
    assert main is not None, "the till is not built: run `python hatch_build.py` (make does)"
    wasm = next(path.name for path in TILL_FILES.glob("*.wasm"))
    whole_load = 0
    for name, kind in {
        "": "text/html; charset=utf-8",
        main: "text/javascript; charset=utf-8",
        wasm: "application/wasm",
        "manifest.webmanifest": "application/manifest+json",
        "service-worker.js": "text/javascript; charset=utf-8",
    }.items():
        plain, zipped, smallest = (
            doors.client.get(f"/till/{name}", headers={"Accept-Encoding": taken})
            for taken in ("identity", "gzip", "gzip, deflate, br")
        )
        with doors.client.stream("GET", f"/till/{name}", headers={"Accept-Encoding": "br;q=0, gzip;q=0.5"}) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            raw = b"".join(answer.iter_raw())
        assert gzip.decompress(raw) == zipped.content == plain.content
        assert smallest.headers["content-encoding"] == "br" and "content-encoding" not in plain.headers
        assert {answer.headers["content-type"] for answer in (plain, zipped, smallest)} == {kind}
        assert {answer.headers["vary"] for answer in (plain, zipped, smallest)} == {"Accept-Encoding"}
        assert len({answer.headers["etag"] for answer in (plain, zipped, smallest)}) == 3
        assert len({answer.headers["cache-control"] for answer in (plain, zipped, smallest)}) == 1
        whole_load += int(smallest.headers["content-length"])
        again = {"Accept-Encoding": "br", "If-None-Match": smallest.headers["etag"]}
        unchanged = doors.client.get(f"/till/{name}", headers=again)
        assert unchanged.status_code == 304 and unchanged.headers["vary"] == "Accept-Encoding"
    assert whole_load < 450_000


def test_the_next_release_is_told_from_this_one_though_its_page_has_the_same_size_and_date(tmp_path: Path) -> None:
    """And a release that was put back is older than what the browser keeps."""
    page = tmp_path / "index.html"
    seen: list[Response] = []
    for release, dated in (
        ("main-1111.js", 1_600_000_000),
        ("main-2222.js", 1_600_000_000),
        ("main-3333.js", 1_500_000_000),
    ):
        page.unlink(missing_ok=True)
        page.write_text(release)
        os.utime(page, (dated, dated))
        client = TestClient(TillFiles(tmp_path))
        kept = {"If-None-Match": seen[-1].headers["etag"]} if seen else {}
        seen.append(client.get("/", headers=kept))
        since = {"If-Modified-Since": seen[0].headers["last-modified"]}
        assert client.get("/", headers=since).text == release
    assert [answer.text for answer in seen] == ["main-1111.js", "main-2222.js", "main-3333.js"]


@pytest.mark.parametrize("name", ["index.html.gz", "service-worker.js.br"])
def test_a_compressed_form_is_not_a_file_of_its_own(doors: Doors, name: str) -> None:
    """Else a browser would be given bytes without being told what they are."""
    assert (TILL_FILES / name).is_file()
    assert doors.client.get(f"/till/{name}").status_code == 404
