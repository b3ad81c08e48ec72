from pathlib import Path

import pytest

from sweepstake.errors import SettingsError
from sweepstake.settings import Settings, load_settings
from sweepstake.storage.bucket import Bucket


@pytest.fixture
def home(tmp_path):
    """A state folder in which a stack was started."""
    lines = [
        "MLFLOW_TRACKING_URI=http://127.0.0.1:5511",
        "SWEEPSTAKE_AIRFLOW_URL=http://127.0.0.1:8811",
        "SWEEPSTAKE_AIRFLOW_PASSWORD=pa=ss=word",
        "SWEEPSTAKE_POOL=sweepstake",
        "",
    ]
    (tmp_path / "client.env").write_text("\n".join(lines))
    return tmp_path


def test_everything_has_a_default_below_the_working_folder(tmp_path, monkeypatch):
    """With nothing set, the state folder and the watched folder are the working folder's."""
    monkeypatch.chdir(tmp_path)
    expected = Settings(
        home=tmp_path / ".sweepstake",
        grids=tmp_path / "grids",
        workspace=tmp_path / ".sweepstake" / "workspace",
        data_roots=(tmp_path / "grids",),
        tracking_uri="http://127.0.0.1:5000",
        airflow_url="http://127.0.0.1:8080",
    )
    assert expected == load_settings({})


def test_a_workspace_may_be_a_bucket(tmp_path):
    """An S3 address is kept as it is, with this host's folder for copies."""
    bucket = {"SWEEPSTAKE_WORKSPACE": "s3://team/sweeps/", "SWEEPSTAKE_CACHE": str(tmp_path)}
    assert Bucket("s3://team/sweeps", tmp_path) == load_settings(bucket).workspace


@pytest.mark.parametrize(
    "address", ["file:///tmp/x", "http://host/x", "s3://key:hush@team/x", "s3://", "s3://a/../b"]
)
def test_a_workspace_of_another_kind_is_refused(address):
    """What is neither a folder nor a bucket is named, without the keys it may hold."""
    with pytest.raises(SettingsError, match="must be a folder or s3") as caught:
        load_settings({"SWEEPSTAKE_WORKSPACE": address})
    assert "hush" not in str(caught.value)


def test_an_empty_variable_counts_as_not_set(tmp_path, monkeypatch):
    """`SWEEPSTAKE_HOME=` and its like mean the default."""
    monkeypatch.chdir(tmp_path)
    names = ("HOME", "GRIDS", "WORKSPACE", "DATA_ROOTS", "AIRFLOW_URL", "AIRFLOW_USER", "POOL")
    empty = {f"SWEEPSTAKE_{name}": "" for name in names}
    assert load_settings({}) == load_settings({**empty, "MLFLOW_TRACKING_URI": ""})


def test_the_environment_decides(tmp_path):
    """Each variable sets its field; roots are separated as in PATH; paths become absolute."""
    settings = load_settings(
        {
            "SWEEPSTAKE_HOME": str(tmp_path),
            "SWEEPSTAKE_GRIDS": "drop",
            "SWEEPSTAKE_WORKSPACE": "/shared/workspace",
            "SWEEPSTAKE_DATA_ROOTS": "/data/a::/data/b",
            "MLFLOW_TRACKING_URI": "https://mlflow.example",
            "SWEEPSTAKE_AIRFLOW_URL": "https://airflow.example/",
            "SWEEPSTAKE_AIRFLOW_USER": "ann",
            "SWEEPSTAKE_AIRFLOW_PASSWORD": "secret",
            "SWEEPSTAKE_DEFAULT_SOURCE": "sklearn:wine",
            "SWEEPSTAKE_POOL": "training",
            "SWEEPSTAKE_SLOTS": "16",
            "SWEEPSTAKE_MLFLOW_URL": "https://pages.example",
        }
    )
    expected = Settings(
        home=tmp_path,
        grids=Path("drop").absolute(),
        workspace=Path("/shared/workspace"),
        data_roots=(Path("/data/a"), Path("/data/b")),
        tracking_uri="https://mlflow.example",
        airflow_url="https://airflow.example",
        airflow_user="ann",
        airflow_password="secret",
        default_source="sklearn:wine",
        pool="training",
        slots=16,
        mlflow_url="https://pages.example",
    )
    assert expected == settings


def test_a_started_stack_tells_where_it_is(home):
    """What the embedded stack wrote for its clients is used, up to the first `=` of a line."""
    settings = load_settings({"SWEEPSTAKE_HOME": str(home)})
    assert (
        "http://127.0.0.1:5511",
        "http://127.0.0.1:8811",
        "pa=ss=word",
    ) == (settings.tracking_uri, settings.airflow_url, settings.airflow_password)
    assert "sweepstake" == settings.pool


def test_the_environment_goes_before_the_stack(home):
    """A variable that is set wins over the stack's file; an empty one does not."""
    environ = {"SWEEPSTAKE_HOME": str(home), "MLFLOW_TRACKING_URI": "http://other:1"}
    settings = load_settings({**environ, "SWEEPSTAKE_AIRFLOW_URL": ""})
    assert (
        "http://other:1",
        "http://127.0.0.1:8811",
    ) == (settings.tracking_uri, settings.airflow_url)


def test_secrets_do_not_show(home):
    """The text form of the settings may be logged: it holds no password."""
    environ = {
        "SWEEPSTAKE_HOME": str(home),
        "MLFLOW_TRACKING_URI": "http://ann:t0psecret@mlflow.example",
    }
    settings = load_settings(environ)
    assert [] == [secret for secret in ("pa=ss", "t0psecret") if secret in repr(settings)]


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "SWEEPSTAKE_AIRFLOW_URL"])
@pytest.mark.parametrize("value", ["localhost", "localhost:5000", "127.0.0.1:5000"])
def test_a_url_needs_its_scheme(tmp_path, name, value):
    """An address without a scheme is refused with the way to write it."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"SWEEPSTAKE_HOME": str(tmp_path), name: value})
    expected = f"{name}: must be a URL with a scheme, but got '{value}'. Write http://host:port."
    assert expected == str(caught.value)


def test_the_watched_folder_is_no_address(tmp_path):
    """A bucket in the place of a folder is refused, not taken for a folder's name."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"SWEEPSTAKE_HOME": str(tmp_path), "SWEEPSTAKE_GRIDS": "s3://bucket/here"})
    expected = (
        "SWEEPSTAKE_GRIDS: must be on a disk, but got an address that begins with s3://. "
        "Write the path of a folder."
    )
    assert expected == str(caught.value)


def test_data_roots_are_folders_and_buckets(tmp_path):
    """They are separated as in PATH, and an address keeps its own colon."""
    roots = f"{tmp_path}:s3://lake/daily:{tmp_path / 'more'}:s3://other/"
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path), "SWEEPSTAKE_DATA_ROOTS": roots})
    assert [str(tmp_path), "s3://lake/daily", str(tmp_path / "more"), "s3://other"] == [
        str(root) for root in settings.data_roots
    ]


def test_what_an_operator_adds_is_a_list_of_dotted_names(tmp_path):
    """Names are separated by commas; blanks and empty entries count for nothing."""
    environ = {
        "SWEEPSTAKE_HOME": str(tmp_path),
        "SWEEPSTAKE_ESTIMATORS": "lightgbm, xgboost.XGBClassifier,",
        "SWEEPSTAKE_TRUSTED_TYPES": "lightgbm.basic.Booster",
    }
    settings = load_settings(environ)
    assert ("lightgbm", "xgboost.XGBClassifier") == settings.estimators
    assert ("lightgbm.basic.Booster",) == settings.trusted_types


@pytest.mark.parametrize("name", ["SWEEPSTAKE_ESTIMATORS", "SWEEPSTAKE_TRUSTED_TYPES"])
def test_a_name_that_is_no_dotted_name_is_refused(tmp_path, name):
    """Code, paths and blanks within are no names."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"SWEEPSTAKE_HOME": str(tmp_path), name: "os.system('id')"})
    expected = (
        f"{name}: must be dotted names separated by commas, but got \"os.system('id')\". "
        "Write for example lightgbm.LGBMClassifier,xgboost.XGBClassifier."
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_number_of_slots_is_a_whole_one(value):
    """Anything else is refused with the setting's name."""
    with pytest.raises(SettingsError, match="SWEEPSTAKE_SLOTS: must be a whole number of at leas"):
        load_settings({"SWEEPSTAKE_SLOTS": value})


def test_links_lead_where_people_reach_mlflow():
    """That is the server's address, unless tasks know it by another one."""
    tracked = {"MLFLOW_TRACKING_URI": "http://mlflow:5000"}
    pages = "https://mlflow.example"
    found = [load_settings({**tracked, **more}) for more in ({}, {"SWEEPSTAKE_MLFLOW_URL": pages})]
    assert ["http://mlflow:5000", pages] == [each.mlflow_pages for each in found]


def test_what_the_doctor_looks_at_is_some_of_what_is_known():
    """By default it is everything; a name that is not known is refused with those that are."""
    assert ("workspace", "mlflow", "airflow") == load_settings({}).examined
    some = {"SWEEPSTAKE_DOCTOR": "workspace, mlflow"}
    assert ("workspace", "mlflow") == load_settings(some).examined
    with pytest.raises(SettingsError, match=r"must be some of host, .*, but got 'redis'"):
        load_settings({"SWEEPSTAKE_DOCTOR": "redis"})
