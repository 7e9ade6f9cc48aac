"""deploy/DESK.md and the desk say the same: steps, commands, settings, words of the pages, figures, certificates."""

from __future__ import annotations

import http.client
import re
import shlex
import ssl
import subprocess
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from drivers.page_printer.session import PRINT_S
from kiosk.__main__ import _parser
from kiosk.desk import assembly, receptions, rounds, sealed_register, visits
from kiosk.desk.people import audit
from kiosk.desk.people.gate import Gate
from kiosk.desk.today import ENDS_AT_H
from kiosk.desk.web.server import Listening, Server
from kiosk.operations.check import desk as desk_check
from kiosk.process import desk_spool
from kiosk.tables import known_people
from kiosk.words import texts
from tests import ROOT
from tests.deploy.test_guide import keys
from tests.desk.web.fake_desk import FakeDesk
from tests.desk.web.test_server import Nobody
from tests.peers import need
from tests.site_toml import Site

GUIDE = ROOT / "deploy/DESK.md"
TEXT = GUIDE.read_text(encoding="utf-8")
PAGES = texts.load("desk_pages")
INLINE = {code.strip() for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", TEXT)}
INDENTED = [line.split("  #")[0].strip() for line in TEXT.splitlines() if line.startswith("    ")]
EXAMPLES = [body.replace("   ", "") for body in re.findall(r"^ *```toml\n(.*?)^ *```$", TEXT, re.MULTILINE | re.DOTALL)]
OPENSSL = [line for line in INDENTED if line.startswith(("openssl ", "cat "))]


def chapter(title: str) -> str:
    """From the heading to the next of its depth."""
    found = re.search(
        rf"^(#+) (?:\d+\. )?{re.escape(title)}[^\n]*\n(.*?)(?=^\1 |^## |\Z)", TEXT, re.MULTILINE | re.DOTALL
    )
    assert found, title
    return found[2]


def first_cells(title: str) -> list[str]:
    return re.findall(r"^\| ([^|]+?) \|", chapter(title), re.MULTILINE)


def chips(*tables: str) -> set[str]:
    """Words with their signs, as they are on a page."""
    found = (chip for table in tables for chip in PAGES[table].values())
    return {f"{chip['sign']} {chip['word']}".strip() for chip in found} - {""}


def test_a_clinic_has_exactly_ten_steps_in_order() -> None:
    steps = re.findall(r"^(\d+)\. \*\*", chapter("診療所で使う"), re.MULTILINE)
    assert steps == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(
    ("title", "tables"),
    [
        ("状態", ("state",)),
        ("資格", ("key", "outcome")),
        ("医療費助成", ("subsidies", "against")),
        ("照会番号を登録する", ("sent",)),
    ],
)
def test_every_state_of_the_pages_is_explained_and_no_other(title: str, tables: tuple[str, ...]) -> None:
    table = chapter(title).partition("| 言葉 | 意味 |" if "| 言葉 | 意味 |" in chapter(title) else "| 今日の登録 |")[2]
    cells = re.findall(r"^\| ([^|]+?) \|", table.partition("\n\n")[0], re.MULTILINE)
    assert set(cells) - {"---"} == chips(*tables)


def test_every_reason_for_attention_every_group_and_every_trouble_of_the_printer_is_explained() -> None:
    reasons = {word for cell in first_cells("要確認") for word in cell.split("、")}
    assert reasons - {"言葉", "---"} == {*PAGES["attention"].values(), *PAGES["unsettled"].values()}
    assert set(PAGES["group"].values()) <= set(first_cells("医療費助成"))
    told = chapter("カルテ出しと受付票")
    words = {key: each.partition("。")[0] for key, each in texts.load("desk")["print_reason"].items()}
    # Of the paper, the lid and the toner in one line, without the printer before each.
    short = {key: re.sub("^プリンター[にの]", "", each) for key, each in words.items()}
    assert {key for key, each in short.items() if each not in told} == PRESS_AGAIN


# Nothing is to be mended.
PRESS_AGAIN = {"cancelled", "folder_unwritable", "desk_ended", "late"}


def test_every_button_in_brackets_is_on_a_page() -> None:
    words = set(PAGES["button"].values()) | set(PAGES["nav"].values()) | set(PAGES["title"].values())
    words |= {texts.load("technician")["buttons"]["desk_chief"]}
    named = set(re.findall("［([^］]+)］", TEXT))
    assert len(named) > 20
    assert named - words == set()


def test_every_sentence_in_quotes_is_the_pages() -> None:
    ours = [each for name in ("desk", "desk_pages", "check") for each in _strings(texts.load(name))]
    others = {"医療情報システムの安全管理に関するガイドライン 第 6.0 版", "信頼されたルート証明機関", "新しい証明書"}
    for quoted in set(re.findall("「([^」]{8,})」", TEXT)) - others:
        parts = [part.strip() for part in re.split("…|。$|^✕ ", quoted) if part.strip()]
        assert any(all(part in each for part in parts) for each in ours), quoted


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for part in cast("dict[str, object]", value).values() for each in _strings(part)]


def test_every_command_is_understood() -> None:
    spoken = [part.strip() for line in (*INDENTED, *INLINE) for part in re.split(r"\||&&", line)]
    typed = [shlex.split(line.removeprefix("sudo "))[1:] for line in spoken if re.match(r"(sudo )?kiosk [a-z]", line)]
    assert {tuple(words[:2]) for words in typed} >= {("desk", "user"), ("desk", "audit"), ("reservations", "import")}
    for words in typed:
        _parser().parse_args([*words, "--config", "site.toml"])  # SystemExit when it is not


def test_every_setting_named_with_its_table_is_there() -> None:
    known_keys = keys()
    found = re.findall(r"`\[\[?(\w+)\]\]?` の ((?:`[^`\[]+`、?)+)", TEXT)
    assert {table for table, _ in found} >= {"desk", "walk_in", "alarm", "reservations"}
    for table, words in found:
        assert {word.split(" ")[0] for word in re.findall("`([^`]+)`", words)} <= known_keys[table], words
    loose = {word for code in INLINE for word in re.findall(r"^(\w+) = ", code)}
    assert loose <= known_keys["desk"]


def test_the_examples_of_site_toml_can_be_loaded(tmp_path: Path) -> None:
    alone, others, delivering = EXAMPLES
    site = Site(tmp_path)
    for name in ("desk.pem", "desk-key.pem"):
        site.secret(name, "")
    loaded = site.load(alone + others)
    assert loaded.desk is not None and loaded.printer is None and loaded.receipt_computer is None
    assert (loaded.desk.feed, loaded.desk.allow, loaded.desk.on_loopback) == ("watch", ("192.0.2.0/24",), False)
    delivers = site.load(delivering)
    assert delivers.desk is not None and delivers.desk.feed == "courier" and delivers.only_reads_subsidies
    shown = [code for code in INLINE if re.match(r"(printer|patients|requests|keep_values) = ", code)]
    assert len(shown) >= 4
    site.secret("desk.secret", "of the share of requests")
    for line in shown:
        assert site.load(f"{alone}{line}\n").desk is not None


def minutes(of: timedelta) -> str:
    return f"{of.total_seconds() / 60:.0f} 分"


def test_the_figures_are_those_of_the_program() -> None:
    figures = [
        f"{minutes(visits.SAME_VISIT)}以内にもう一度使うと",
        f"リーダーを使ってから {minutes(receptions.FRESH)}以内",
        f"{assembly.KIOSK_FIRST.seconds} 秒待つ",
        f"{desk_spool.FILES_MAX} 件受け取らなければ",
        f"{PRINT_S:.0f} 秒で出なければ取りやめ",
        f"翌朝 {ENDS_AT_H} 時",
        f"有効期間の終わりから {sealed_register.KEEP_DAYS} 日",
        f"最後の来院から {known_people.KEEP_DAYS} 日",
        f"| {rounds.KEEP_REGISTRATIONS.days} 日 |",
        f"操作の記録は {audit.KEEP.days // 366} 年",
        f"{desk_check._WARN_BEFORE.days} 日前から",
    ]
    assert [each for each in figures if each not in TEXT] == []


def _anchor(heading: str) -> str:
    kept = (c for c in heading.strip().lower() if c in "-_ " or unicodedata.category(c)[0] in "LN")
    return "".join(kept).replace(" ", "-")


def test_every_link_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        name, _, place = link.partition("#")
        file = GUIDE.parent / name if name else GUIDE
        assert file.is_file(), link
        headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert not place or place in {_anchor(heading) for heading in headings}, link


def test_the_other_guide_leads_here_and_no_blank_ends_a_line() -> None:
    other = (ROOT / "deploy/GUIDE.md").read_text(encoding="utf-8")
    assert "](DESK.md)" in other
    assert [n for n, line in enumerate(TEXT.splitlines(), 1) if line != line.rstrip() or "\t" in line] == []


# --- certificates, as the guide makes them ---------------------------------------------------------------------------


def made(folder: Path, line: str) -> None:
    """A line of the guide in `folder`; shorter keys, and a password where openssl would ask for one."""
    words = line.replace("rsa:3072", "rsa:2048")
    if " pkcs12 " in words:
        words += " -passout pass:lantern"
    done = subprocess.run(
        ["/bin/sh", "-c", words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def asked(port: int, folder: Path, pc: str) -> int:
    """The status of the log-in page for a browser that trusts the authority; 0: it is not let in."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.check_hostname = False  # the name is desk.hospital.example's
    if pc:
        context.load_cert_chain(folder / f"{pc}.pem", folder / f"{pc}-key.pem")
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    try:
        connection.request("GET", "/login", headers={"Host": f"desk.hospital.example:{port}"})
        return connection.getresponse().status
    except (ssl.SSLError, OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@pytest.mark.peers
def test_the_certificates_are_made_as_the_guide_says_and_a_pc_without_one_is_not_let_in(tmp_path: Path) -> None:
    need("openssl")
    assert [line.split()[1] for line in OPENSSL] == ["req", "req", "verify", "req", "pkcs12", "uketsuke-*[0-9].pem"]
    for line in OPENSSL:
        made(tmp_path, line)
    made(tmp_path, OPENSSL[3].replace("uketsuke-1", "other"))
    assert (tmp_path / "uketsuke-1.p12").stat().st_size
    assert (tmp_path / "desk-pcs.pem").read_text() == (tmp_path / "uketsuke-1.pem").read_text()
    assert {
        (tmp_path / name).stat().st_mode & 0o077 for name in ("ca-key.pem", "desk-key.pem", "uketsuke-1-key.pem")
    } == {0}
    files = [tmp_path / name for name in ("desk.pem", "desk-key.pem", "desk-pcs.pem")]
    listening = Listening("127.0.0.1", 0, ("desk.hospital.example",), (), *files)
    server = Server(FakeDesk(), cast(Gate, Nobody()), listening, "病院", print)
    server.start()
    try:
        found = {pc: asked(server.port, tmp_path, pc) for pc in ("uketsuke-1", "other", "")}
    finally:
        server.stop()
    assert found == {"uketsuke-1": 200, "other": 0, "": 0}
