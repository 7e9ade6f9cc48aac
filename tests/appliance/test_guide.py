"""deploy/APPLIANCE.md and the appliance say the same: files of the stick, keys, buttons, pages, refusals, commands and
figures of the guide are real, and none that a site may meet is missing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest

from drivers.printer.address import parse_url
from kiosk.appliance.site import apply, candidate, stick
from kiosk.appliance.technician.step import MENU, PIN_MAX, PIN_MIN
from kiosk.appliance.update import bundle_sources, bundles, health, installer
from kiosk.config import Config, installed
from kiosk.config import model as tables
from kiosk.config.desk_model import Desk
from kiosk.process import tries
from kiosk.typography.ruby import plain
from kiosk.ui import theme
from kiosk.words import texts
from kiosk.words.texts import event_sentences
from tests import ROOT
from tests.deploy.test_guide import _anchor, _strings, first_cells, keys
from tests.image.__main__ import SCENARIOS

GUIDE = ROOT / "deploy" / "APPLIANCE.md"
IMAGE = ROOT / "deploy" / "image"
TEXT = GUIDE.read_text(encoding="utf-8")
WORDS: dict[str, Any] = dict(texts.load("technician"))
INLINE = set(re.findall(r"`([^`\n]+)`", TEXT))
FENCES = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
# FAT and exFAT hold no longer name of a stick.
LABEL_MAX = 11
DRAWINGS = sorted((GUIDE.parent / "guide" / "appliance").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def section(heading: str) -> str:
    """From a heading to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(heading)}", TEXT, re.MULTILINE)
    assert match, heading
    level = len(match[1])
    return re.split(rf"^#{{1,{level}}} ", TEXT[match.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_chapters_are_numbered_in_order() -> None:
    assert re.findall(r"^## (\d+)\.", TEXT, re.MULTILINE) == [str(number) for number in range(1, 12)]


def test_the_example_of_site_toml_is_one_that_the_appliance_takes(tmp_path: Path) -> None:
    assert len(FENCES) == 1
    (tmp_path / "site.toml").write_text(FENCES[0], encoding="utf-8")
    config, wrong = apply.load_site(tmp_path)
    assert wrong == []
    assert isinstance(config, Config)
    assert {device.what for device in config.usb} == {"touch", "reader"}
    assert config.update.folder == ""
    assert config.printer is not None and parse_url(config.printer.url)


def test_every_key_of_the_appliances_tables_is_explained_and_no_other() -> None:
    table = section("手順 6").partition("| 表 | 項目 | 意味 |")[2]
    explained: dict[str, set[str]] = {}
    name = ""
    for first, second in re.findall(r"^\| (.*?) ?\| (.*?) \|", table, re.MULTILINE):
        if found := re.search(r"\[\[?(\w+)\]\]?", first):
            name = found[1]
        if name:
            explained.setdefault(name, set()).update(re.findall("`(.+?)`", second))
    wanted = {"network", "time", "syslog", "metrics", "technician", "update", "usb"}
    assert explained == {table: fields for table, fields in keys().items() if table in wanted}


def test_every_file_of_the_stick_is_explained_and_no_other() -> None:
    defaults = (tables.Metrics().password_file, tables.Update().password_file, tables.Technician().pin_file)
    desk = (Desk().password_file, installed.DESK_CHIEF)
    wanted = {
        stick.SITE, stick.APPOINTMENTS, stick.TAKE_ANYWAY, stick.WIPE_SECRETS, candidate.OLD_PIN, *defaults, *desk,
        *re.findall(r'^password_file = "(.+?)"', (ROOT / "deploy" / "site.toml").read_text("utf-8"), re.MULTILINE),
    }  # fmt: skip
    rows = first_cells(section("手順 6"))
    assert {row for row in rows if not row.startswith("[") and row not in keys()["usb"]} == wanted
    assert f"{stick.MAX_EXPORTS} 個まで" in TEXT


def test_a_stick_is_called_as_the_appliance_looks_for_it_by_a_name_that_windows_can_give() -> None:
    named = {word for word in INLINE if re.fullmatch("KIOSK-[A-Z]+", word)}
    assert named == {label for label in bundle_sources.LABELS if len(label) <= LABEL_MAX}
    rule = (IMAGE / "tree" / "etc" / "udev" / "rules.d" / "90-kiosk-provision.rules").read_text(encoding="utf-8")
    assert 'ENV{ID_FS_LABEL}=="KIOSK-SITE"' in rule


def test_every_refusal_of_an_update_is_explained_with_the_words_of_the_screen() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section("断られるとき"), re.MULTILINE)
    assert dict(rows) == {reason: WORDS["reasons"][reason] for reason in get_args(bundles.Reason)}


def test_every_reason_to_go_back_by_itself_is_explained() -> None:
    source = Path(health.__file__).read_text(encoding="utf-8")
    found_words = set(re.findall(r'append\(f?"(\w+?_?)(?:\{\w+\})?"\)|or "(\w+)"\)|return \["(\w+)"\]', source))
    words = {next(filter(None, found)) for found in found_words}
    line = section("自分で戻る").partition("括弧の中は")[2]
    assert {word.rstrip("…") for word in re.findall("`(.+?)`", line)} == words


def test_every_button_of_the_technicians_page_is_explained_in_its_order() -> None:
    table = section("3. ").partition("| ボタン | すること |")[2].partition("\n\n")[0]
    labels = re.findall(r"^\| ([^|`-]+?) \|", table, re.MULTILINE)
    assert labels == [WORDS["buttons"][button] for button in MENU]


def test_a_button_named_anywhere_is_one_of_the_screen() -> None:
    named = set(re.findall("［([^］]+)］", TEXT))
    assert {"更新", "初期化", "点検", "状態"} <= named
    assert named - set(WORDS["buttons"].values()) == set()


def test_every_page_that_staff_may_meet_is_named() -> None:
    recovery = WORDS["recovery"]
    titles = [
        WORDS["no_site"]["title"], WORDS["no_site"]["title_wrong"], WORDS["no_site"]["title_checking"],
        WORDS["provisioned"]["accepted"], WORDS["provisioned"]["accepted_wrong"], WORDS["provisioned"]["refused"],
        recovery["title"], *(recovery[word] for word in ("missing", "unlock", "fsck", "mount")),
        WORDS["pin"]["title"], WORDS["installer"]["title"],
    ]  # fmt: skip
    assert [title for title in titles if f"「{title}" not in TEXT] == []


def test_words_quoted_from_a_screen_are_on_it() -> None:
    drawn = (IMAGE / "draw-pictures").read_text(encoding="utf-8")
    sentences = [*_strings(WORDS), *map(plain, _strings(texts.load())), *event_sentences().values(), drawn]
    quoted = set(re.findall("「([^」]{6,}?)(?:…)?」", TEXT))
    # Of other programs, an example, and a row of a table of the guide's own.
    foreign = {"No bootable device", "Microsoft 3rd Party UEFI CA を許可", "DD イメージ", "ファイル名拡張子"}
    foreign |= {"架空総合病院", "止まる直前に届けた 1 件", "今日の受付番号", "対応表.csv"}
    assert foreign <= quoted
    assert {words for words in quoted - foreign if not any(words in each for each in sentences)} == set()


def test_every_command_of_the_image_is_one_with_these_options() -> None:
    used = re.findall(r"deploy/image/(\w+)((?: [^`\n]*)?)", TEXT)
    assert {name for name, _ in used} == {"build", "bundle", "keys", "test"}
    for name, rest in used:
        source = (IMAGE / name).read_text(encoding="utf-8")
        if name == "test":
            source = (ROOT / "tests" / "image" / "__main__.py").read_text(encoding="utf-8")
        for option in re.findall(r"--[\w-]+", rest):
            assert option in source, (name, option)
    assert "--firmware" in INLINE
    assert "--firmware" in (IMAGE / "build").read_text(encoding="utf-8")


def test_the_packages_of_a_builder_are_those_that_build_asks_for() -> None:
    assert "deploy/setup --image" in TEXT
    given = set(re.findall(r"^    want (\S+)", (ROOT / "deploy" / "setup").read_text(encoding="utf-8"), re.MULTILINE))
    asked = re.search(r"for pair in (.+?); do", (IMAGE / "build").read_text(encoding="utf-8"), re.DOTALL)
    assert asked
    wanted = {pair.split(":")[1] for pair in asked[1].replace("\\\n", " ").split()}
    assert wanted | {"rauc"} <= given  # rauc: for deploy/image/bundle


def test_every_scenario_of_the_image_test_is_explained_and_no_other() -> None:
    assert first_cells(section("11. ")) == set(SCENARIOS)


def test_every_command_of_the_other_guide_that_staff_need_has_its_place_here() -> None:
    other = (GUIDE.parent / "GUIDE.md").read_text(encoding="utf-8")
    ways = first_cells(section("GUIDE.md のコマンドの代わり"))
    assert all(way in other for way in ways)
    assert {"sudo kiosk status", "sudo kiosk check", "sudo systemctl restart kiosk-courier"} <= ways


def test_the_figures_in_the_guide_are_the_appliances() -> None:
    timer = (IMAGE / "tree/etc/systemd/system/kiosk-fallback.timer").read_text(encoding="utf-8")
    assert "OnBootSec=20min" in timer and "20 分で戻ります" in TEXT
    boot = (IMAGE / "grub.cfg").read_text(encoding="utf-8")
    assert 'if [ "$1" = "2" ]; then set next=3; fi' in boot and "3 回試して" in TEXT
    figures = [
        f"**左上の隅（{theme.CORNER_MM:.0f} mm 四方）を {theme.CORNER_S:.0f} 秒**",
        f"{tries.TRIES} 回間違えると {tries.LOCK_S / 60:.0f} 分",
        f"最長 {tries.LOCK_MAX_S / 3600:.0f} 時間",
        f"{PIN_MIN} から {PIN_MAX} 桁の数字",
        f"起動から {health.WAIT_S / 60:.0f} 分以内",
        f"{installer.LEAST_BYTES / 1e9:.0f} GB 未満",
        f"{tables.Metrics().push_every_s:.0f} 秒ごと",
    ]
    assert [words for words in figures if words not in TEXT] == []


def test_every_link_of_the_guide_leads_to_a_heading_or_a_file() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > 20
    for link in links:
        name, _, anchor = link.partition("#")
        target = GUIDE.parent / name if name else GUIDE
        assert target.is_file(), link
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {_anchor(heading) for heading in headings}, link


def test_the_two_guides_lead_to_each_other() -> None:
    other = (GUIDE.parent / "GUIDE.md").read_text(encoding="utf-8")
    assert "](APPLIANCE.md)" in other.partition("## ことば")[0]
    assert "](GUIDE.md)" in TEXT.partition("\n## ")[0]


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_a_drawing_of_the_appliance_is_real_text_and_used(path: Path) -> None:
    drawing = ET.parse(path).getroot()
    assert f"](guide/appliance/{path.name})" in TEXT
    assert drawing.find(f"{SVG}title") is not None
    assert "BIZ UDPGothic" in (drawing.findtext(f"{SVG}style") or "")
    assert not re.search(r"href|<script|<image|url\((?!#)", path.read_text(encoding="utf-8"))


def test_there_is_a_drawing() -> None:
    assert [path.name for path in DRAWINGS] == ["update.svg"]


def test_no_tab_or_blank_ends_a_line_of_the_appliances_guide() -> None:
    assert [n for n, line in enumerate(TEXT.splitlines(), 1) if line != line.rstrip() or "\t" in line] == []
