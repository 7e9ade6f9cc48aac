"""One file, step by step, over real Samba, with everything going wrong around it: once, whole, over nobody's file."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Busy, Missing, Refused, Share, Unreachable, open_share
from drivers.simulated.tcp_proxy import Proxy
from kiosk.courier.deliver import Deliverer
from kiosk.courier.ledger import TEMP_PATTERN, Item
from kiosk.courier.listeners import admit
from kiosk.courier.sweep import sweep
from tests.courier.bench import Desk, Hooked, document, hooked, once, place, result_name
from tests.peers.samba import Smbd

pytestmark = pytest.mark.peers
NAME = result_name(1)
ONE = document("valid-utf8")
OTHER = document("shuffled")


class Site:
    """`face` and `usual` are shares of one server (copied); `oqs/face` and `oqs/usual` one share (renamed)."""

    def __init__(self, root: Path, server: Smbd) -> None:
        self.root, self.server = root, server
        self.face, self.usual = root / "face", root / "usual"

    def url(self, folder: str, proxy: Proxy | None = None) -> str:
        url = self.server.url(folder)
        return url.replace(f":{self.server.port}/", f":{proxy.port}/") if proxy else url

    def share(self, folder: str, proxy: Proxy | None = None) -> Share:
        return open_share(self.url(folder, proxy), self.server.password)

    def unfinished(self) -> list[Path]:
        return list(self.usual.glob(TEMP_PATTERN))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    root = tmp_path_factory.mktemp("deliver")
    with Smbd({"oqs": root, "face": root / "face", "usual": root / "usual"}) as smbd:
        yield smbd


@pytest.fixture
def site(server: Smbd) -> Site:
    site = Site(server.shares["oqs"], server)
    for folder in (site.face, site.usual):
        folder.mkdir(exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
    return site


def desk(site: Site, tmp_path: Path, how: str = "copy", **hooks: Any) -> Desk:
    """Hooks named `source_…` act on the source share, `to_…` on the destination's."""
    at = "oqs/" if how == "move" else ""
    source = hooked(site.share(f"{at}face"), **_named("source_", hooks))
    to = hooked(site.share(f"{at}usual"), **_named("to_", hooks))
    return Desk(tmp_path / "courier.db", source, to)


def _named(prefix: str, hooks: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    return {key.removeprefix(prefix): hook for key, hook in hooks.items() if key.startswith(prefix)}


def fail_with(error: Exception) -> Callable[..., None]:
    def fail(*_: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("how", "lost"),
    [
        ("copy", "to_before_put"),
        ("copy", "to_before_rename_new"),
        ("copy", "source_before_delete_same"),
        ("move", "source_before_move_same"),
    ],
)
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("taken_at_once", [False, True])
def test_a_lost_answer_never_sends_a_file_twice(
    site: Site, tmp_path: Path, how: str, lost: str, restarted: bool, taken_at_once: bool
) -> None:
    """The request is carried out, its answer is lost; the consumer may be quicker than we."""
    taken: list[bytes] = []

    def take(*_: Any) -> None:
        path = site.usual / NAME
        if taken_at_once and path.exists():
            taken.append(path.read_bytes())
            path.unlink()

    at = "oqs/" if how == "move" else ""
    with Proxy(site.server.port) as proxy:

        def swallow(*_: Any) -> None:
            proxy.swallow = True

        source = hooked(site.share(f"{at}face", proxy), **{lost.removeprefix("source_"): once(swallow)})
        to = hooked(site.share(f"{at}usual", proxy), **{lost.removeprefix("to_"): once(swallow)})
        bench = Desk(tmp_path / "courier.db", source, to)
        place(site.face, NAME, ONE)
        item = bench.admit(NAME)
        bench.ends.destination.entries("*")  # connected: what is swallowed is the answer itself
        with pytest.raises(Unreachable):
            bench.deliverer.advance(item.id, ONE)
        take()
        if restarted:
            bench.restart()
        assert bench.advance(item) == "done"
        take()
        sweep(bench.ends, bench.ledger)
    assert [*taken, *(path.read_bytes() for path in site.usual.glob("OQS*"))] == [ONE]
    assert not list(site.face.iterdir()) and not site.unfinished()


@pytest.mark.parametrize("how", ["copy", "move"])
def test_a_name_taken_by_other_bytes_is_held_and_goes_when_it_is_free(site: Site, tmp_path: Path, how: str) -> None:
    bench = desk(site, tmp_path, how)
    place(site.face, NAME, ONE)
    (site.usual / NAME.upper()).write_bytes(OTHER)  # a server's names have no case
    item = bench.admit(NAME)
    assert bench.advance(item) == "held"
    assert (site.usual / NAME.upper()).read_bytes() == OTHER and (site.face / NAME).read_bytes() == ONE
    assert bench.notes.codes == {"file_held"} and not site.unfinished()
    assert bench.advance(item) == "held"
    (site.usual / NAME.upper()).unlink()
    assert bench.advance(item) == "done"
    # Samba may keep the spelling it remembers of a file that went without its knowing.
    (delivered,) = site.usual.iterdir()
    assert delivered.name.lower() == NAME.lower() and delivered.read_bytes() == ONE and bench.notes.codes == set()


@pytest.mark.parametrize("how", ["copy", "move"])
def test_a_name_taken_by_the_same_bytes_is_not_sent_again(site: Site, tmp_path: Path, how: str) -> None:
    bench = desk(site, tmp_path, how)
    place(site.face, NAME, ONE)
    place(site.usual, NAME, ONE)
    assert bench.advance(bench.admit(NAME)) == "done"
    assert [path.name for path in site.usual.iterdir()] == [NAME] and not list(site.face.iterdir())


def test_the_same_bytes_found_there_are_not_sent_when_removing_our_copy_failed(site: Site, tmp_path: Path) -> None:
    """The copy that was not needed must neither look like a lost rename nor like a stolen file."""
    bench = desk(site, tmp_path, to_after_remove=once(fail_with(Unreachable("answer lost"))))
    place(site.face, NAME, ONE)
    place(site.usual, NAME, ONE)
    item = bench.admit(NAME)
    bench.advance(item, tries=1)
    (site.usual / NAME).unlink()
    assert bench.advance(item) == "done"
    swept = sweep(bench.ends, bench.ledger)
    assert not swept.back and not list(site.usual.iterdir()) and bench.notes.codes == set()


def test_a_copy_that_could_not_be_removed_after_a_collision_is_swept_and_not_sent(site: Site, tmp_path: Path) -> None:
    bench = desk(site, tmp_path, to_before_remove=once(fail_with(Busy("a scanner has it"))))
    place(site.face, NAME, ONE)
    place(site.usual, NAME, ONE)
    assert bench.advance(bench.admit(NAME)) == "done"
    (site.usual / NAME).unlink()
    assert len(site.unfinished()) == 1
    swept = sweep(bench.ends, bench.ledger)
    assert not swept.back and not swept.foreign and not list(site.usual.iterdir())


@pytest.mark.parametrize("how", ["copy", "move"])
def test_other_content_that_came_before_sending_is_another_item(site: Site, tmp_path: Path, how: str) -> None:
    """Between seeing and sending the file became another one."""
    bench = desk(site, tmp_path, how)
    place(site.face, NAME, ONE)
    item = bench.admit(NAME)
    place(site.face, NAME, OTHER)
    assert bench.advance(item) == "replaced"
    assert not list(site.usual.glob("OQS*")) and (site.face / NAME).read_bytes() == OTHER
    swept = sweep(bench.ends, bench.ledger)
    assert not swept.foreign and not site.unfinished(), "what was written for it is swept"
    new = bench.admit(NAME)
    assert new.id != item.id and bench.advance(new) == "done" and (site.usual / NAME).read_bytes() == OTHER


def test_content_admitted_while_the_old_one_was_under_way_goes_when_the_old_one_proves_replaced(
    site: Site, tmp_path: Path
) -> None:
    bench = desk(site, tmp_path, to_after_put=once(fail_with(Unreachable("answer lost"))))
    place(site.face, NAME, ONE)
    old = bench.admit(NAME)
    bench.advance(old, tries=1)
    place(site.face, NAME, OTHER)
    new = bench.admit(NAME)
    assert new.state == "seen" and bench.advance(old) == "replaced"
    assert bench.advance(new) == "done" and (site.usual / NAME).read_bytes() == OTHER
    sweep(bench.ends, bench.ledger)
    assert not site.unfinished(), "what was written of the old content is swept"


def test_content_admitted_while_a_copy_of_the_old_one_is_being_written_goes_instead_of_it(
    site: Site, tmp_path: Path
) -> None:
    """The copy is whole, and the ledger does not let it be renamed any more."""
    new: list[Item] = []

    def replace(*_: Any) -> None:
        place(site.face, NAME, OTHER)
        new.append(bench.admit(NAME))

    bench = desk(site, tmp_path, to_after_put=once(replace))
    place(site.face, NAME, ONE)
    assert bench.advance(bench.admit(NAME), raw=ONE) == "replaced"
    assert not list(site.usual.glob("OQS*")) and bench.advance(new[0]) == "done"
    assert (site.usual / NAME).read_bytes() == OTHER and not list(site.face.iterdir())
    sweep(bench.ends, bench.ledger)
    assert not site.unfinished() and bench.notes.codes == set()


def test_other_content_between_publishing_and_deleting_is_kept_and_held(site: Site, tmp_path: Path) -> None:
    """What is deleted must be what was sent; the receipt computer never gets two files of one name."""
    bench = desk(site, tmp_path, source_before_delete_same=once(lambda *_: place(site.face, NAME, OTHER)))
    place(site.face, NAME, ONE)
    assert bench.advance(bench.admit(NAME)) == "done"
    assert (site.face / NAME).read_bytes() == OTHER
    new = bench.admit(NAME)
    assert new.state == "held" and bench.advance(new) == "held"
    assert (site.usual / NAME).read_bytes() == ONE
    (site.face / NAME).unlink()  # a person has looked
    assert bench.advance(new) == "lost" and bench.notes.codes == set()


@pytest.mark.parametrize("how", ["copy", "move"])
def test_a_delivered_file_that_is_back_is_deleted_and_not_sent(site: Site, tmp_path: Path, how: str) -> None:
    """The server lost our delete in a power cut."""
    bench = desk(site, tmp_path, how)
    for expected in (1, 0):
        place(site.face, NAME, ONE)
        assert bench.advance(bench.admit(NAME)) == "done"
        delivered = list(site.usual.glob("OQS*"))
        assert len(delivered) == expected
        for path in delivered:
            path.unlink()  # the consumer
    assert not list(site.face.iterdir()) and bench.notes.events.count("file_published") == 1


def test_a_replaced_content_that_comes_back_after_another_was_sent_is_held(site: Site, tmp_path: Path) -> None:
    bench = desk(site, tmp_path)
    place(site.face, NAME, ONE)
    first = bench.admit(NAME)
    place(site.face, NAME, OTHER)
    assert bench.advance(bench.admit(NAME)) == "done"
    place(site.face, NAME, ONE)
    again = bench.admit(NAME)
    assert again.id == first.id and again.state == "held"


def test_a_scanner_that_holds_every_new_file_only_delays(site: Site, tmp_path: Path) -> None:
    """A new temporary name at each try would be scanned again for ever."""
    looks: dict[str, int] = {}

    def scan(name: str, *_: Any) -> None:
        looks[name] = looks.get(name, 0) + 1
        if looks[name] <= 3:
            raise Busy("the scanner has it")

    bench = desk(site, tmp_path, to_before_rename_new=scan)
    place(site.face, NAME, ONE)
    assert bench.advance(bench.admit(NAME)) == "done"
    assert len(looks) == 1


@pytest.mark.parametrize("when", ["to_after_put", "to_before_rename_new"])
def test_a_program_that_eats_unfinished_files_gets_two_at_most(site: Site, tmp_path: Path, when: str) -> None:
    """Each further copy might be one more delivery, so the file is held and staff are called."""
    eaten: list[str] = []

    def eat(name: str, *_: Any) -> None:
        (site.usual / name).unlink(missing_ok=True)
        eaten.append(name)

    hooks: dict[str, Any] = {when: eat}
    bench = desk(site, tmp_path, **hooks)
    place(site.face, NAME, ONE)
    item = bench.admit(NAME)
    assert bench.advance(item) == "held"
    assert bench.advance(item) == "held"
    assert len(eaten) == 2 and bench.notes.codes == {"temp_lost", "file_held"}
    assert (site.face / NAME).read_bytes() == ONE


def test_a_day_of_refusals_adds_nothing_to_the_ledger(site: Site, tmp_path: Path) -> None:
    """A name that could not be created is used again, and given up once something is there."""
    bench = desk(site, tmp_path, to_before_put=fail_with(Refused("write-protected")))
    place(site.face, NAME, ONE)
    item = bench.admit(NAME)
    bench.advance(item, tries=50)
    assert not bench.ledger.abandoned_temps("results")
    (site.usual / bench.ledger.item(item.id).temp).write_bytes(ONE[:10])
    destination = bench.ends.destination
    assert isinstance(destination, Hooked)
    destination.hooks.clear()
    assert bench.advance(item) == "done" and (site.usual / NAME).read_bytes() == ONE
    sweep(bench.ends, bench.ledger)
    assert not site.unfinished()


def test_a_copy_that_read_back_other_bytes_is_written_again_under_another_name(site: Site, tmp_path: Path) -> None:
    """`put` reads back, gives up what it wrote and says so; perhaps the server could not even delete it."""
    tried: list[str] = []

    def differ(name: str, *_: Any) -> None:
        tried.append(name)
        if len(tried) == 1:
            (site.usual / name).write_bytes(b"\0" + ONE[1:])
            raise Busy("it reads back as other bytes")

    bench = desk(site, tmp_path, to_after_put=differ)
    place(site.face, NAME, ONE)
    assert bench.advance(bench.admit(NAME), raw=ONE) == "done"
    assert (site.usual / NAME).read_bytes() == ONE and len(set(tried)) == 2
    sweep(bench.ends, bench.ledger)
    assert not site.unfinished()


def test_an_unfinished_copy_is_never_published_when_the_file_can_suddenly_be_moved(site: Site, tmp_path: Path) -> None:
    """A local folder that could not be asked for its disk for a moment is copied to, and then renamed into."""
    movable = [False]
    place(site.face, NAME, ONE)
    source = hooked(open_share(f"file://{site.face}", None), instead_reaches=lambda other: movable[0])
    to = hooked(open_share(f"file://{site.usual}", None), after_put=once(fail_with(Unreachable("lost"))))
    bench = Desk(tmp_path / "courier.db", source, to)
    item = bench.admit(NAME)
    bench.advance(item, tries=1)
    site.unfinished()[0].write_bytes(ONE[:100])  # as a power cut would leave it
    movable[0] = True
    assert bench.advance(item) == "done"
    assert (site.usual / NAME).read_bytes() == ONE
    sweep(bench.ends, bench.ledger)
    assert not site.unfinished()


def test_a_file_that_another_program_took_first_is_lost_and_says_so(site: Site, tmp_path: Path) -> None:
    """With its bytes still in memory it is delivered instead."""
    for how, raw, state in (("copy", None, "lost"), ("move", None, "lost"), ("copy", ONE, "done")):
        folder = tmp_path / f"{how}-{state}"
        folder.mkdir()
        bench = desk(site, folder, how)
        place(site.face, NAME, ONE)
        item = bench.admit(NAME)
        (site.face / NAME).unlink()
        assert bench.advance(item, raw=raw) == state
        assert bench.notes.codes == ({"file_lost_to_other"} if state == "lost" else set())


@pytest.mark.parametrize("other", [b"", ONE + b"<!-- more -->"])
@pytest.mark.parametrize("taken", [False, True])
def test_a_whole_copy_whose_source_is_gone_is_delivered_by_a_kiosk_alone(
    site: Site, tmp_path: Path, other: bytes, taken: bool
) -> None:
    """The receipt computer stops answering before the rename; meanwhile somebody empties the terminal's folder, or the
    name gets other content. Ours is the only copy: also where the name is taken, it stays until it can go.
    """
    down = [True]

    def fail(*_: Any) -> None:
        if down:
            raise Unreachable("down")

    bench = desk(site, tmp_path, to_before_rename_new=fail)
    place(site.face, NAME, ONE)
    item = bench.admit(NAME)
    assert bench.advance(item, tries=2) == "seen" and bench.ledger.item(item.id).state == "staged"
    (site.face / NAME).unlink()
    if other:
        place(site.face, NAME, other)
    if taken:
        (site.usual / NAME).write_bytes(OTHER)
    down.clear()
    if taken and not other:
        assert bench.advance(item) == "held" and bench.notes.codes == {"file_held"}
        swept = sweep(bench.ends, bench.ledger)
        assert len(site.unfinished()) == 1 and not swept.foreign and bench.advance(item) == "held"
    (site.usual / NAME).unlink(missing_ok=True)
    assert bench.advance(item) == "done" and (site.usual / NAME).read_bytes() == ONE
    assert bench.notes.codes == set() and not site.unfinished()
    assert [path.read_bytes() for path in site.face.iterdir()] == ([other] if other else [])


@pytest.mark.parametrize("afterwards", ["put back", "made use of"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_file_that_another_kiosk_may_have_delivered_is_held_with_its_copy(
    site: Site, tmp_path: Path, restarted: bool, afterwards: str
) -> None:
    """Ours is whole at the destination, not yet renamed; the other's was eaten at once. Also after a crash of ours."""

    def deliver_elsewhere(*_: Any) -> None:
        (site.face / NAME).unlink()

    failing = [True] if restarted else []

    def die(*_: Any) -> None:
        if failing:
            raise Unreachable("killed here")

    known: list[bool | None] = [None, False]
    bench = desk(site, tmp_path, to_after_put=once(deliver_elsewhere), to_before_rename_new=die)
    place(site.face, NAME, ONE)
    item = bench.admit(NAME)
    if restarted:
        bench.advance(item, raw=ONE, tries=1)
        failing.clear()
        bench.restart()
    bench.deliverer = Deliverer(
        bench.ends,
        bench.ledger,
        bench.notes,
        alone=lambda *_: known.pop(0) if len(known) > 1 else known[0],
        unrivalled=lambda since: False,
    )
    assert bench.advance(item, raw=ONE, tries=1) == "staged", "nobody has looked since"
    assert bench.advance(item, raw=ONE) == "held" and bench.notes.codes == {"file_lost_to_other"}
    sweep(bench.ends, bench.ledger)
    [copy] = site.usual.iterdir()
    assert copy.read_bytes() == ONE and copy in site.unfinished() and bench.advance(item) == "held"
    if afterwards == "put back":
        place(site.face, NAME, ONE)
        assert bench.admit(NAME).id == item.id and bench.advance(item) == "done"
        assert [path.name for path in site.usual.iterdir()] == [NAME] and not list(site.face.iterdir())
    else:
        copy.rename(site.usual / NAME)
        assert bench.advance(item) == "lost" and (site.usual / NAME).read_bytes() == ONE


def test_a_copy_that_went_while_its_source_came_back_is_no_delivery(site: Site, tmp_path: Path) -> None:
    """After a restart a missing temporary file means that it was renamed; not if it was held until now."""
    bench = desk(site, tmp_path, to_before_rename_new=once(fail_with(Unreachable("killed here"))))
    place(site.face, NAME, ONE)
    item = bench.admit(NAME)
    bench.advance(item, tries=1)
    (site.face / NAME).unlink()
    bench.restart()
    bench.deliverer = Deliverer(bench.ends, bench.ledger, bench.notes, alone=lambda *_: False)
    assert bench.advance(item) == "held"
    bench.restart()
    site.unfinished()[0].unlink()
    place(site.face, NAME, ONE)
    assert bench.advance(item) == "done" and (site.usual / NAME).read_bytes() == ONE


def test_who_no_longer_owns_the_source_shows_nothing(site: Site, tmp_path: Path) -> None:
    owns: list[bool] = []
    for how in ("copy", "move"):
        folder = tmp_path / how
        folder.mkdir()
        bench = desk(site, folder, how)
        owns.clear()
        bench.deliverer = Deliverer(bench.ends, bench.ledger, bench.notes, lambda: bool(owns))
        place(site.face, NAME, ONE)
        item = bench.admit(NAME)
        assert bench.advance(item, raw=ONE) == "staged" and not (site.usual / NAME).exists()
        owns.append(True)
        assert bench.advance(item) == "done" and (site.usual / NAME).read_bytes() == ONE
        (site.usual / NAME).unlink()


def test_a_rename_that_the_server_lost_is_done_again_and_only_once(site: Site, tmp_path: Path) -> None:
    """After the server's power cut the unfinished file is back."""
    bench = desk(site, tmp_path)
    place(site.face, NAME, ONE)
    item = bench.admit(NAME)
    assert bench.advance(item) == "done"
    temp = bench.ledger.item(item.id).temp
    (site.usual / NAME).rename(site.usual / temp)
    (back,) = sweep(bench.ends, bench.ledger).back
    bench.deliverer.send_again(back)
    bench.restart()  # the ledger remembers that its source is gone by our own hand
    assert bench.advance(back) == "done" and (site.usual / NAME).read_bytes() == ONE
    # Back and gone again before we rename: whoever took it has it, a new copy would be a second one.
    (site.usual / NAME).rename(site.usual / temp)
    (back,) = sweep(bench.ends, bench.ledger).back
    (site.usual / temp).unlink()
    bench.deliverer.send_again(back)
    assert bench.advance(back) == "done" and not list(site.usual.iterdir())


def test_unfinished_files_of_another_kiosk_are_left_and_counted_but_not_those_of_the_other_route(
    site: Site, tmp_path: Path
) -> None:
    """Both routes may have one staging folder."""
    bench = desk(site, tmp_path)
    place(site.face, NAME, ONE)
    item = bench.admit(NAME, route="subsidies")
    bench.ledger.attempt(item, ".kiosk-00000000000000000000000000000001.tmp")
    place(site.usual, ".kiosk-00000000000000000000000000000001.tmp", ONE)
    assert sweep(bench.ends, bench.ledger).foreign == frozenset()
    place(site.usual, ".kiosk-00000000000000000000000000000002.tmp", ONE)
    assert len(sweep(bench.ends, bench.ledger).foreign) == 1
    assert len(site.unfinished()) == 2


@pytest.mark.parametrize(
    ("how", "near", "steps"),
    [
        ("copy", False, "commit put commit rename_new commit delete_same commit"),
        ("copy", True, "commit put commit entries rename_new commit delete_same commit"),
        ("move", False, "commit commit move_same commit"),
    ],
)
def test_a_file_costs_two_commits_before_it_shows_and_no_call_too_many(
    site: Site, tmp_path: Path, how: str, near: bool, steps: str
) -> None:
    """`near`: another kiosk may be; then the source is looked at once more."""
    done: list[str] = []
    calls = ("put", "digest", "read", "chunks", "rename_new", "move_same", "delete_same", "remove", "entries")
    note: dict[str, Any] = {f"before_{call}": lambda *_, call=call: done.append(call) for call in calls}
    hooks = {f"{end}_{key}": hook for end in ("source", "to") for key, hook in note.items()}
    bench = desk(site, tmp_path, how, **hooks)
    bench.deliverer = Deliverer(bench.ends, bench.ledger, bench.notes, unrivalled=lambda since: not near)
    place(site.face, NAME, ONE)
    digest = bench.ends.source.digest(NAME)
    done.clear()

    def trace(statement: str) -> None:
        if statement == "COMMIT":
            done.append("commit")

    bench.ledger._db.set_trace_callback(trace)
    item = admit(bench.ledger, "results", NAME, digest, "", "none")
    assert bench.deliverer.advance(item.id, ONE) == "done"
    assert done == steps.split() and (site.usual / NAME).read_bytes() == ONE


def test_a_first_name_that_was_never_tried_is_not_swept_and_one_before_a_restart_is(site: Site, tmp_path: Path) -> None:
    """What an earlier process did under the name of its row is not known."""
    tried: list[str] = []
    bench = desk(site, tmp_path, to_before_put=lambda name, *_: tried.append(name))
    place(site.face, NAME, ONE)
    item = bench.admit(NAME)
    bench.restart()
    left = place(site.usual, item.temp, ONE[:100])
    assert bench.advance(item, raw=ONE) == "done" and (site.usual / NAME).read_bytes() == ONE
    assert bench.ledger.abandoned_temps("results") == [item.temp] and left.exists() and item.temp not in tried
    sweep(bench.ends, bench.ledger)
    assert not site.unfinished() and not bench.ledger.abandoned_temps("results")
    moving = desk(site, tmp_path, "move")
    place(site.face, result_name(2), ONE)
    assert moving.advance(moving.admit(result_name(2))) == "done"
    assert not moving.ledger.abandoned_temps("results")


def test_a_big_file_is_never_whole_in_memory(site: Site, tmp_path: Path) -> None:
    """It is streamed in pieces, and read back in pieces."""
    content = b"x" * (48 << 20)
    place(site.face, NAME, content)
    bench = desk(site, tmp_path)
    item = bench.admit(NAME)
    tracemalloc.start()
    assert bench.advance(item) == "done"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20 and (site.usual / NAME).stat().st_size == len(content)


def test_a_spare_kiosk_with_an_empty_ledger_sends_what_is_there_once(site: Site, tmp_path: Path) -> None:
    """The old kiosk died before its rename; its unfinished file stays, its source file goes once."""
    old = desk(site, tmp_path, to_before_rename_new=fail_with(Unreachable("killed here")))
    place(site.face, NAME, ONE)
    old.advance(old.admit(NAME), tries=1)
    (tmp_path / "spare").mkdir()
    spare = desk(site, tmp_path / "spare")
    assert spare.advance(spare.admit(NAME)) == "done"
    assert (site.usual / NAME).read_bytes() == ONE and not list(site.face.iterdir())
    assert len(sweep(spare.ends, spare.ledger).foreign) == 1


def test_an_item_that_the_watcher_gave_up_is_not_sent_by_a_step_already_begun(site: Site, tmp_path: Path) -> None:
    """The two threads of a route meet only in the ledger."""
    bench = desk(site, tmp_path)
    place(site.face, NAME, ONE)
    old = bench.admit(NAME)
    place(site.face, NAME, OTHER)
    new = admit(bench.ledger, "results", NAME, bench.ends.source.digest(NAME), "", "none")
    assert not bench.ledger.attempt(old, ".kiosk-x.tmp") and not bench.ledger.begin_move(old, tried=False)
    assert bench.ledger.item(old.id).state == "replaced" and bench.advance(new) == "done"


def test_no_name_is_written_to_directly_and_nothing_is_read_by_the_receipt_computer_before_it_is_whole(
    site: Site, tmp_path: Path
) -> None:
    """The folder is read before and after every call."""
    seen: list[bytes] = []

    def look(*_: Any) -> None:
        seen.extend(path.read_bytes() for path in site.usual.glob("OQS*"))

    calls = ("put", "digest", "rename_new", "remove", "entries")
    hooks: dict[str, Any] = {f"to_{when}_{call}": look for when in ("before", "after") for call in calls}
    bench = desk(site, tmp_path, **hooks, source_after_chunks=look, source_before_delete_same=look)
    place(site.face, NAME, ONE)
    assert bench.advance(bench.admit(NAME)) == "done"
    assert seen and set(seen) == {ONE}
    destination = bench.ends.destination
    assert isinstance(destination, Hooked)
    assert {"put", "rename_new"} <= set(destination.calls)
    with pytest.raises(Missing):
        bench.ends.source.digest(NAME)
