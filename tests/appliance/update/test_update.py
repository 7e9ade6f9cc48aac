"""Updates: only a whole, newer bundle of the right signer is written, and the way back is never overwritten."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from kiosk.appliance.update import bundle_sources, bundles, slots, update
from kiosk.appliance.update.bundles import Refused
from kiosk.appliance.update.update import Done
from tests.appliance.machine_double import IMAGE, Machine, bundle, keys, need_programs, script, working
from tests.peers.samba import Smbd
from tests.site_toml import REQUIRED

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_programs()
    return keys(tmp_path_factory.mktemp("keys") / "vendor")


@pytest.fixture(scope="module")
def good(vendor: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(tmp_path_factory.mktemp("bundles") / "kiosk-1.5.0.raucb", vendor)


@pytest.fixture
def machine(vendor: Path, tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine", vendor / "keyring.pem")


def end(machine: Machine, name: str) -> Refused | Done | int:
    steps = list(update.install(name, machine.places))
    assert all(isinstance(step, int) for step in steps[:-1])
    return steps[-1]


def changed(source: Path, target: Path, at: int) -> Path:
    """A copy with one bit flipped."""
    raw = bytearray(source.read_bytes())
    raw[at] ^= 1
    target.write_bytes(raw)
    return target


def reason(step: object) -> str:
    assert isinstance(step, Refused), step
    return step.reason


def test_a_good_bundle_of_a_stick_is_written_to_the_other_slot_and_put_on_trial(machine: Machine, good: Path) -> None:
    machine.site()
    machine.status(working(terminal="down"))
    machine.stick(good)
    (listed,) = bundle_sources.list_bundles(machine.places)
    assert (listed.name, listed.version) == ("kiosk-1.5.0.raucb", "1.5.0")
    steps = list(update.install(listed.name, machine.places))
    percents = [step for step in steps if isinstance(step, int)]
    assert percents == sorted(percents)
    assert steps[-1] == Done("1.5.0", "B")
    assert slots.trial(machine.places) == "B"
    note = slots.read_note(machine.places.before_update)
    assert (note["slot"], note["shares"]["terminal"], note["printer"]) == ("B", "down", "ready")
    assert not any("reboot" in call for call in machine.calls())
    mounts = [call for call in machine.calls() if call.startswith("mount")]
    assert mounts
    assert all("ro,umask=0077,nosuid,nodev,noexec" in call for call in mounts)


def test_another_vendors_bundle_is_refused(machine: Machine, tmp_path: Path) -> None:
    machine.stick(bundle(tmp_path / "kiosk-1.5.0.raucb", keys(tmp_path / "stranger")))
    assert reason(end(machine, "kiosk-1.5.0.raucb")) == "wrong_signer"
    assert bundle_sources.list_bundles(machine.places)[0].version == ""
    assert slots.trial(machine.places) is None


def test_a_certificate_of_the_vendor_for_something_else_signs_no_kiosk(
    machine: Machine, vendor: Path, good: Path, tmp_path: Path
) -> None:
    mail = tmp_path / "mail"
    shutil.copytree(vendor, mail)
    request = subprocess.run(
        ["openssl", "req", "-new", "-key", mail / "signer.key", "-subj", "/CN=mail"], capture_output=True, check=True
    )
    extensions = mail / "extensions"
    extensions.write_text("keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,emailProtection\n")
    subprocess.run(
        ["openssl", "x509", "-req", "-CA", mail / "keyring.pem", "-CAkey", mail / "ca.key", "-out", mail / "signer.pem",
         "-extfile", extensions],
        input=request.stdout, capture_output=True, check=True,
    )  # fmt: skip
    out = tmp_path / "kiosk-1.6.0.raucb"
    root = good.with_suffix(".squashfs")
    done = script(
        "bundle", "--root", root, "--version", "1.6.0", "--key", mail / "signer.key", "--cert", mail / "signer.pem",
        "--out", out,
    )  # fmt: skip
    assert done.returncode == 1  # the script never leaves a bundle that a kiosk would refuse
    assert not out.exists()
    lax = tmp_path / "lax.conf"
    conf = (IMAGE / "tree/etc/rauc/system.conf").read_text().replace("check-purpose=codesign\n", "")
    lax.write_text(conf.replace("[keyring]", "[keyring]\ncheck-purpose=any"))
    content = tmp_path / "content"
    content.mkdir()
    shutil.copy(root, content / "root.img")
    (content / "manifest.raucm").write_text(
        "[update]\ncompatible=kiosk-pc-x86_64\nversion=1.6.0\n[bundle]\nformat=verity\n[image.rootfs]\nfilename=root.img\n"
    )
    subprocess.run(
        ["rauc", "--conf", lax, "--keyring", mail / "keyring.pem", "bundle", "--cert", mail / "signer.pem", "--key",
         mail / "signer.key", content, out],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert reason(bundles.verify(machine.places, out)) == "wrong_signer"


@pytest.mark.parametrize("where", ["first byte", "middle", "hash tree", "signature"])
def test_one_flipped_bit_is_found_before_anything_is_written(
    machine: Machine, good: Path, tmp_path: Path, where: str
) -> None:
    info = bundles.inspect(machine.places, good)
    assert isinstance(info, bundles.BundleInfo)
    end_of_all = good.stat().st_size
    at = {"first byte": 40, "middle": info.payload // 2, "hash tree": info.payload + 5, "signature": end_of_all - 200}
    machine.stick(changed(good, tmp_path / "kiosk-1.5.0.raucb", at[where]))
    assert reason(end(machine, "kiosk-1.5.0.raucb")) == "tampered"
    assert not any("install" in call for call in machine.calls())


def test_half_a_file_and_no_bundle_are_distinguished_from_tampering(
    machine: Machine, good: Path, tmp_path: Path
) -> None:
    (tmp_path / "half.raucb").write_bytes(good.read_bytes()[:100_000])
    (tmp_path / "text.raucb").write_text("hello")
    machine.stick(tmp_path / "half.raucb", tmp_path / "text.raucb")
    assert reason(end(machine, "half.raucb")) == "broken_file"
    assert reason(end(machine, "text.raucb")) == "broken_file"
    assert reason(end(machine, "gone.raucb")) == "no_stick"
    assert reason(end(machine, "../half.raucb")) == "broken_file"


@pytest.mark.parametrize(("version", "word"), [("1.3.9", "too_old"), ("1.4.0", "same"), ("1.4.0-rc1", "too_old")])
def test_an_older_version_is_refused_although_it_is_signed(
    machine: Machine, vendor: Path, tmp_path: Path, version: str, word: str
) -> None:
    machine.stick(bundle(tmp_path / "kiosk.raucb", vendor, version))
    assert reason(end(machine, "kiosk.raucb")) == word


def test_a_bundle_for_another_machine_is_refused(machine: Machine, vendor: Path, good: Path, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.mkdir()
    shutil.copy(good.with_suffix(".squashfs"), content / "root.img")
    (content / "manifest.raucm").write_text(
        "[update]\ncompatible=ticket-machine\nversion=2.0.0\n[bundle]\nformat=verity\n[image.rootfs]\nfilename=root.img\n"
    )
    out = tmp_path / "other.raucb"
    command = ["rauc", "bundle", f"--cert={vendor / 'signer.pem'}", f"--key={vendor / 'signer.key'}", str(content)]
    subprocess.run([*command, str(out)], capture_output=True, check=True, timeout=60)
    machine.stick(out)
    assert reason(end(machine, "other.raucb")) == "not_for_this"


def test_links_and_odd_names_on_a_stick_are_not_listed(machine: Machine, good: Path) -> None:
    machine.stick(good)
    folder = machine.root / "dev/disk/by-label/KIOSK-NEW"
    (folder / "link.raucb").symlink_to("/etc/hostname")
    (folder / "-x.raucb").write_text("x")
    (folder / "folder.raucb").mkdir()
    assert [each.name for each in bundle_sources.list_bundles(machine.places)] == ["kiosk-1.5.0.raucb"]


@pytest.mark.parametrize(
    ("last", "word"),
    [
        ("LastError: Failed updating slot: Image too small? Slot (/dev/x) is too small for image", "no_space"),
        ("LastError: Failed updating slot rootfs.1: Input/output error", "tampered"),
        ("LastError: something new", "failed"),
    ],
)
def test_a_failed_installation_ends_the_trial_and_says_why(machine: Machine, good: Path, last: str, word: str) -> None:
    machine.stick(good)
    (machine.root / "installing").write_text(f"echo ' 20% Checking'; echo '{last}'; exit 1\n")
    assert reason(end(machine, good.name)) == word
    assert slots.trial(machine.places) is None
    assert not machine.places.before_update.exists()


def test_an_installation_that_goes_on_without_its_asker_stays_on_trial(machine: Machine, good: Path) -> None:
    """The page went away; RAUC's service writes on, and refuses the second request."""
    machine.stick(good)
    text = "Failed D-Bus error while installing `x`: GDBus.Error:x: Already processing a different method"
    (machine.root / "installing").write_text(f"echo '{text}' >&2; exit 1\n")
    assert reason(end(machine, good.name)) == "busy"
    assert slots.trial(machine.places) == "B"
    assert machine.places.before_update.exists()


def test_a_version_on_trial_does_not_overwrite_the_one_to_fall_back_to(machine: Machine, good: Path) -> None:
    machine.stick(good)
    machine.grub("set", "kiosk_trial=A")
    assert reason(end(machine, good.name)) == "busy"


def test_two_updates_at_once_are_refused(machine: Machine, good: Path) -> None:
    machine.stick(good)
    machine.places.run.mkdir()
    with (machine.places.run / "update.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert reason(end(machine, good.name)) == "busy"
        assert update.start_previous(machine.places) == Refused("busy")


def test_the_way_back_is_open_only_to_a_slot_that_was_good(machine: Machine) -> None:
    machine.grub("set", "B_OK=0")
    assert update.start_previous(machine.places) == Refused("not_good")
    assert machine.calls() == []
    machine.grub("set", "B_OK=1", "kiosk_trial=A")
    assert update.start_previous(machine.places) == Done("", "B")
    assert machine.calls() == ["rauc status mark-active other", "systemctl --no-block reboot"]
    assert slots.trial(machine.places) is None


def test_the_way_back_from_an_update_that_waits_is_to_the_version_that_runs(machine: Machine, good: Path) -> None:
    """The new version would start unproven, and as one that cannot fall back."""
    machine.stick(good)
    assert isinstance(end(machine, good.name), Done)
    machine.grub("set", "B_OK=1", "ORDER=B A")  # as RAUC leaves it
    before = len(machine.calls())
    assert update.start_previous(machine.places) == Done("", "A")
    assert machine.calls()[before:] == [
        "rauc status mark-active booted", "rauc status mark-bad other", "systemctl --no-block reboot",
    ]  # fmt: skip
    assert slots.trial(machine.places) is None
    assert not machine.places.before_update.exists()
    # Nothing that could not be withdrawn is forgotten.
    machine.grub("set", "kiosk_trial=B")
    (machine.root / "rauc-fails").touch()
    assert update.start_previous(machine.places) == Refused("failed", "rauc")
    assert slots.trial(machine.places) == "B"


@pytest.fixture(scope="module")
def updates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's folder."""
    return tmp_path_factory.mktemp("updates")


@pytest.fixture(scope="module")
def server(updates: Path) -> Iterator[Smbd]:
    with Smbd({"updates": updates}) as peer:
        yield peer


@pytest.fixture
def networked(machine: Machine, server: Smbd) -> Machine:
    """A machine whose site names the server's folder of updates."""
    machine.places.site.mkdir(parents=True)
    url = server.url("updates")
    (machine.places.site / "site.toml").write_text(f'{REQUIRED}\n[update]\nfolder = "{url}"\n', encoding="utf-8")
    secret = machine.places.site / "update.secret"
    secret.write_text(f"{server.password}\n")
    secret.chmod(0o600)
    return machine


def test_a_bundle_of_the_hospitals_server_is_fetched_checked_and_deleted_afterwards(
    networked: Machine, updates: Path, good: Path
) -> None:
    shutil.copy(good, updates)
    (updates / "notes.txt").write_text("not a bundle")
    (listed,) = bundle_sources.list_bundles(networked.places)
    assert (listed.name, listed.version, listed.source) == (good.name, "1.5.0", "サーバー")
    assert end(networked, good.name) == Done("1.5.0", "B")
    assert list((networked.places.appliance / "download").iterdir()) == []
    changed(good, updates / good.name, good.stat().st_size // 2)
    networked.grub("unset", "kiosk_trial")
    assert reason(end(networked, good.name)) == "tampered"
    assert list((networked.places.appliance / "download").iterdir()) == []


def test_a_download_that_would_fill_the_disk_is_not_begun(
    networked: Machine, updates: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(good, updates)
    monkeypatch.setattr(bundle_sources, "_KEEP_FREE_BYTES", 1 << 60)
    assert reason(end(networked, good.name)) == "no_space"


def test_a_wrong_password_at_the_server_is_no_answer(networked: Machine, good: Path) -> None:
    (networked.places.site / "update.secret").write_text("wrong\n")
    assert bundle_sources.list_bundles(networked.places) == []
    assert reason(end(networked, good.name)) == "no_answer"


def test_versions_are_compared_as_numbers() -> None:
    in_order = ["1.3.9", "1.4.0-rc2", "1.4.0-rc10", "1.4.0", "1.4.0+2", "1.9.0", "1.10.0", "2.0"]
    for first, second in pairwise(in_order):
        assert bundles.is_older(first, second)
        assert not bundles.is_older(second, first)
    assert not bundles.is_older("1.4", "1.4.0")
    assert not bundles.is_older("1.4.0", "a developer's tree")


def test_a_vendor_renews_the_signer_and_old_kiosks_take_its_bundles(tmp_path: Path) -> None:
    need_programs()
    phrase = tmp_path / "phrase"
    phrase.write_text("正しい馬 電池 ホチキス\n")
    vendor = tmp_path / "vendor"
    made = script("keys", "make", vendor, "--name", "株式会社/ベンダー", "--passphrase", phrase)
    assert made.returncode == 0, made.stderr
    assert "ENCRYPTED" in (vendor / "ca.key").read_text()
    assert {file.name: file.stat().st_mode & 0o777 for file in vendor.glob("*.key")} == {
        "ca.key": 0o600, "signer.key": 0o600,
    }  # fmt: skip
    assert script("keys", "make", vendor, "--name", "x", "--passphrase", phrase).returncode == 1
    machine = Machine(tmp_path / "machine", vendor / "keyring.pem")
    assert script("keys", "renew", vendor, "--passphrase", phrase).returncode == 0
    out = tmp_path / "kiosk-1.5.0.raucb"
    root = tmp_path / "root.squashfs"
    subprocess.run(["mksquashfs", vendor / "keyring.pem", root, "-quiet"], check=True, capture_output=True, timeout=60)
    done = script(
        "bundle", "--root", root, "--version", "1.5.0", "--key", vendor / "signer.key", "--cert",
        vendor / "signer.pem", "--out", out, "--passphrase", phrase,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert isinstance(bundles.verify(machine.places, out), bundles.BundleInfo)


def test_a_root_that_trusts_another_authority_becomes_no_bundle(tmp_path: Path) -> None:
    """A kiosk with it would refuse every later update of the vendor."""
    ours, trial = keys(tmp_path / "vendor"), keys(tmp_path / "trial")
    for name, inner, made in (("good", ours, 0), ("bad", trial, 1)):
        tree = tmp_path / name
        (tree / "etc/rauc").mkdir(parents=True)
        shutil.copy(inner / "keyring.pem", tree / "etc/rauc/keyring.pem")
        root = tmp_path / f"{name}.squashfs"
        squash = ["mksquashfs", str(tree), str(root), "-quiet", "-no-progress"]
        subprocess.run(squash, check=True, timeout=60, capture_output=True)
        done = script(
            "bundle", "--root", root, "--version", "1.5.0", "--key", ours / "signer.key", "--cert", ours / "signer.pem",
            "--out", tmp_path / f"{name}.raucb",
        )  # fmt: skip
        assert done.returncode == made, done.stderr
    assert "trusts another authority" in done.stderr


def test_the_boot_configuration_is_what_grub_and_the_update_agree_on() -> None:
    grub = IMAGE / "grub.cfg"
    need_programs()
    done = subprocess.run(["grub-script-check", grub], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    text = grub.read_text()
    for slot, partition in (("A", "gpt2"), ("B", "gpt3")):
        assert f"start {slot} {partition} root-{slot.lower()}" in text
    # No menu, and nobody who could open a command line.
    assert "menuentry" not in text
    assert 'superusers="nobody"' in text
    assert not [line for line in text.splitlines() if line.startswith("password")]
    # What is read from the block are names, not commands; all of them.
    (load,) = [line.strip() for line in text.splitlines() if line.strip().startswith("load_env")]
    names = ["ORDER", "A_OK", "A_TRY", "B_OK", "B_TRY", "machine_id", "kiosk_turn"]
    assert load.split("grubenv")[1].strip('" ').split() == names
