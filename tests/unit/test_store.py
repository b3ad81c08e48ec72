from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from sweepstake.errors import StoreUnavailableError
from sweepstake.storage.bucket import Bucket, open_store


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path):
    """An empty store of either kind."""
    place = Bucket(f"memory://{uuid4().hex}", tmp_path / "cache")
    return open_store(tmp_path / "root" if request.param == "folder" else place)


@pytest.fixture
def hosts(tmp_path):
    """The same bucket as two hosts see it."""
    url = f"memory://{uuid4().hex}/deep"
    return [open_store(Bucket(url, tmp_path / host)) for host in ("one", "two")]


def test_a_file_is_replaced_listed_and_taken_away(store):
    """Both kinds of store do the same by the same verbs."""
    for name in ("a/2", "a/1", "b/3"):
        store.write(name, b"old")
        store.write(name, name.encode())
    assert ([], ["a/1", "a/2"], b"a/1") == (store.names("c"), store.names("a"), store.read("a/1"))
    store.remove("a/1")
    store.remove("a/1")
    assert ["a/2"] == store.names("a")
    assert 0 < store.written("a/2")
    for look in (store.read, store.written):
        with pytest.raises(FileNotFoundError):
            look("a/1")


def test_the_first_to_create_a_file_is_its_writer(store):
    """A second one changes nothing."""
    store.create("a", b"first")
    store.create("a", b"second")
    assert b"first" == store.read("a")


def stage(store, content=b"rows"):
    """A folder as one host makes it, shared."""
    home = store.local / "data" / "d1"
    home.mkdir(parents=True)
    (home / "x.npy").write_bytes(content)
    store.share("data/d1")


def test_a_shared_folder_comes_to_another_host_once(hosts):
    """Many who ask at once get one complete copy, and no rest is left beside it."""
    one, two = hosts
    stage(one)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(two.bring, ["data/d1"] * 8))
    found = sorted(path.name for path in (two.local / "data").rglob("*"))
    assert [".d1.lock", "d1", "x.npy"] == found
    assert b"rows" == (two.local / "data" / "d1" / "x.npy").read_bytes()


def test_a_folder_that_is_not_complete_is_not_brought(hosts):
    """What has no list of its files yet counts as absent."""
    one, two = hosts
    one.write("data/d1/x.npy", b"rows")
    two.bring("data/d1")
    assert not (two.local / "data" / "d1").exists()


def test_a_file_that_was_altered_is_not_brought(hosts):
    """Bytes that do not have the SHA-256 of the list are an error, and nothing is kept."""
    one, two = hosts
    stage(one)
    one.write("data/d1/x.npy", b"roes")
    with pytest.raises(StoreUnavailableError, match="must have the SHA-256"):
        two.bring("data/d1")
    assert [".d1.lock"] == [path.name for path in (two.local / "data").iterdir()]


def test_a_folder_is_cleared_with_all_that_is_in_it(store):
    """Its neighbours stay, and clearing it once more changes nothing."""
    for name in ("data/d1/a", "data/d1/b", "data/d11/a"):
        store.write(name, b"rows")
    assert {"data/d1/a": 4, "data/d1/b": 4} == store.sizes("data/d1")
    for _ in range(2):
        store.clear("data/d1")
    assert {"data/d11/a": 4} == store.sizes("data")


def test_a_cleared_folder_comes_to_no_host(hosts):
    """Neither the host that clears it nor another finds it again."""
    one, two = hosts
    stage(one)
    one.clear("data/d1")
    two.bring("data/d1")
    assert [False, False] == [(host.local / "data" / "d1").exists() for host in hosts]
