"""Passwords reach whom they are for, and nobody else: no error, traceback, log or tag."""

from __future__ import annotations

import base64
import logging
import threading
import traceback
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sweepstake.airflow_client.api import AirflowApi
from sweepstake.errors import SettingsError, StackError, SweepstakeError, TrackingUnavailableError
from sweepstake.mlflow_client.connection import Connection
from sweepstake.settings import load_settings

SECRET = "t0p/s@cret"
WRITTEN = "t0p%2Fs%40cret"


class Recorder(BaseHTTPRequestHandler):
    """Notes who asks, and answers with the status of the server."""

    def do_GET(self):
        """Refuse as MLflow with users does."""
        self.server.seen.append(self.headers["Authorization"])
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"Permission denied" if self.server.status in {401, 403} else b"{}")

    do_POST = do_GET  # noqa: N815 - the name that the library looks for

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    """A server that refuses everything with a status to be set."""
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    httpd.seen, httpd.status = [], 500
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def told(call):
    """Everything that an error says, with the errors that caused it."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whichever it is, it must not tell
        return type(error), "".join(traceback.format_exception(error))
    return None, ""


def secrets_in(text):
    """The forms of the secret that a text holds."""
    return [form for form in (SECRET, WRITTEN, "s@cret") if form in text]


@pytest.mark.parametrize("status", [500, 401, 403, 404])
def test_the_password_of_mlflow_reaches_mlflow_only(server, status, caplog):
    """It is sent as a header; whatever the server answers, no error and no log repeats it."""
    caplog.set_level(logging.DEBUG)
    server.status = status
    uri = f"http://ann:{WRITTEN}@127.0.0.1:{server.server_port}"
    _, text = told(lambda: Connection(uri).get_run("0" * 32))
    expected = base64.b64encode(f"ann:{SECRET}".encode()).decode()
    assert ({f"Basic {expected}"}, []) == (set(server.seen), secrets_in(text + caplog.text))
    assert "127.0.0.1" in text


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_user_is_told_which_settings_to_mend(server, status):
    """It is a mistake of the settings, not an error to try again, and names the way out."""
    server.status = status
    kind, text = told(lambda: Connection(f"http://127.0.0.1:{server.server_port}").get_run("0"))
    assert kind is SettingsError
    assert "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in text


def test_a_server_that_does_not_answer_is_named_without_its_password(server, caplog):
    """The error of a refused connection and its causes hold the address alone."""
    caplog.set_level(logging.DEBUG)
    kind, text = told(lambda: Connection(f"http://ann:{WRITTEN}@127.0.0.1:1").get_run("0"))
    assert (TrackingUnavailableError, []) == (kind, secrets_in(text + caplog.text))


def test_no_record_of_the_settings_shows_a_password():
    """Their text form may be logged."""
    environ = {
        "MLFLOW_TRACKING_URI": f"http://ann:{WRITTEN}@host",
        "SWEEPSTAKE_AIRFLOW_PASSWORD": SECRET,
    }
    settings = load_settings(environ)
    shown = f"{settings!r} {AirflowApi.of(settings)!r}"
    assert [] == secrets_in(shown)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SWEEPSTAKE_AIRFLOW_URL", f"http://ann:{WRITTEN}@host"),
        ("SWEEPSTAKE_AIRFLOW_URL", f"ann:{WRITTEN}@host"),
        ("MLFLOW_TRACKING_URI", f"ann:{WRITTEN}@host"),
    ],
)
def test_a_refused_address_is_shown_without_its_password(name, value):
    """The message names the setting and the host."""
    kind, text = told(lambda: load_settings({name: value}))
    assert issubclass(kind, SweepstakeError)
    assert (True, []) == (name in text, secrets_in(text.rpartition("SettingsError")[2]))


def test_the_password_of_airflow_is_not_repeated(server, caplog):
    """An api-server that refuses the log-in is an error without what was sent."""
    caplog.set_level(logging.DEBUG)
    url = f"http://127.0.0.1:{server.server_port}"
    settings = replace(load_settings({}), airflow_url=url, airflow_password=SECRET)
    with AirflowApi.of(settings) as api:
        kind, text = told(lambda: api.run_state("sweep", "a"))
    assert StackError is kind
    assert [] == secrets_in(text + caplog.text)
