"""How soon a till answers, from the code at rest before its camera to the verdict: `python -m bench.verdict`.

A real browser, its camera a film of printed vouchers, the real application on SQLite, both on this machine. A mark in
the film, outside what is decoded, is white while the voucher lies still: the page is watched for the frame that shows
it, for the card and for the verdict, each timed once it is painted. From the card to the cashier's tap the clock stands
still. With network, then without (server killed, signed list at hand). The baseline with network is what the
application takes to answer the two requests, as the same browser times them; without, it is ours with network.
Medians and 95th percentiles; less is better. One JSON line each.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import expect

from tests.camera import REST_MARK
from tests.phone import ANSWERED_MS, SHOWN_AGAIN_MS, Market, Phone, Stall, open_market, open_stall, phone_shop
from vouchers import clock
from vouchers.db import Database
from vouchers.schema import migrate

VOUCHERS: Final = 5
"""A film; each is taken once a round."""

_WATCH: Final = """([x, y]) => {
  const seen = (window.seen = []);
  const note = (what) => seen.push([what, performance.now()]);
  const dot = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  let watched = null, still = true;
  const look = (video) => (at) => {
    if (video !== watched) return;
    dot.drawImage(video, x, y, 1, 1, 0, 0, 1, 1);
    const white = dot.getImageData(0, 0, 1, 1).data[0] > 200;
    if (white && !still) seen.push(["rest", at]);
    still = white;
    video.requestVideoFrameCallback(look(video));
  };
  const shown = { card: false, verdict: false };
  const painted = (what) => requestAnimationFrame(() => setTimeout(() => note(what)));
  const changed = () => {
    const video = document.querySelector("video");
    if (video !== watched) {
      watched = video;
      still = true;
      video?.requestVideoFrameCallback(look(video));
    }
    for (const [what, place] of [["card", "voucher-card"], ["verdict", "screen-verdict"]]) {
      const there = document.querySelector(`[data-testid="${place}"]`) !== null;
      if (there && !shown[what]) painted(what);
      shown[what] = there;
    }
  };
  new MutationObserver(changed).observe(document.body, { childList: true, subtree: true });
  addEventListener("click", () => note("tap"), { capture: true });
  changed();
}"""
_ANSWERS: Final = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => /look-up|redemptions$/.test(name)).map(({ duration }) => duration)"""


@contextmanager
def counter(market: Market, film: Path) -> Iterator[tuple[Stall, Phone]]:
    """A till whose camera is open, watched."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_stall(market, folder) as stall:
            stall.allow_offline()
            with phone_shop(stall.server.address, folder) as new_phone:
                phone = new_phone(film)
                phone.pair(stall.pairing_code())
                expect(phone.page.locator('[data-camera="on"]')).to_be_visible(timeout=ANSWERED_MS)
                phone.page.evaluate(_WATCH, list(REST_MARK))
                yield stall, phone


def verdicts(phone: Phone, tone: str) -> list[float]:
    """Takes what the film shows; milliseconds of each."""
    page = phone.page
    for _ in range(VOUCHERS):
        page.get_by_test_id("redeem").click(timeout=SHOWN_AGAIN_MS)
        expect(phone.verdict(tone)).to_be_visible(timeout=ANSWERED_MS)
        page.get_by_test_id("verdict-continue").click()
    found: list[float] = []
    at: dict[str, float] = {}
    for what, moment in page.evaluate("() => window.seen"):
        if what != "tap" or "verdict" not in at:
            at[what] = moment
        if what == "verdict":
            if "rest" in at:  # else it lay there already when the camera came back
                found.append(at["card"] - at["rest"] + at["verdict"] - at["tap"])
            at = {}
    return found


def one_round(market: Market, film: Path) -> tuple[list[float], list[float], list[float]]:
    """(with network, what of it was the application's answers, without network), milliseconds."""
    with counter(market, film) as (_, phone):
        online = verdicts(phone, "accepted")
        durations: list[float] = phone.page.evaluate(_ANSWERS)
    with counter(market, film) as (stall, phone):
        phone.holds_list()
        stall.server.kill()
        phone.lose_network()
        offline = verdicts(phone, "offline")
    return online, [sum(pair) for pair in zip(durations[::2], durations[1::2], strict=True)], offline


def report(name: str, ours: list[float], baseline: list[float]) -> None:
    middle, base = statistics.median(ours), statistics.median(baseline)
    worst = statistics.quantiles(ours, n=20, method="inclusive")[-1]
    line: dict[str, Any] = {
        "name": name,
        "ours": round(middle),
        "p95": round(worst),
        "baseline": round(base),
        "ratio": round(middle / base, 2),
        "unit": "ms",
        "vouchers": len(ours),
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round instead of four")
    rounds = 1 if parser.parse_args().quick else 4
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        house = Database(f"sqlite:///{folder / 'migrated.db'}")
        migrate(house)
        house.close()
        market = open_market(folder, folder / "migrated.db", vouchers=VOUCHERS, shops=1, at=clock.now())
        film = market.film_of(*range(1, VOUCHERS + 1))
        found = [one_round(market, film) for _ in range(rounds)]
    online, wire, offline = ([ms for part in parts for ms in part] for parts in zip(*found, strict=True))
    report("verdict_ms", online, wire)
    report("verdict_offline_ms", offline, online)


if __name__ == "__main__":
    main()
