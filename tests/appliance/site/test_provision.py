"""A stick with a site: what is taken, what is refused, and that no machine ends with half a site or a clear password.

The check is the real one, against real Samba servers where something must answer.
"""

from __future__ import annotations

import grp
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kiosk.appliance.machine import event_log, screen_owner
from kiosk.appliance.machine.places import locked
from kiosk.appliance.secrets import sealed
from kiosk.appliance.site import candidate, installed_sites, provision, stick
from kiosk.appliance.site.provision import Provision, Result
from kiosk.appliance.words import Failure
from kiosk.config import load
from kiosk.process import secret_hash, tries
from kiosk.process.data_folder import DataFolder
from tests import ROOT
from tests.appliance.staff_machine import PIN, Machine, machine, script
from tests.hospital import Hospital
from tests.operations.test_check_desk import write_certificate

RUN_STATUS = "status-run.json"

# systemd-creds seals for root alone.
pytestmark = [pytest.mark.peers, pytest.mark.long]

DEVICE = "sdx1"
# Nothing answers there: the surroundings are as bad as they can be.
SITE = """
[site]
name = "架空総合病院"
institution_code = "9912345678"
pattern = 1
data_dir = "/var/lib/kiosk"
[terminal]
results = "smb://kiosk@127.0.0.1:9/face"
[receipt_computer]
results = "smb://kiosk@127.0.0.1:9/to_face"
[printer]
url = "tcp://127.0.0.1:9"
"""
SECRETS = {"terminal.secret": "Himitsu-1\n", "receipt_computer.secret": "Himitsu-2\n"}
FILES: dict[str, str | bytes] = {"site.toml": SITE, **SECRETS, "technician.secret": f"{PIN}\r\n"}


@pytest.fixture
def kiosk(tmp_path: Path) -> Machine:
    """A machine without a site, its page program on the screen."""
    made = machine(tmp_path / "m")
    screen_owner.show_usual(made.places)
    return made


def run(kiosk: Machine, files: dict[str, str | bytes] | None = None) -> Result:
    """Put in a stick with `files`; None: the one that is in already."""
    if files is not None:
        kiosk.stick(files, DEVICE)
    log = event_log.StaffLog(kiosk.places)
    try:
        return Provision(kiosk.places, log, kiosk.use).run(DEVICE)
    finally:
        log.close()


def installed(kiosk: Machine) -> dict[str, bytes]:
    """Everything below /var/lib/kiosk-site by name, links as what they name."""
    top = kiosk.places.sites
    return {
        str(file.relative_to(top)): os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
        for file in sorted(top.rglob("*"))
        if file.is_symlink() or file.is_file()
    }


def in_clear(kiosk: Machine, secret: str) -> list[str]:
    """Files of the machine, but the stick's, that hold `secret`."""
    sticks = kiosk.places.root / "dev"
    files = [file for file in kiosk.places.root.rglob("*") if file.is_file() and not file.is_relative_to(sticks)]
    return [str(file) for file in files if secret.encode() in file.read_bytes()]


def with_(**changed: str | bytes | None) -> dict[str, str | bytes]:
    """FILES with some of them changed or, None, left out; `__` stands for a dot, `_` at the end for a flag's hyphen."""
    files = {**FILES, **{name.replace("__", "."): content for name, content in changed.items() if content is not None}}
    gone = {name.replace("__", ".") for name, content in changed.items() if content is None}
    return {name: content for name, content in files.items() if name not in gone}


def test_a_new_machine_takes_a_site_and_says_what_does_not_answer_yet(kiosk: Machine) -> None:
    result = run(kiosk, FILES)
    assert result.accepted
    assert "病院: 架空総合病院（パターン 1）" in result.taken
    assert any("smb://127.0.0.1:9/face" in line for line in result.taken)
    assert any("パスワードのファイル: 2 個" in line for line in result.taken)
    assert any("ポート 9 が閉じています" in line and "→" in line for line in result.wrong)
    places = kiosk.places
    assert (places.site / "site.toml").read_text() == SITE
    assert sorted(path.name for path in (places.site / sealed.FOLDER).iterdir()) == [
        "receipt_computer.secret", "technician.secret", "terminal.secret",
    ]  # fmt: skip
    assert sealed.unseal(places, "terminal.secret", places.site / sealed.FOLDER / "terminal.secret") == b"Himitsu-1\n"
    assert screen_owner.usual_page(places) is None
    for unit in provision.SERVICES:
        assert f"systemctl --no-block restart {unit}" in kiosk.calls


def test_no_secret_is_anywhere_but_on_the_stick(kiosk: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    result = run(kiosk, FILES)
    for secret in ("Himitsu-1", "Himitsu-2", PIN):
        assert in_clear(kiosk, secret) == []
        assert secret not in capfd.readouterr().err
        assert not any(secret in line for line in result.taken + result.wrong)
    assert not (kiosk.places.run / "candidate").exists()


def test_a_secret_is_tied_to_no_measurement_of_the_firmware(kiosk: Machine) -> None:
    """Register 7, systemd-creds' own choice, changes with an update of the firmware or of Secure Boot's lists."""
    real = kiosk.places.root / "usr/bin/systemd-creds"
    target = real.readlink()
    real.unlink()
    script(real, f'printf "%s\\n" "systemd-creds $*" >>"{kiosk.places.root}/calls"\nexec {target} "$@"\n')
    run(kiosk, FILES)
    sealing = [call for call in kiosk.calls if call.startswith("systemd-creds encrypt")]
    assert len(sealing) == 3
    assert all("--tpm2-pcrs=16 " in call for call in sealing)


def test_the_stick_is_read_only_and_let_go(kiosk: Machine) -> None:
    top = kiosk.stick(FILES)
    run(kiosk)
    mounts = [call for call in kiosk.calls if call.startswith(("mount", "umount"))]
    device = kiosk.places.root / "dev" / DEVICE
    assert mounts == [
        f"mount -t vfat -o ro,umask=0077,nosuid,nodev,noexec {device} {kiosk.places.stick}",
        f"umount {kiosk.places.stick}",
    ]
    assert sorted(path.name for path in top.iterdir()) == sorted(FILES)


def test_the_same_stick_again_changes_nothing(kiosk: Machine) -> None:
    run(kiosk, FILES)
    before = installed(kiosk)
    result = run(kiosk)
    assert result == Result(True, False, ["USB メモリーの設定は、いま使っているものと同じです。何も変えていません"], [])
    assert installed(kiosk) == before


BAD = [
    ("no site.toml", with_(site__toml=None), "site.toml がありません"),
    ("Windows' second ending", {**with_(site__toml=None), "site.toml.txt": SITE}, "site.toml.txt はあります"),
    ("not TOML", with_(site__toml="[site\n"), "書き方に誤りがあり"),
    ("an unknown key", with_(site__toml=SITE + "colour = 1\n"), "colour: この名前の項目は、この表にはありません"),
    ("two faults", with_(site__toml=SITE.replace("pattern = 1", "pattern = 3").replace("tcp:", "ftp:")), "pattern"),
    ("another data folder", with_(site__toml=SITE.replace("/var/lib/kiosk", "/srv/x")), "data_dir"),
    ("no password", with_(terminal__secret=None), "terminal.secret"),
    ("an empty password", with_(terminal__secret="\n"), "1 行目が空です"),
    ("no metrics password", with_(site__toml=SITE + '[metrics]\npush = "smb://a@192.0.2.9/m"\n'), "metrics.secret"),
    ("no table", with_(site__toml=SITE + '[reference_numbers]\nmap = "map.csv"\n'), "map.csv"),
    ("a bad table", {**with_(site__toml=SITE + '[reference_numbers]\nmap = "map.csv"\n'), "map.csv": "x\n"}, "対応表"),
    ("a weak PIN", with_(technician__secret="123456"), "暗証番号が簡単すぎます"),
    ("a PIN of letters", with_(technician__secret="secret"), "暗証番号は 6～12 桁"),
    ("a large file", with_(terminal__secret=b"x" * 2_000_000), "大きすぎます"),
    ("nothing at all", {}, "site.toml がありません"),
]


@pytest.mark.parametrize(("files", "line_of_page"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_fault_of_the_files_is_reported_and_nothing_changes(
    kiosk: Machine, files: dict[str, str | bytes], line_of_page: str
) -> None:
    result = run(kiosk, files)
    assert not result.accepted
    assert any(line_of_page in line for line in result.wrong), result.wrong
    assert not any(str(kiosk.places.root) in line for line in result.wrong)
    assert installed(kiosk) == {}
    assert screen_owner.usual_page(kiosk.places) == {"page": "no_site"}


def test_the_refused_page_says_in_japanese_what_is_wrong_where_and_what_to_write(kiosk: Machine) -> None:
    site = SITE.replace('"9912345678"', "9912345678") + "[visit]\nsettle_s = 99\nsetle_s = 1\n[sight]\n"
    page = run(kiosk, with_(site__toml=site)).page()
    assert (page["accepted"], page["taken"]) == (False, [])
    assert page["wrong"] == [
        "site.toml かその仲間のファイルに誤りがあります。直して、もう一度差し込んでください",
        "site.toml: [sight]: この名前の表はありません。近い名前: site",
        'site.toml: [site] institution_code: "…" で囲んだ半角の数字 10 桁を書いてください。今の値: 整数 9912345678',
        "site.toml: [visit] setle_s: この名前の項目は、この表にはありません。近い名前: settle_s",
        "site.toml: [visit] settle_s: 0～10 の数（単位は秒）を書いてください。今の値: 整数 99",
    ]
    result = run(kiosk, with_(terminal__secret=None)).page()["wrong"]
    assert result[1:] == [
        (
            "site.toml: [terminal] password_file: terminal.secret: このファイルがありません。"
            "1 行目にパスワードを書いて、site.toml の隣に置いてください"
        )
    ]


def test_what_is_no_stick_is_reported(kiosk: Machine) -> None:
    result = run(kiosk)
    assert result.wrong == ["USB メモリーを読めません。FAT32（または exFAT）で作り直してください"]


@pytest.mark.parametrize("device", ["../sdx1", "", "sd x", "SDX1"])
def test_a_device_is_named_by_letters_and_digits(kiosk: Machine, device: str, tmp_path: Path) -> None:
    with pytest.raises(Failure):
        stick.copy(kiosk.places, device, tmp_path)
    assert not any(call.startswith("mount") for call in kiosk.calls)


def test_a_stick_full_of_secrets_is_refused_before_they_fill_the_memory(
    kiosk: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    real = stick._copy_file

    def taken(source: Path, target: Path, max_bytes: int) -> bool:
        copied.append(source.name)
        return real(source, target, max_bytes)

    monkeypatch.setattr(stick, "_copy_file", taken)
    result = run(kiosk, {**FILES, **{f"{number}.secret": "x" for number in range(500)}})
    assert result.wrong == ["USB メモリーのファイルが多すぎます（40 個まで）"]
    assert copied == ["site.toml"]


def test_a_site_that_would_take_long_to_read_is_refused_at_once_before_any_pin(kiosk: Machine) -> None:
    began = time.process_time()
    result = run(kiosk, {**FILES, "site.toml": "a" + ".a" * 25_000 + " = 1"})
    assert result.wrong[1:] == [
        "site.toml: 1 行目に「.」が多すぎます（1 行に 32 個まで）。長い一覧は、何行かに分けて書いてください"
    ]
    assert time.process_time() - began < 5
    result = run(kiosk, {**FILES, "site.toml": "#" * 300_000})
    assert result.wrong == ["site.toml が大きすぎます（256 kB まで）"]


def test_a_stick_cannot_ask_the_kernel_to_panic_or_play_its_journal(kiosk: Machine) -> None:
    """What an ext4 file system says of itself (tune2fs -e panic) holds unless the mount says otherwise."""
    run(kiosk, {})
    (kiosk.places.root / "dev" / DEVICE).rmdir()
    run(kiosk)
    mounts = [call.split()[4] for call in kiosk.calls if call.startswith("mount -t ext4")]
    assert mounts == ["ro,noload,errors=remount-ro,nosuid,nodev,noexec"]


def test_links_of_a_stick_are_not_followed(kiosk: Machine) -> None:
    """An ext4 stick can hold them."""
    (kiosk.places.root / "etc/shadow").write_text("somebody's\n")
    top = kiosk.stick(with_(terminal__secret=None))
    (top / "terminal.secret").symlink_to(kiosk.places.root / "etc/shadow")
    result = run(kiosk)
    assert not result.accepted
    assert any("terminal.secret" in line for line in result.wrong)


def test_a_table_of_numbers_is_not_for_everybody(kiosk: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds patients' numbers; site.toml holds none, and every service reads it."""
    monkeypatch.setattr(installed_sites, "_KIOSK", grp.getgrgid(os.getegid()).gr_name)
    site = SITE + '[reference_numbers]\nmap = "map.csv"\n'
    assert run(kiosk, {**with_(site__toml=site), "map.csv": "reference_number,patient_number\n1,2\n"}).accepted
    modes = {path.name: path.stat().st_mode & 0o777 for path in kiosk.places.site.iterdir()}
    assert modes == {"site.toml": 0o644, "map.csv": 0o640, "credentials": 0o700}


def test_a_sites_desk_gets_its_files_and_a_key_that_outlives_the_site(
    kiosk: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Certificate and key become credentials; what the desk seals with is made here, once."""
    monkeypatch.setattr(installed_sites, "_KIOSK", grp.getgrgid(os.getegid()).gr_name)
    desk = '[desk]\ncertificate_file = "desk.pem"\nkey_file = "desk-key.pem"\npatients = "patients.csv"\n'
    write_certificate(kiosk.places.root)
    pems = {name: (kiosk.places.root / name).read_bytes() for name in ("desk.pem", "desk-key.pem")}
    # The certificate is of another year: what is wrong with it is reported, and the machine is new.
    patients = "".join(f"{number},架空太郎,カクウタロウ,19500102\n" for number in range(25_000))
    files = {**with_(site__toml=SITE + desk), **pems, "patients.csv": f"number,name,kana,birth\n{patients}"}
    assert run(kiosk, files).accepted
    folder = kiosk.places.site / sealed.FOLDER
    assert {"desk.key", "desk.pem", "desk-key.pem"} <= {file.name for file in folder.iterdir()}
    key = sealed.unseal(kiosk.places, "desk.key", folder / "desk.key")
    assert key is not None and len(key) == 32
    assert not (kiosk.places.site / "desk-key.pem").exists()
    assert f"{(kiosk.places.site / 'patients.csv').stat().st_mode & 0o777:04o}" == "0640"
    assert not run(kiosk).changed
    for site in (SITE, SITE + desk.replace("[desk]", '[desk]\nregister = "always"')):
        assert run(kiosk, {**files, "site.toml": site, "take-anyway": ""}).changed
        folder = kiosk.places.site / sealed.FOLDER
        assert sealed.unseal(kiosk.places, "desk.key", folder / "desk.key") == key


def test_a_sites_hospital_system_gets_its_password_and_its_certificates(kiosk: Machine) -> None:
    his = '[his]\nurl = "orca+https://kiosk@127.0.0.1:9/api"\nca_file = "orca-ca.pem"\n'
    files = with_(site__toml=SITE + his)
    refused = run(kiosk, files)
    assert not refused.accepted
    assert any("[his] password_file: his.secret" in line for line in refused.wrong)
    refused = run(kiosk, {**files, "his.secret": "secret of orca\n"})
    assert any("[his] ca_file: orca-ca.pem" in line for line in refused.wrong)
    result = run(kiosk, {**files, "his.secret": "secret of orca\n", "orca-ca.pem": "PEM\n"})
    # Nobody answers there: that is reported, and the machine is new.
    assert result.accepted and "病院のシステム: orca+https://127.0.0.1:9/api" in result.taken
    folder = kiosk.places.site / sealed.FOLDER
    assert {"his.secret", "orca-ca.pem"} <= {file.name for file in folder.iterdir()}
    drop_in = kiosk.places.root / "run/systemd/system/kiosk-his.service.d/site.conf"
    assert f"LoadCredentialEncrypted=his.secret:{folder / 'his.secret'}" in drop_in.read_text()
    assert not run(kiosk, {**files, "his.secret": "secret of orca\n", "orca-ca.pem": "PEM\n"}).changed


# --- a site that is there already -------------------------------------------------------------------------------------

OTHER = SITE.replace("架空総合病院", "別の病院")


def test_a_working_site_is_not_replaced_by_one_whose_surroundings_fail(kiosk: Machine) -> None:
    run(kiosk, FILES)
    before = installed(kiosk)
    result = run(kiosk, with_(site__toml=OTHER.replace("127.0.0.1:9/face", "127.0.0.2:9/face")))
    assert not result.accepted
    assert any("take-anyway" in line for line in result.wrong)
    assert installed(kiosk) == before
    firewall = (kiosk.places.run / "firewall.nft").read_text()
    assert "127.0.0.2" not in firewall


@pytest.mark.parametrize("flag", ["take-anyway", "take-anyway.txt"])
def test_take_anyway_replaces_it(kiosk: Machine, flag: str) -> None:
    run(kiosk, FILES)
    result = run(kiosk, {**with_(site__toml=OTHER), flag: ""})
    assert result.accepted
    assert "別の病院" in (kiosk.places.site / "site.toml").read_text()
    assert (kiosk.places.sites / "previous" / "site.toml").read_text() == SITE


def test_only_the_last_two_sites_are_kept(kiosk: Machine) -> None:
    for number in range(3):
        run(kiosk, {**with_(site__toml=SITE.replace("架空", f"架空{number}")), "take-anyway": ""})
    folders = [path for path in kiosk.places.sites.iterdir() if not path.is_symlink()]
    assert len(folders) == 2
    assert "架空2" in (kiosk.places.site / "site.toml").read_text()


def test_a_stick_that_does_not_know_the_pin_replaces_nothing(kiosk: Machine) -> None:
    run(kiosk, FILES)
    before = installed(kiosk)
    for changed in ({"technician__secret": None}, {"technician__secret": "907134"}):
        result = run(kiosk, {**with_(site__toml=OTHER, **changed), "take-anyway": ""})
        assert not result.accepted
        assert any("暗証番号" in line for line in result.wrong)
    assert installed(kiosk) == before
    assert tries.Tries(kiosk.places.appliance / "pin.json").attempt("111112", b"{}") == tries.Wrong(3)


def test_the_pin_is_changed_by_bringing_the_old_one(kiosk: Machine) -> None:
    run(kiosk, FILES)
    files = {**with_(technician__secret="907134"), "technician-old.secret": PIN, "take-anyway": ""}
    assert run(kiosk, files).accepted
    kept = sealed.pin_record(kiosk.places)
    assert kept is not None
    assert secret_hash.matches("907134", kept)
    assert not (kiosk.places.site / sealed.FOLDER / "technician-old.secret").exists()


WEAK = "147258"


def in_force(kiosk: Machine, number: str) -> None:
    """As an earlier version took it: `number` is the PIN of the installed site."""
    run(kiosk, FILES)
    kept = sealed.pin_file(kiosk.places)
    kept.unlink()
    sealed.seal(kiosk.places, sealed.PIN_NAME, secret_hash.record(number), kept)


@pytest.mark.parametrize("site", [SITE, OTHER])
def test_a_weak_pin_that_is_in_force_stays_in_force_and_its_stick_is_taken_with_a_word(
    kiosk: Machine, site: str
) -> None:
    in_force(kiosk, WEAK)
    result = run(kiosk, {**with_(site__toml=site, technician__secret=WEAK), "take-anyway": ""})
    assert result.accepted
    assert [line for line in (*result.taken, *result.wrong) if "簡単すぎて当てられやすい" in line and WEAK not in line]
    kept = sealed.pin_record(kiosk.places)
    assert kept is not None
    assert tries.Tries(kiosk.places.appliance / "pin.json").attempt(WEAK, kept) == tries.Right()
    changed = {**with_(site__toml=site, technician__secret="907134"), "technician-old.secret": WEAK, "take-anyway": ""}
    result = run(kiosk, changed)
    assert result.accepted
    assert "簡単すぎて" not in str(result)


def test_a_weak_pin_that_is_not_in_force_is_refused_and_a_guess_is_a_try(kiosk: Machine) -> None:
    in_force(kiosk, WEAK)
    gate = tries.Tries(kiosk.places.appliance / "pin.json")
    result = run(kiosk, {**with_(site__toml=OTHER, technician__secret="147852"), "take-anyway": ""})
    assert (result.accepted, "違います" in str(result.wrong)) == (False, True)
    assert gate.attempt("111112", b"{}") == tries.Wrong(3)
    new = {**with_(site__toml=OTHER, technician__secret="147852"), "technician-old.secret": WEAK, "take-anyway": ""}
    result = run(kiosk, new)
    assert (result.accepted, "暗証番号が簡単すぎます" in str(result.wrong)) == (False, True)
    assert "147852" not in str(result)


def test_a_site_that_systemd_cannot_seal_leaves_the_old_one(kiosk: Machine) -> None:
    run(kiosk, FILES)
    before = installed(kiosk)
    real = kiosk.places.root / "usr/bin/systemd-creds"
    target = real.readlink()
    real.unlink()
    real.write_text(f'#!/bin/sh\n[ "$1" = encrypt ] && exit 1\nexec {target} "$@"\n')
    real.chmod(0o755)
    result = run(kiosk, {**with_(site__toml=OTHER), "take-anyway": ""})
    assert "設定をこの機械に書けませんでした。前のままです" in result.wrong
    assert installed(kiosk) == before


def test_a_power_cut_before_the_link_is_turned_leaves_the_old_site(
    kiosk: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(kiosk, FILES)

    def cut(link: Path, name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(installed_sites, "_point", cut)
        with pytest.raises(KeyboardInterrupt):
            run(kiosk, {**with_(site__toml=OTHER), "take-anyway": ""})
    assert (kiosk.places.site / "site.toml").read_text() == SITE
    assert run(kiosk, {**with_(site__toml=OTHER), "take-anyway": ""}).accepted
    assert len([path for path in kiosk.places.sites.iterdir() if not path.is_symlink()]) == 2


def test_what_did_not_take_its_settings_is_named_in_japanese_and_logged(
    kiosk: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("usr/sbin/nft", "usr/bin/udevadm", "usr/bin/networkctl"):
        script(kiosk.places.root / name, f'echo "{Path(name).name} broke" >&2\nexit 1\n')
    result = run(kiosk, FILES)
    assert result.accepted
    assert [line for line in result.wrong if "反映" in line] == [
        (
            "新しい設定がまだ反映されていないものがあります（USB 機器、ネットワーク、ファイアウォール）。"
            "［再起動］を押してください。続くときは保守会社へ知らせてください"
        )
    ]
    assert not any("broke" in line for line in result.wrong)
    logged = capfd.readouterr().err
    for why in ("firewall: nft broke", "networkctl reload: networkctl broke", "udevadm control: udevadm broke"):
        assert why in logged


# --- flags, appointments ----------------------------------------------------------------------------------------------


def test_secrets_are_wiped_from_the_stick_when_it_asks(kiosk: Machine) -> None:
    top = kiosk.stick({**FILES, "wipe-secrets": "", "map-not-named.csv": "stays"})
    result = run(kiosk)
    assert result.accepted
    assert sorted(path.name for path in top.iterdir()) == ["map-not-named.csv", "site.toml", "wipe-secrets"]
    assert "USB メモリーのパスワードのファイル 3 個を消しました" in result.taken


def test_a_password_in_a_file_of_another_name_is_wiped_too(kiosk: Machine) -> None:
    site = SITE.replace("[terminal]", '[terminal]\npassword_file = "pw.txt"')
    top = kiosk.stick({**with_(terminal__secret=None), "site.toml": site, "pw.txt": "Himitsu-1\n", "wipe-secrets": ""})
    assert run(kiosk).accepted
    assert sorted(path.name for path in top.iterdir()) == ["site.toml", "wipe-secrets"]


def test_a_refused_stick_keeps_its_secrets(kiosk: Machine) -> None:
    top = kiosk.stick({**with_(technician__secret="123456"), "wipe-secrets": ""})
    assert not run(kiosk).accepted
    assert {*SECRETS} <= {path.name for path in top.iterdir()}


IMPORTED = """echo '{"code": "done.imported", "parameters": {"rows": 2, "days": 1}}'\n"""
HEADER = "patient_number,date,time,department,doctor,place"
PATIENT = ("ZZ-9911", "架空花子")


def importing(kiosk: Machine, script_: str, exports: dict[str, str]) -> Result:
    """Take a site, then appointments, which the shell's `script_` imports."""
    run(kiosk, FILES)
    script(kiosk.places.root / "opt/kiosk/current/.venv/bin/python", script_)
    appointments: dict[str, str | bytes] = {f"appointments/{name}": content for name, content in exports.items()}
    return run(kiosk, {**appointments, "technician.secret": PIN})


def test_what_the_real_import_says_is_japanese_on_the_page_and_names_no_patient(
    kiosk: Machine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real command; only its data folder is the test's own."""
    own = tmp_path / "own.toml"
    own.write_text(SITE.replace("/var/lib/kiosk", str(tmp_path / "data")))
    real = f'cd "{ROOT}" && exec "{sys.executable}" -m kiosk reservations import - --json --config "{own}"\n'
    good = "1,2026-01-15,9:00,内科,甲,A"
    bad = f"{PATIENT[0]},2026-01-15,25:00,内科,{PATIENT[1]},A"
    exports = {
        "1.csv": f"{HEADER}\n{good}\n",
        "2.csv": f"{HEADER}\n{good}\n{bad}\n{bad}\n",
        "3.csv": f"{bad}\n",
        "4.csv": f"{HEADER}\n",
    }
    page = importing(kiosk, real, exports).page()
    assert page["taken"] == [
        "予約 1: 1 日分の予約 1 件を取り込みました",
        "予約 4: 予約が 1 件も書かれていません。予約は前のままです",
    ]
    assert page["wrong"] == [
        (
            "予約 2: 取り込めません。3 行目: 時刻（time）は 0:00～23:59 で書いてください"
            "（ほかにも誤りのある行が 1 行あります: 4 行目）"
        ),
        (
            f"予約 3: 取り込めません。1 行目: 見出しの行がありません。{HEADER} を 1 行目に書いてください"
            "（note と message は、あってもなくてもかまいません）"
        ),
    ]
    said = capfd.readouterr().err
    assert '"code": "refused.lines", "parameters": {"line": 3, "reason": {"code": "reason.time_range"' in said
    assert not [value for value in PATIENT if value in said]


def test_what_a_broken_import_says_is_neither_shown_nor_logged(
    kiosk: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    script_ = f'cat >&2\necho "ValueError: {PATIENT[1]}" | tee /dev/stderr\nexit 9\n'
    said = importing(kiosk, script_, {"a.csv": f"{PATIENT[0]}\n"})
    assert not said.accepted
    assert said.wrong == [
        (
            "予約 1: 取り込めません。取り込むプログラムが途中で止まりました（9）。"
            "もう一度差し込んでください。続くときは保守会社へ知らせてください"
        )
    ]
    logged = capfd.readouterr().err
    assert 'not imported: {"code": "command.stopped", "parameters": {"code": 9}}' in logged
    assert not [value for value in PATIENT if value in logged]


def test_appointments_of_a_stick_are_imported_as_the_receptions_user(kiosk: Machine, tmp_path: Path) -> None:
    """The import is a program of the reception's; what it is given and what it says is all that counts here."""
    run(kiosk, FILES)
    python = kiosk.places.root / "opt/kiosk/current/.venv/bin/python"
    python.write_text(f'#!/bin/sh\ncat >"{tmp_path}/given"\necho "$@" >"{tmp_path}/called"\n{IMPORTED}')
    files: dict[str, str | bytes] = {"大事な名前.csv": "a,b\n", ".hidden.csv": "x", "x.txt": "x"}
    appointments = {f"appointments/{name}": content for name, content in files.items()}
    refused = run(kiosk, appointments)
    assert not refused.accepted
    assert "暗証番号が要ります" in refused.wrong[0]
    assert not (tmp_path / "given").exists()
    result = run(kiosk, {**appointments, "technician.secret": PIN})
    assert result.accepted
    assert result.taken == ["予約 1: 1 日分の予約 2 件を取り込みました"]
    assert (tmp_path / "given").read_text() == "a,b\n"
    assert f"reservations import - --json --config {kiosk.places.site}/site.toml" in (tmp_path / "called").read_text()
    assert any(call.startswith("setpriv --reuid=kiosk") for call in kiosk.calls)


def test_usb_devices_of_the_site_and_those_it_refuses_are_listed(kiosk: Machine) -> None:
    """A touch panel that site.toml forgot does nothing any more: its number is on the page that says so."""
    folder = kiosk.places.root / "sys/bus/usb/devices/1-2"
    folder.mkdir(parents=True)
    for name, text in (("idVendor", "0eef"), ("idProduct", "0001"), ("authorized", "0"), ("product", "TouchScreen")):
        (folder / name).write_text(text)
    result = run(kiosk, {**FILES, "site.toml": SITE + '[[usb]]\nwhat = "reader"\nid = "0403:6001"\n'})
    assert result.accepted
    assert "USB 機器: 診察券リーダー 0403:6001" in result.taken
    assert [line for line in result.wrong if line.startswith("使えない USB 機器: 0eef:0001 1-2 TouchScreen")]


def test_exports_that_are_too_many_are_reported(kiosk: Machine) -> None:
    many = {f"appointments/{number:02}.csv": "x" for number in range(stick.MAX_EXPORTS + 2)}
    line_of_page = run(kiosk, {**FILES, **many}).wrong
    assert [line for line in line_of_page if "2 個は取り込んでいません" in line], line_of_page


def test_a_stick_is_read_between_two_visits(kiosk: Machine) -> None:
    """While one is under way the screen stays the patient's; then it says that the stick is being read."""
    places = kiosk.places
    assert DataFolder(places.data).run_status.name == RUN_STATUS
    screen_owner.show(None, places)
    for screen, at, free in (
        ("tap_reader", time.time(), False), ("done", time.time(), False), ("choose_card", time.time(), True),
        ("closed", time.time(), True), ("tap_reader", time.time() - 60, True),
    ):  # fmt: skip
        DataFolder(places.data).run_status.write_text(json.dumps({"at": at, "screen": screen}))
        assert screen_owner.wait_until_free(places, 0.1) is free, screen
    for odd in ("{", "[" * 60_000, '{"at": 1e999, "screen": "tap_reader"}', '{"at": 1, "screen": []}'):
        DataFolder(places.data).run_status.write_text(odd)
        assert screen_owner.wait_until_free(places, 0.1), odd[:40]
    DataFolder(places.data).run_status.unlink()
    os.mkfifo(DataFolder(places.data).run_status)
    assert screen_owner.wait_until_free(places, 0.1)
    assert provision._announce(places)
    assert screen_owner.current_page(places) == {"page": "no_site", "checking": True}
    assert kiosk.calls[-1] == "systemctl --no-block start kiosk-page.service"


def test_a_stick_that_was_in_at_power_on_does_not_try_its_site_under_a_visit(
    kiosk: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has changed it meanwhile: the reception is on the screen already when it is read."""
    places = kiosk.places
    run(kiosk, FILES)
    screen_owner.show(None, places)
    monkeypatch.setattr(screen_owner, "VISIT_S", 0.1)
    DataFolder(places.data).run_status.write_text(json.dumps({"at": time.time(), "screen": "tap_reader"}))
    changed = with_(site__toml=OTHER)
    result = run(kiosk, changed)
    assert not result.accepted
    assert result.wrong == ["受付が続いていたので、読みませんでした。もう一度差し込んでください"]
    assert (places.site / "site.toml").read_text() == SITE
    assert screen_owner.current_page(places) == {"page": "reception"}
    DataFolder(places.data).run_status.unlink()
    assert run(kiosk, {**changed, "take-anyway": ""}).accepted
    assert screen_owner.current_page(places) == screen_owner.CHECKING


@pytest.mark.parametrize("page", ["provisioned", "technician"])
def test_a_page_that_is_left_while_a_stick_is_tried_does_not_lead_to_the_reception(kiosk: Machine, page: str) -> None:
    run(kiosk, FILES)
    places = kiosk.places
    screen_owner.show({"page": page}, places)
    with locked(places.stick_lock, wait=True):
        assert screen_owner.leave_page(places)
        assert screen_owner.current_page(places) == screen_owner.CHECKING
    assert screen_owner.leave_page(places)
    assert screen_owner.current_page(places) == {"page": "reception"}


def test_the_result_waits_for_the_patient_and_a_refusal_is_no_breakdown(
    kiosk: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit makes good what a broken run leaves; its exit code tells the two apart."""
    places = kiosk.places
    monkeypatch.setattr(provision, "Places", lambda: places)
    kiosk.stick({}, DEVICE)
    assert provision.main([f"/dev/{DEVICE}"]) == 3
    unit = ROOT / "deploy/image/tree/etc/systemd/system/kiosk-provision@.service"
    assert "\nSuccessExitStatus=3\n" in unit.read_text(encoding="utf-8")
    assert screen_owner.current_page(places)["page"] == "provisioned"
    run(kiosk, FILES)
    screen_owner.show(None, places)
    monkeypatch.setattr(provision, "_STARTING_S", 1e9)
    monkeypatch.setattr(screen_owner, "VISIT_S", 0.1)
    for screen, page in (("tap_reader", "reception"), ("choose_card", "provisioned")):
        DataFolder(places.data).run_status.write_text(json.dumps({"at": time.time(), "screen": screen}))
        kiosk.stick({}, DEVICE)
        assert provision.main([f"/dev/{DEVICE}"]) == 3
        assert screen_owner.current_page(places)["page"] == page


def test_appointments_without_a_site_are_refused(kiosk: Machine) -> None:
    result = run(kiosk, {"appointments/a.csv": "a,b\n"})
    assert not result.accepted
    assert result.wrong == ["予約を取り込めません。まず site.toml を USB メモリーに入れてください"]


# --- the rule, and the check of the candidate -------------------------------------------------------------------------


def finding(code: str, result: str = "NG") -> dict[str, str]:
    return {"code": code, "result": result, "message": code, "do": "x"}


@pytest.mark.parametrize(
    ("codes", "installed_", "anyway", "accepted"),
    [
        ((), True, False, True),
        (("terminal_share",), False, False, True),
        (("terminal_share",), True, False, False),
        (("terminal_share",), True, True, True),
        (("printer", "clock_sync"), True, False, False),
        (("secrets",), False, True, False),
        (("reference_numbers",), False, False, False),
        (("data_dir", "disk", "reception_running"), True, False, True),
    ],
)
def test_the_rule_of_refusing(codes: tuple[str, ...], installed_: bool, anyway: bool, accepted: bool) -> None:
    found = [finding("fonts", "OK"), *map(finding, codes)]
    assert candidate.decide(found, installed=installed_, anyway=anyway)[0] is accepted


def test_a_check_that_says_nothing_refuses() -> None:
    assert not candidate.decide([], installed=False, anyway=True)[0]


def test_a_good_stick_is_checked_against_real_servers_and_replaces_the_old_site(kiosk: Machine, tmp_path: Path) -> None:
    """A wrong password is refused before, the credentials of the old site are not tried on the new servers."""
    with Hospital(tmp_path / "h", pattern=2) as hospital:
        text = hospital.site.read_text().replace(str(hospital.data_dir), "/var/lib/kiosk")
        password = (hospital.root / "terminal.secret").read_text()
        files: dict[str, str | bytes] = {
            "site.toml": text,
            "terminal.secret": password,
            "receipt_computer.secret": password,
            "technician.secret": PIN,
        }
        first = run(kiosk, files)
        assert first.accepted
        assert first.wrong == []
        wrong = run(kiosk, {**files, "terminal.secret": "not this\n", "site.toml": text.replace("架空", "別")})
        assert not wrong.accepted
        assert any("ログオンできません" in line for line in wrong.wrong)
        assert "架空" in (kiosk.places.site / "site.toml").read_text()
        again = run(kiosk, {**files, "site.toml": text.replace("架空", "別")})
        assert again.accepted
        assert again.wrong == []
        assert load(kiosk.places.site / "site.toml", {}, passwords=False).site.name.startswith("別")
        assert os.listdir(hospital.folder("to_face")) == []  # noqa: PTH208 - no probe stays behind


def test_the_check_of_a_candidate_sees_no_credential_of_the_site_in_use(kiosk: Machine) -> None:
    request = {"config": "/nowhere/site.toml", "json": True, "candidate": True}
    (kiosk.places.run / "check-request.json").write_text(json.dumps(request))
    code = (
        "import os, sys\nos.execve = lambda file, command, environment: print('CREDENTIALS_DIRECTORY' in environment)\n"
        "from kiosk.appliance.machine import check_run\ncheck_run.main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--root", str(kiosk.places.root)],
        cwd=ROOT,
        env={**os.environ, "CREDENTIALS_DIRECTORY": "/x"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "False\n"
