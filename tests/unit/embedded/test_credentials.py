import stat
from dataclasses import asdict

from sweepstake.embedded import credentials
from sweepstake.embedded.layout import write_private


def test_credentials_are_generated_once(tmp_path):
    """The second start finds the passwords of the first."""
    path = tmp_path / "credentials.json"
    assert credentials.ensure(path) == credentials.ensure(path)


def test_two_stacks_have_different_credentials(tmp_path):
    """Nothing about a password is a default."""
    one, two = (asdict(credentials.ensure(tmp_path / name)) for name in ("one", "two"))
    assert [] == [key for key in one if one[key] == two[key]]


def test_credentials_do_not_show(tmp_path):
    """A record in a log or a traceback gives no secret away."""
    secret = credentials.ensure(tmp_path / "credentials.json")
    assert [] == [text for text in asdict(secret).values() if text in repr(secret)]


def test_private_files_are_readable_by_their_owner_alone(tmp_path):
    """A private file has mode 0600 even where a public one stood before."""
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (0o600, "new") == (stat.S_IMODE(path.stat().st_mode), path.read_text())


def test_a_killed_write_does_not_stop_the_next(tmp_path):
    """What a killed writer left beside the file is replaced."""
    (tmp_path / "secret.new").write_text("half")
    write_private(tmp_path / "secret", "whole")
    assert [("secret", "whole")] == [(path.name, path.read_text()) for path in tmp_path.iterdir()]
