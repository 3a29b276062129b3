"""How long one picture of the camera takes to read, against jsQR: `python -m bench.scan_frame`.

The till's own decoder, as built, and jsQR 1.4.0 (black on white only, its faster way), each in a worker of one
Chromium, get the same pictures of printed vouchers at 1280 x 720, in turn, cut as the till cuts them; from handing over
the picture to having its answer, read or not: a decoder searches longest where it finds nothing. Medians, 95th
percentiles, and the share read by each; less time is better. One JSON line.
"""

import argparse
import base64
import json
import shutil
import statistics
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

from bench.print_sheets import TEXT, batch
from tests.phone import CHECKOUT, CHROMIUM
from tests.pictures import Picture, pictures
from vouchers import codes
from vouchers.api.app import TILL_FILES
from vouchers.paper.voucher_sheet import CHEQUES_A_PAGE, write_sheets

_JSQR: Final = CHECKOUT / "scanner_pwa" / "node_modules" / "jsqr" / "dist" / "jsQR.js"
_JSQR_WORKER: Final = """
self.onmessage = ({ data: { id, bitmap } }) => {
  const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(bitmap, 0, 0);
  const { data, width, height } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  self.postMessage({ id, text: self.jsQR(data, width, height, { inversionAttempts: "dontInvert" })?.data ?? null });
};
self.postMessage({ works: true });
"""
_OPEN: Final = """async (names) => {
  window.workers = await Promise.all(names.map((name) => new Promise((ready, failed) => {
    const worker = new Worker(name);
    worker.onerror = failed;
    worker.onmessage = ({ data }) => ready(data.works && worker);
  })));
}"""
_TIME: Final = """async ([jpeg, swap]) => {
  const bytes = Uint8Array.from(atob(jpeg), (char) => char.charCodeAt(0));
  const whole = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  const side = Math.floor(Math.min(whole.width, whole.height) * 0.9);
  const left = Math.floor((whole.width - side) / 2), top = Math.floor((whole.height - side) / 2);
  const found = [];
  for (const at of swap ? [1, 0] : [0, 1]) {
    const worker = window.workers[at];
    const bitmap = await createImageBitmap(whole, left, top, side, side);
    found[at] = await new Promise((read) => {
      const asked = performance.now();
      worker.onmessage = ({ data }) => read([performance.now() - asked, data.text]);
      worker.postMessage({ id: 1, bitmap }, [bitmap]);
    });
  }
  return found;
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 its own name
        """Says nothing."""


def served(folder: Path) -> ThreadingHTTPServer:
    """The two workers and the wasm, on a port of their own."""
    for path in TILL_FILES.iterdir():
        if path.name.startswith(("decoder-", "zxing")) and path.suffix in {".js", ".wasm"}:
            shutil.copy(path, folder)
    (folder / "jsqr.js").write_text(_JSQR.read_text() + _JSQR_WORKER)
    (folder / "index.html").write_text("<!doctype html><title>bench</title>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def hd_pictures(folder: Path, each: int) -> list[Picture]:
    """The corpus of the tests, of another seed."""
    cheques = list(batch(CHEQUES_A_PAGE))
    write_sheets(folder / "sheet.pdf", text=TEXT, cheques=cheques)
    texts = [codes.qr_text(TEXT.host, one.code) for one in cheques]
    return [one for one in pictures(folder / "sheet.pdf", texts, each=each, seed=20261122) if one.size == "HD"]


def timed(home: str, decoder: str, shown: list[Picture], rounds: int) -> list[list[tuple[float, bool]]]:
    """(milliseconds, read) of every look, ours and jsQR's."""
    looks: list[list[tuple[float, bool]]] = [[], []]
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
        page = browser.new_page()
        page.goto(home)
        page.evaluate(_OPEN, [decoder, "jsqr.js"])
        for turn in range(rounds + 1):
            for at, picture in enumerate(shown if turn else shown[:10]):
                jpeg = base64.b64encode(picture.jpeg).decode()
                for side, (ms, text) in zip(looks, page.evaluate(_TIME, [jpeg, bool((at + turn) % 2)]), strict=True):
                    assert text in (None, picture.text), "a wrong text"
                    if turn:  # the first few only warm up
                        side.append((ms, text is not None))
        browser.close()
    return looks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of half of the pictures")
    quick = parser.parse_args().quick
    if CHROMIUM is None or not _JSQR.is_file():
        missing = "Chromium on the PATH" if CHROMIUM is None else "scanner_pwa/node_modules (make till)"
        print(f"scan_frame: skipped, there is no {missing}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shown = hd_pictures(folder, each=1 if quick else 2)
        server = served(folder)
        decoder = next(folder.glob("decoder-*.js")).name
        home = f"http://127.0.0.1:{server.server_port}/"
        ours, theirs = timed(home, decoder, shown, rounds=1 if quick else 2)
        server.shutdown()
    middle, base = (statistics.median(ms for ms, _ in side) for side in (ours, theirs))
    worst, base_worst = (statistics.quantiles([ms for ms, _ in side], n=20)[-1] for side in (ours, theirs))
    read, base_read = (sum(read for _, read in side) / len(side) for side in (ours, theirs))
    line = {
        "name": "scan_frame_hd_ms",
        "ours": round(middle, 1),
        "p95": round(worst, 1),
        "baseline": round(base, 1),
        "baseline_p95": round(base_worst, 1),
        "ratio": round(middle / base, 2),
        "unit": "ms",
        "read": round(read, 2),
        "baseline_read": round(base_read, 2),
        "pictures": len(shown),
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
