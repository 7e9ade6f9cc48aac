"""deploy/install as root, with real accounts: whose group is what, before and after an upgrade, and on the way back.

It runs on this machine's own programs with /etc, /opt, /srv, /usr/local and /var/lib of its own, which end with it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.deploy.installed import RUN_S, SITE, Pc

FOLDER = "/srv/exports"
NEEDED = ("unshare", "setpriv", "systemctl", "systemd-sysusers", "systemd-tmpfiles", "useradd", "usermod", "gpasswd")

# `as ACCOUNT` is a new log-in; a shell that was opened before keeps the groups it had. `can` says what came of it.
HEAD = r"""
set -eu
PATH="$STUBS:$PATH:/usr/sbin"
mount -t tmpfs none "$PLACE/layers"
for folder in etc opt srv usr/local var/lib; do
    layer="$PLACE/layers/$(echo $folder | tr / -)"
    mkdir -p "$layer/up" "$layer/work"
    chmod --reference="/$folder" "$layer/up"
    mount -t overlay none -o "lowerdir=/$folder,upperdir=$layer/up,workdir=$layer/work" "/$folder"
done
as() {
    local group="$(id -g "$1")"
    setpriv --reuid="$1" --regid="$group" --init-groups --bounding-set=-all --inh-caps=-all sh -c "$2" >/dev/null 2>&1
}
can() { if eval "$2"; then echo "$1: yes"; else echo "$1: no"; fi; }
facts() { stat -c "$1: %U:%G %a" "$2"; }
members() { echo "$1: $(getent group "$1" | cut -d: -f4)"; }
install() { "$SOURCE/deploy/install" "$@"; }
header=patient_number,date,time,department,doctor,place
"""

# What the release before left, and what the guide told people to do.
OLD = r"""
groupadd -r kiosk
for user in kiosk kiosk-courier kiosk-fetch; do useradd -r -g kiosk -d /var/lib/kiosk -s /usr/sbin/nologin $user; done
groupadd staff2
useradd -G kiosk,staff2 yoyaku
useradd -g kiosk -M dept2
mkdir -m 755 /srv/secret
command install -d -m 2770 -o kiosk -g kiosk /srv/exports
as yoyaku 'umask 027; echo waiting >/srv/exports/waiting.csv; ln -s /srv/secret/table /srv/exports/planted.csv'
as kiosk 'umask 077; mkdir /srv/exports/done; echo taken >/srv/exports/done/taken.csv'
command install -m 640 -g kiosk /dev/null /srv/secret/table
"""
SESSION = r"""
mkfifo "$PLACE/fifo"
as yoyaku 'umask 027; cd /srv/exports; read go; echo late >late.csv && echo more >>waiting.csv' <"$PLACE/fifo" &
session=$!
exec 8>"$PLACE/fifo"
"""
ASKED = r"""
members kiosk; members kiosk-import; members kiosk-line; members staff2
facts folder /srv/exports
facts waiting /srv/exports/waiting.csv
facts done /srv/exports/done
facts planted /srv/secret/table
facts courier /var/lib/kiosk-courier
can "yoyaku puts an export there" "as yoyaku 'umask 027; echo x >/srv/exports/new.csv'"
can "dept2 puts an export there" "as dept2 'umask 027; echo x >/srv/exports/other.csv'"
can "yoyaku reads site.toml" "as yoyaku 'cat /etc/kiosk/site.toml'"
can "yoyaku passes to the courier" "as yoyaku 'ls -d /var/lib/kiosk-courier/.'"
can "the reception passes to the courier" "as kiosk 'ls -d /var/lib/kiosk-courier/.'"
can "the reception reads site.toml" "as kiosk 'cat /etc/kiosk/site.toml'"
can "the reception reads and renames" "as kiosk 'cd /srv/exports; cat waiting.csv other.csv && mv new.csv taken.csv'"
can "the reception puts away" "as kiosk 'cd /srv/exports && mv taken.csv done/new.csv && rm done/new.csv other.csv'"
can "the fetcher puts an export there" "as kiosk-fetch 'umask 7; echo x >/srv/exports/fetched.csv'"
"""


@contextmanager
def _pc() -> Iterator[Pc]:
    if os.geteuid() != 0:
        pytest.skip("only root makes accounts and mounts")
    missing = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if missing:
        pytest.skip(f"missing: {missing}")
    with TemporaryDirectory(prefix="kiosk-accounts-") as place:
        Path(place).chmod(0o755)
        pc = Pc(Path(place))
        (Path(place) / "layers").mkdir()
        stubs = Path(place) / "stubs"
        stubs.mkdir()
        (stubs / "udevadm").symlink_to("/bin/true")  # no device is looked for: nothing is started here
        if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
            pytest.skip("this machine lets nobody mount")
        yield pc


def _story(pc: Pc, *parts: str, folder: str = FOLDER, share: str = "") -> dict[str, str]:
    """What the script said: "what: answer" as what → answer, and all of it under ""."""
    pc.write_site(f'{SITE}[reservations]\nimport_dir = "{folder}"\n{share}')
    place = pc.folder.parent
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "bash", "-c", "\n".join([HEAD, *parts])],
        cwd=pc.site, env={**os.environ, "PLACE": str(place), "SOURCE": str(pc.source), "STUBS": str(place / "stubs")},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {"": done.stdout} | dict(re.findall(r"^(.*?): (.*)$", done.stdout, re.MULTILINE))


REACHED = {
    "yoyaku puts an export there": "yes",
    "dept2 puts an export there": "yes",
    "yoyaku reads site.toml": "no",
    "yoyaku passes to the courier": "no",
    "the reception passes to the courier": "yes",
    "the reception reads site.toml": "yes",
    "the reception reads and renames": "yes",
    "the reception puts away": "yes",
    "the fetcher puts an export there": "yes",
}


@pytest.mark.peers
def test_an_upgrade_moves_the_accounts_that_a_person_put_into_the_kiosks_group_and_exports_go_on_arriving() -> None:
    with _pc() as pc:
        said = _story(
            pc, OLD, SESSION, "install --config site.toml",
            'echo go >&8; wait $session && echo "the old session: $(cat /srv/exports/late.csv)"',
            ASKED, "install --config site.toml",
        )  # fmt: skip
        assert said["kiosk"] == ""
        assert (said["kiosk-line"], said["staff2"]) == ("kiosk,kiosk-desk", "yoyaku")
        assert set(said["kiosk-import"].split(",")) == {"kiosk", "kiosk-fetch", "yoyaku", "dept2"}
        assert said["the old session"] == "late"
        assert said["folder"].startswith("kiosk:kiosk-import 277")
        assert said["waiting"] == "yoyaku:kiosk-import 640"
        assert said["planted"] == "root:kiosk 640"
        assert said["courier"] == "kiosk-courier:kiosk-line 2710"
        assert said["done"].startswith("kiosk:kiosk ")
        assert {name: said[name] for name in REACHED} == REACHED
        for name in ("yoyaku", "dept2"):
            assert said[""].count(f"install: {name} was moved from the group kiosk to kiosk-import") == 1
        assert said[""].count("belongs to the group kiosk-import now") == 1


@pytest.mark.peers
def test_a_first_installation_and_the_guides_account_need_nothing_of_it() -> None:
    accounts = (
        "groupadd staff2; useradd -G kiosk-import,staff2 yoyaku; useradd -G kiosk-import dept2; mkdir /srv/secret"
    )
    files = "touch /srv/secret/table; as yoyaku 'echo x >/srv/exports/waiting.csv'; as kiosk 'mkdir /srv/exports/done'"
    with _pc() as pc:
        said = _story(pc, "install --config site.toml", accounts, files, ASKED)
        assert {name: said[name] for name in REACHED} == REACHED
        assert said["folder"] == "kiosk:kiosk-import 2770"
        assert "was moved" not in said[""]


@pytest.mark.peers
def test_on_the_way_back_exports_go_on_arriving_and_the_old_courier_gets_its_group(tmp_path: Path) -> None:
    """To a release without the new groups: its users, its line for the courier's folder, and no look at accounts."""
    changes = (
        ("deploy/units/sysusers.conf", "g kiosk-line -\nm kiosk kiosk-line\n", ""),
        ("deploy/units/sysusers.conf", "g kiosk-import -\nm kiosk kiosk-import\n", ""),
        ("deploy/units/sysusers.conf", "m kiosk-fetch kiosk-import\n", ""),
        ("deploy/units/tmpfiles.conf", ":kiosk-line", "kiosk"),
        ("deploy/install", '"$python" -P "$release/deploy/export_accounts.py" "$stage/folders"', ":"),
    )
    with _pc() as pc:
        older = tmp_path / "older"
        shutil.copytree(pc.source, older, symlinks=True)
        for name, new, old in changes:
            text = (older / name).read_text(encoding="utf-8")
            assert new in text
            (older / name).write_text(text.replace(new, old), encoding="utf-8")
        said = _story(pc, OLD, "install --config site.toml", f'SOURCE="{older}"; install', ASKED)
        assert said["courier"] == "kiosk-courier:kiosk 2710"
        assert {name: said[name] for name in REACHED} == REACHED


@pytest.mark.peers
def test_a_folder_that_becomes_the_fetchers_keeps_the_receptions_own_folders_and_its_accounts() -> None:
    """Systemd would give everything in it to the fetcher if the folder itself were not the fetcher's already."""
    with _pc() as pc:
        secret = pc.site / "appointments.secret"
        secret.write_text("pass\n", encoding="utf-8")
        secret.chmod(0o600)
        moved = "mv /srv/exports /var/lib/kiosk-import"
        asked = ASKED.replace("/srv/exports", "/var/lib/kiosk-import")
        said = _story(
            pc, OLD, moved, "install --config site.toml", asked,
            folder="/var/lib/kiosk-import", share='share = "smb://kiosk@127.0.0.1:1/exports"\n',
        )  # fmt: skip
        assert said["folder"].startswith("kiosk-fetch:kiosk 277")
        assert said["done"].startswith("kiosk:kiosk ")
        assert {name: said[name] for name in REACHED} == REACHED


@pytest.mark.peers
def test_a_folder_that_can_be_given_to_nobody_keeps_its_accounts_and_says_so() -> None:
    with _pc() as pc:
        said = _story(
            pc, OLD, "mount --bind -o ro /srv/exports /srv/exports; mount -o remount,bind,ro /srv/exports",
            "install --config site.toml", "members kiosk",
        )  # fmt: skip
        assert "cannot be given to the group kiosk-import" in said[""]
        assert "dept2, yoyaku stay in the group kiosk" in said[""]
        assert said["kiosk"] == "yoyaku"


@pytest.mark.peers
def test_an_empty_mount_point_in_the_folders_place_keeps_the_accounts_until_the_next_time() -> None:
    with _pc() as pc:
        said = _story(
            pc, OLD, "mount -t tmpfs -o mode=755 away /srv/exports", "install --config site.toml",
            "members kiosk; umount /srv/exports", "install --config site.toml", ASKED,
        )  # fmt: skip
        assert "it is of another group, or its disk is not mounted; dept2, yoyaku stay in the group kiosk" in said[""]
        assert said[""].index("stay in the group kiosk") < said[""].index("yoyaku was moved")
        assert {name: said[name] for name in REACHED} == REACHED


@pytest.mark.peers
def test_uninstalling_with_the_data_takes_the_groups_too() -> None:
    with _pc() as pc:
        said = _story(
            pc, "install --config site.toml", '"$SOURCE/deploy/uninstall" --purge',
            "cut -d: -f1 /etc/group | grep kiosk && exit 1; echo 'groups: none'",
        )  # fmt: skip
        assert said["groups"] == "none"
