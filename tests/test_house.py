"""The house itself, read with `ast`: which room may know which, and what is said or done in one room only.

A rule is a function of a room that yields complaints, `path:line: what is wrong`. Each is tried on the whole house, and
shown to bite on a few bad lines.
"""

import ast
import graphlib
import importlib.metadata
import re
import string
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from vouchers.api.problems import STATUS
from vouchers.errors import REFUSALS, Refusal, VoucherRefusal

ROOT: Final = Path(__file__).parent.parent

FLOORS: Final = {
    "words": (
        "__init__ money clock errors wrong chart codes config identity list_check opening shop_card shop_lines "
        "address_block letter_words passwords pins snapshots matching bank_messages forecast patterns entries "
        "fact_words files"
    ),
    "memory": "tables db prepared schema",
    "law": (
        "access attempts one_time second_factor ledger keys till_keys rules founding unsettled guarantee "
        "order_book order_desk bank_lines bank_statements bank_witnesses runs papers_due paper_settings "
        "bookkeeping archive outcomes invariants witnesses paper_witnesses guards"
    ),
    "verbs": (
        "people applications shop_profiles programmes terms set_up bank_accounts reconcile repay proposals roles "
        "sign_in links passkeys invitations tills cashiers order recipient_lists recipients issue stop expire "
        "redeem sales reverse settle pay hold remit offline acceptances disputes directory spending report "
        "solvency to_do watch books accounting vat threshold finding campaign reminders commissions "
        "statement_posts dossier billing invoices privacy verify seal copies"
    ),
    "paper": "paper.*",
    "workshop": (
        "workshop bank_desk bank_decisions run_papers statement_post mail_merge letterbox exports campaign_papers "
        "invoicing signing_key closing dossier_tables"
    ),
    "doors": (
        "api.* pages.* press cli cli_bank cli_books cli_dossier cli_invoices cli_letters cli_trade terminal demo "
        "demo_bank demo_cast demo_town demo_elders demo_desks __main__"
    ),
}
"""From the ground up. A room may import the floors below its own; `x.*` is every room of that folder."""

SIDEWAYS: Final = frozenset({"words", "memory", "law", "paper", "workshop"})
"""Floors whose rooms may import each other, never in a circle. Verbs do not know verbs."""

DOOR_TO_DOOR: Final = {
    "__main__": "cli",
    "cli": "api.app cli_bank cli_books cli_dossier cli_invoices cli_letters cli_trade demo demo_cast terminal",
    "cli_bank": "terminal",
    "cli_books": "terminal",
    "cli_dossier": "terminal",
    "cli_invoices": "terminal",
    "cli_letters": "terminal",
    "cli_trade": "terminal",
    "demo": "demo_bank demo_cast demo_desks",
    "demo_bank": "demo_cast",
    "demo_desks": "demo_cast demo_town demo_elders",
    "demo_cast": "demo_town",
    "api.app": "api.* pages.desk pages.doors pages.look",
    "pages.doors": "pages.*",
    "pages.*": (
        "api.fields api.guard api.problems api.shapes pages.desk pages.forms pages.language pages.look pages.menu press"
        " pages.shop_form pages.preview pages.reproposal pages.set_up_forms pages.ways_in"
    ),
    "api.*": "api.fields api.frame api.guard api.problems api.shapes press",
}
"""The only imports from door to door: whoever composes them, and what every door of the API stands on."""

LIBRARIES: Final = {
    "fastapi": "api.* pages.*",
    "starlette": "api.* pages.*",
    "jinja2": "pages.look",
    "babel": "pages.language",
    "openpyxl": "paper",
    "webauthn": "passkeys",
    "uvicorn": "cli demo",
    "typer": "cli cli_bank cli_books cli_dossier cli_invoices cli_letters cli_trade terminal",
    "pydantic": "api.* config cli",
    "pydantic_settings": "config",
    "sqlalchemy": "memory law verbs config",
    "alembic": "schema",
    "psycopg": "db prepared",
    "pysqlite3": "db prepared",
    "sqlite3": "",
    "argon2": "passwords",
    "reportlab": "paper",
    "qrcode": "paper",
    "PIL": "paper",
    "pikepdf": "paper",
    "pypdfium2": "paper.pdfium",
    "zxingcpp": "paper",
    "lxml": "paper",
    "facturx": "paper",
}
"""Where a library may be imported: floors and rooms."""

CARRIED: Final = {"starlette": "fastapi", "pydantic": "fastapi", "pydantic_core": "fastapi"}
"""Imported by name, and brought by a library that shows it in its own interface."""

CLOCK_WORDS: Final = frozenset({"now", "utcnow", "today", "current_timestamp"})
TIME_WORDS: Final = frozenset({"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"})
CLOCKS: Final = frozenset({"datetime", "date", "clock", "func", "sa", "pendulum", "arrow"})

FLOATING: Final = frozenset({"float", "round", "Decimal"})
BANNED_NAMES: Final = frozenset({"util", "common", "helper", "service", "manager", "misc", "base"})
ROOM_LINES: Final = 450
CATALOGUES: Final = {"tables": 1_300, "errors": 1_000}
"""Rooms to be read from top to bottom as one list."""
FUNCTION_LINES: Final = 80
MOST_DEPENDENCIES: Final = 40

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Room:
    """One file of the package. `name` is dotted below `vouchers`: 'redeem', 'paper.qr'; a folder's own is 'paper'."""

    name: str
    path: str
    source: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.source, self.path)))

    @property
    def floor(self) -> str | None:
        return next((floor for floor, rooms in FLOORS.items() if listed(self.name, rooms)), None)

    def at(self, node: ast.AST, wrong: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {wrong}"


Rule = Callable[[Room], Iterator[str]]


def listed(name: str, rooms: str) -> bool:
    """Whether `name` is among `rooms`, by itself or by its folder."""
    return not {name, f"{name.partition('.')[0]}.*"}.isdisjoint(rooms.split())


def room_of(path: Path) -> Room:
    name = ".".join(path.relative_to(ROOT / "vouchers").with_suffix("").parts)
    return Room(name.removesuffix(".__init__"), path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


HOUSE: Final = [room_of(path) for path in sorted((ROOT / "vouchers").rglob("*.py"))]
NAMES: Final = frozenset(room.name for room in HOUSE)
DISTRIBUTIONS: Final = importlib.metadata.packages_distributions()


def imported_rooms(room: Room) -> Iterator[tuple[ast.AST, str]]:
    """The rooms of this house that `room` imports, wherever in the file."""
    for node in room.nodes:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if node.level:
                yield node, module
            elif module.split(".")[0] == "vouchers":
                inside = module.removeprefix("vouchers").removeprefix(".")
                for alias in node.names:
                    deeper = f"{inside}.{alias.name}".removeprefix(".")
                    # What is no room of the house is a name in one: in the package itself, `__version__` and its like.
                    is_room = deeper in NAMES or not (inside or alias.name.startswith("__"))
                    yield node, deeper if is_room else inside or "__init__"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "vouchers":
                    yield node, alias.name.removeprefix("vouchers").removeprefix(".") or "__init__"


def libraries(room: Room) -> Iterator[tuple[ast.AST, str]]:
    """The outside packages that `room` imports, standard library included."""
    for node in room.nodes:
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node, node.module.split(".")[0]
        elif isinstance(node, ast.Import):
            yield from ((node, alias.name.split(".")[0]) for alias in node.names)


# ── The rules ────────────────────────────────────────────────────────────────────────────────────────────────────
def imports_go_down(room: Room) -> Iterator[str]:
    order = list(FLOORS)
    if room.floor is None:
        yield f"{room.path}:1: no floor has this room: draw it in FLOORS of tests/test_house.py"
        return
    for node, target in imported_rooms(room):
        other = next((floor for floor, rooms in FLOORS.items() if listed(target, rooms)), None)
        if other is None:
            yield room.at(node, f"imports {target}, a room that no floor has")
        elif order.index(other) > order.index(room.floor):
            yield room.at(node, f"{room.name} ({room.floor}) imports {target}, a floor above ({other})")
        elif room.floor == "paper" and other not in {"words", "paper"}:
            yield room.at(node, f"paper knows only words and values, not {target}")
        elif other == room.floor == "doors" and not may_open(room.name, target):
            yield room.at(node, f"the door {room.name} imports the door {target}")
        elif other == room.floor and other not in SIDEWAYS | {"doors"}:
            yield room.at(node, f"{room.name} imports {target}: {other} do not know each other")


def may_open(name: str, target: str) -> bool:
    return any(listed(name, opener) and listed(target, DOOR_TO_DOOR[opener]) for opener in DOOR_TO_DOOR)


def libraries_stay_in_their_rooms(room: Room) -> Iterator[str]:
    for node, library in libraries(room):
        allowed = LIBRARIES.get(library)
        if allowed is not None and room.floor not in allowed.split() and not listed(room.name, allowed):
            yield room.at(node, f"{library} is for {allowed or 'nobody'}, not for {room.name}")


def only_db_commits(room: Room) -> Iterator[str]:
    if room.name == "db":
        return
    for node in room.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "commit":
            yield room.at(node, "commit outside db.py: hand a job to the house")
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "begin" and not node.args + node.keywords:
            yield room.at(node, "begin() commits at its end: hand a job to the house")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"\s*COMMIT\b", node.value):
            yield room.at(node, "COMMIT outside db.py")


def only_the_clock_reads_the_time(room: Room) -> Iterator[str]:
    if room.name == "clock":
        return
    for node in room.nodes:
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if (owner, node.attr) == ("clock", "now"):
                if room.floor != "doors":
                    yield room.at(node, "clock.now below the doors: take the instant as an argument")
            elif (owner in CLOCKS and node.attr in CLOCK_WORDS) or (owner == "time" and node.attr in TIME_WORDS):
                yield room.at(node, f"{owner}.{node.attr}: only clock.py reads the time")
        elif isinstance(node, ast.ImportFrom) and node.module in {"time", "vouchers.clock"}:
            for alias in node.names:
                if alias.name in CLOCK_WORDS | TIME_WORDS:
                    yield room.at(node, f"{alias.name} is called by its room's name: clock.now(), at a door")


def no_float_comes_near_money(room: Room) -> Iterator[str]:
    """In paper/ lengths are floats, but no amount becomes one; at a door one may wait half a second."""
    drawn = room.floor == "paper"
    exact = room.floor in {"words", "memory", "law", "verbs"} and room.name != "db"
    for node in room.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and exact:
            yield room.at(node, f"{node.value}: a float below paper and doors")
        elif isinstance(node, ast.Name) and node.id in FLOATING and isinstance(node.ctx, ast.Load) and not drawn:
            yield room.at(node, f"{node.id}: amounts are whole cents (int)")
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in FLOATING and speaks_of_cents(node):
            yield room.at(node, "an amount made a float, or rounded, outside money.py")


def money_alone_divides_money(room: Room) -> Iterator[str]:
    """Elsewhere no amount is divided; in paper/ a bar may be as long as one amount of another. `/` is for paths."""
    drawn = room.floor == "paper"
    for node, left, right in divisions(room):
        by_number = isinstance(right, ast.Constant) and isinstance(right.value, int | float)
        slash = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        if room.name == "money":
            if slash:
                yield room.at(node, "/ makes a float: money.py divides with //")
        elif speaks_of_cents(left) and (by_number or not drawn):
            yield room.at(node, "an amount divided outside money.py")
        elif slash and by_number and not drawn:
            yield room.at(node, f"/ {ast.unparse(right)} makes a float")


def divisions(room: Room) -> Iterator[tuple[ast.AST, ast.expr, ast.expr]]:
    for node in room.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            yield node, node.left, node.right
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "divmod":
            yield node, node.args[0], node.args[1]


def speaks_of_cents(tree: ast.AST) -> bool:
    """Whether an amount is in it; an amount divided by an amount is none any more."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div | ast.FloorDiv) and speaks_of_cents(tree.right):
        return False
    name = getattr(tree, "id", None) or getattr(tree, "attr", None) or ""
    return name.lower().endswith("cents") or any(speaks_of_cents(part) for part in ast.iter_child_nodes(tree))


def rooms_and_functions_keep_their_size(room: Room) -> Iterator[str]:
    lines, most = len(room.source.splitlines()), CATALOGUES.get(room.name, ROOM_LINES)
    if lines > most:
        yield f"{room.path}:{lines}: {lines} lines, more than {most}: split it by the words of the trade"
    for node in room.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                yield room.at(node, f"{node.name} has {length} lines, more than {FUNCTION_LINES}")


def files_are_named_for_the_trade(room: Room) -> Iterator[str]:
    for word in re.split(r"[._]", room.name):
        if word in BANNED_NAMES or word.removesuffix("s") in BANNED_NAMES:
            yield f"{room.path}:1: '{word}' says nothing about the trade"


def what_is_imported_is_declared(room: Room) -> Iterator[str]:
    declared = {distribution_name(wanted) for wanted in PROJECT["project"]["dependencies"]}
    for node, library in libraries(room):
        if library in sys.stdlib_module_names or library == "vouchers":
            continue
        known = DISTRIBUTIONS.get(CARRIED.get(library, library), [])
        if not {distribution_name(name) for name in known} & declared:
            yield room.at(node, f"{library} is not among the dependencies of pyproject.toml")


def distribution_name(wanted: str) -> str:
    """The name in a requirement, as the registry spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", wanted, maxsplit=1)[0]).lower()


RULES: Final[tuple[Rule, ...]] = (
    imports_go_down,
    libraries_stay_in_their_rooms,
    only_db_commits,
    only_the_clock_reads_the_time,
    no_float_comes_near_money,
    money_alone_divides_money,
    rooms_and_functions_keep_their_size,
    files_are_named_for_the_trade,
    what_is_imported_is_declared,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_room_keeps_the_rule(rule: Rule) -> None:
    complaints = sorted({complaint for room in HOUSE for complaint in rule(room)})
    assert not complaints, "\n" + "\n".join(complaints)


BAD: Final = (
    (imports_go_down, "ledger", "from vouchers import settle"),
    (imports_go_down, "redeem", "def late():\n    from vouchers.settle import propose"),
    (imports_go_down, "redeem", "import vouchers.settle"),
    (imports_go_down, "redeem", "from . import settle"),
    (imports_go_down, "paper.qr", "from vouchers.ledger import Move"),
    (imports_go_down, "money", "from vouchers.db import Database"),
    (imports_go_down, "api.vouchers", "from vouchers.api import orders"),
    (imports_go_down, "api.guard", "from vouchers import cli"),
    (imports_go_down, "attic", ""),
    (libraries_stay_in_their_rooms, "redeem", "from fastapi import Request"),
    (libraries_stay_in_their_rooms, "paper.qr", "from sqlalchemy import select"),
    (libraries_stay_in_their_rooms, "api.vouchers", "import sqlalchemy as sa"),
    (libraries_stay_in_their_rooms, "api.vouchers", "from PIL import Image"),
    (libraries_stay_in_their_rooms, "db", "import sqlite3"),
    (only_db_commits, "keys", "undo.commit()"),
    (only_db_commits, "api.guard", "with engine.begin() as session: pass"),
    (only_db_commits, "books", "session.exec_driver_sql('COMMIT')"),
    (only_the_clock_reads_the_time, "redeem", "at = clock.now()"),
    (only_the_clock_reads_the_time, "cli", "at = datetime.datetime.now(UTC)"),
    (only_the_clock_reads_the_time, "settle", "date.today()"),
    (only_the_clock_reads_the_time, "tables", "Column(default=func.now())"),
    (only_the_clock_reads_the_time, "db", "began = time.time()"),
    (only_the_clock_reads_the_time, "cli", "from vouchers.clock import now"),
    (no_float_comes_near_money, "settle", "fee_cents = float(gross)"),
    (money_alone_divides_money, "settle", "fee = gross_cents // 20"),
    (no_float_comes_near_money, "settle", "fee = gross * 0.05"),
    (money_alone_divides_money, "cli", "print(total / 100)"),
    (money_alone_divides_money, "cli", "euros, cents = divmod(total.cents, 100)"),
    (no_float_comes_near_money, "report", "round(mean)"),
    (money_alone_divides_money, "money", "half = cents / 2"),
    (money_alone_divides_money, "paper.statement", "euros = line.net_cents / 100"),
    (no_float_comes_near_money, "paper.statement", "euros = round(total_cents * rate)"),
    (rooms_and_functions_keep_their_size, "redeem", "\n" * (ROOM_LINES + 1)),
    (rooms_and_functions_keep_their_size, "redeem", "def long():\n" + "    pass\n" * FUNCTION_LINES),
    (files_are_named_for_the_trade, "paper.pdf_utils", ""),
    (files_are_named_for_the_trade, "common", ""),
    (what_is_imported_is_declared, "redeem", "import pytest"),
)
GOOD: Final = (
    (imports_go_down, "redeem", "from vouchers import clock, ledger\nfrom vouchers.db import WriteSession"),
    (imports_go_down, "cli", "from vouchers.api.app import create_app"),
    (imports_go_down, "paper.cheque", "from vouchers.paper import fonts, qr\nfrom vouchers.money import euros_fr"),
    (libraries_stay_in_their_rooms, "paper.qr", "import qrcode"),
    (only_db_commits, "workshop", "issue.begin(session, batch_number=1)"),
    (only_db_commits, "keys", "with session.begin_nested(): act()"),
    (only_the_clock_reads_the_time, "cli", "at = clock.now()"),
    (only_the_clock_reads_the_time, "db", "time.sleep(wait)\nbegan = time.monotonic()"),
    (money_alone_divides_money, "config", "Path('var') / name"),
    (money_alone_divides_money, "paper.report_sheet", "long = track * week.cents / most\nMM = 72 / 25.4"),
    (money_alone_divides_money, "paper.report_sheet", "whole, tenths = divmod(sale_cents * 10 // voucher_cents, 10)"),
    (no_float_comes_near_money, "cli", "sleep(0.5)"),
    (what_is_imported_is_declared, "paper.qr", "import io\nimport qrcode"),
)


@pytest.mark.parametrize(("rule", "name", "source"), BAD)
def test_each_rule_bites_on_a_bad_line(rule: Rule, name: str, source: str) -> None:
    assert list(rule(Room(name, f"{name}.py", source)))


@pytest.mark.parametrize(("rule", "name", "source"), GOOD)
def test_no_rule_bites_on_a_good_line(rule: Rule, name: str, source: str) -> None:
    assert list(rule(Room(name, f"{name}.py", source))) == []


# ── The house as a whole ─────────────────────────────────────────────────────────────────────────────────────────
def test_no_room_imports_itself_in_a_circle() -> None:
    graph = {room.name: {target for _, target in imported_rooms(room) if target != room.name} for room in HOUSE}
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_the_drawing_names_no_room_that_is_not_there() -> None:
    drawn = {name for rooms in FLOORS.values() for name in rooms.split() if not name.endswith(".*")}
    drawn |= {name for rooms in DOOR_TO_DOOR.values() for name in rooms.split() if not name.endswith(".*")}
    assert sorted(drawn - NAMES) == []


def test_every_refusal_speaks_french_and_english_about_the_same_things() -> None:
    for kind in every_refusal(Refusal):
        said = [(kind.fr, kind.en)]
        if issubclass(kind, VoucherRefusal):
            said.append((kind.say_fr, kind.say_en))
        for fr, en in said:
            assert fr and en and fr != en, f"{kind.__name__} says nothing in one language"
            assert fields(fr) == fields(en), f"{kind.__name__}: {fields(fr)} in French, {fields(en)} in English"


def test_every_refusal_has_a_name_of_its_own() -> None:
    reasons = [kind.reason for kind in every_refusal(Refusal)]
    assert sorted(reasons) == sorted(set(reasons)) == sorted(REFUSALS)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", reason) for reason in reasons)


def test_every_refusal_is_mapped_to_a_status() -> None:
    assert sorted(REFUSALS.keys() - STATUS.keys()) == []
    assert sorted(STATUS.keys() - REFUSALS.keys()) == []
    assert all(400 <= status < 500 for status in STATUS.values()), "a refusal is the caller's, never a fault of ours"


def test_every_refusal_is_listed_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [reason for reason in REFUSALS if f"`{reason}`" not in readme] == []


def test_every_command_is_listed_in_the_readme() -> None:
    from vouchers.cli import app  # here, so that a command that does not load hides no other rule

    readme = (ROOT / "README.md").read_text("utf-8")
    commands = list(every_command(typer.main.get_command(app), "vouchers"))
    assert "vouchers demo" in commands
    assert [command for command in commands if not re.search(rf"\b{command}\b", readme)] == []


def every_refusal(root: type[Refusal]) -> Iterator[type[Refusal]]:
    """Those that are raised: a class without a reason of its own only groups others."""
    for kind in root.__subclasses__():
        if "reason" in vars(kind):
            yield kind
        yield from every_refusal(kind)


def fields(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


def every_command(command: Any, name: str) -> Iterator[str]:
    inside = getattr(command, "commands", {})
    for word, deeper in inside.items():
        yield from every_command(deeper, f"{name} {word}")
    if not inside:
        yield name


# ── Tests, notes, dependencies ───────────────────────────────────────────────────────────────────────────────────
def test_every_test_is_named_by_a_sentence() -> None:
    short = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and len(node.name.split("_")) < 5
    ]
    assert not short, "fewer than four words:\n" + "\n".join(short)


def test_nothing_is_left_to_be_done_later() -> None:
    later = re.compile("TO[D]O|FIX[M]E")
    endings = {".py", ".ts", ".tsx", ".css", ".mjs", ".toml", ".md", ".mako"}
    folders = ("vouchers", "migrations", "tests", "bench", "scanner_pwa/src", "scanner_pwa/tests")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in endings]
    files += [ROOT / name for name in ("Makefile", "README.md", "hatch_build.py", "pyproject.toml", ".ci/run")]
    notes = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if later.search(line)
    ]
    assert not notes, "\n" + "\n".join(notes)


def test_an_installation_brings_fewer_than_forty_dependencies_and_all_are_locked_with_hashes() -> None:
    direct = {distribution_name(wanted) for wanted in PROJECT["project"]["dependencies"]}
    assert len(direct) < MOST_DEPENDENCIES
    tools = {distribution_name(wanted) for group in PROJECT["dependency-groups"].values() for wanted in group}
    assert sorted(direct - locked("requirements.lock")) == []
    assert sorted((direct | tools) - locked("requirements-dev.lock")) == []


def locked(name: str) -> set[str]:
    """What a lock file names; each with a hash, none with the address of an index."""
    text = (ROOT / name).read_text("utf-8")
    pinned = re.findall(r"^([a-z0-9-]+)==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)), f"{name}: a line without a hash"
    assert "://" not in text, f"{name}: names an address"
    return set(pinned)


def test_every_problem_a_value_can_have_is_worded_and_every_word_is_used() -> None:
    from vouchers.wrong import PROBLEMS

    used = set(
        re.findall(r'problem="(\w+)"', "".join(path.read_text("utf-8") for path in ROOT.glob("vouchers/**/*.py")))
    )
    assert used <= set(PROBLEMS)
