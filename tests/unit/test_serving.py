"""The server: requests, refusals, takeovers and bounds, without MLflow."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pandas as pd
import pytest
from modelserver import MOST_CONNECTIONS, SECONDS, Shelf, running, wait_for
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from starlette.requests import ClientDisconnect

from sweepstake.casting.column_cast import ColumnCast
from sweepstake.data import columns
from sweepstake.domain.spec import Preprocess
from sweepstake.modelfile.model_file import StoredModel, dump
from sweepstake.processes import isolation
from sweepstake.serving import app, patience, scoring
from sweepstake.serving.admission import Admission, Bounds
from sweepstake.serving.app import Capacity
from sweepstake.serving.log import JsonLines
from sweepstake.serving.scoring import RefusedError, Scorer
from sweepstake.training import pipeline

BEARS = Capacity(processes=1, seconds=SECONDS, bounds=Bounds(body=200_000, seconds=1))
FILE = pd.DataFrame(
    {
        "age": [31.0, None, 55.0, 7.0],
        "member": [True, None, False, True],
        "zip": ["01", "2", "x", "2"],
    }
)
TYPED = pd.DataFrame({name: columns.feature(FILE[name]) for name in FILE})
CELLS = FILE.astype(object).where(FILE.notna(), None)
EXAMPLE = json.dumps({"columns": list(FILE), "data": CELLS.to_numpy().tolist()}).encode()
RECORDS = CELLS.to_dict(orient="records")


def model(labels, classifier=None):
    """The file of a model that gives each row of the file its label."""
    classifier = classifier or DecisionTreeClassifier(random_state=0)
    fitted = pipeline.build(classifier, Preprocess.AUTO, TYPED).fit(TYPED, labels)
    return dump(pipeline.castable(fitted, ColumnCast.like(TYPED)))


def shelved():
    """A registry with one version, which answers 1 to 4 for the rows of the file."""
    return Shelf(model([1, 2, 3, 4]), EXAMPLE)


@pytest.fixture
def shelf():
    """The registry of the server."""
    return shelved()


@pytest.fixture
def capacity():
    """What the server bears."""
    return BEARS


@pytest.fixture(scope="module")
def steady():
    """A client of a server that serves version 1 for many tests."""
    with running(shelved(), BEARS) as client:
        yield client


@pytest.fixture
def server(shelf, capacity, monkeypatch):
    """A client of a server of its own."""
    monkeypatch.setattr(app, "POLL_SECONDS", 0.05)
    with running(shelf, capacity) as client:
        yield client


def ask(server, body, **more):
    """Post a body that is JSON unless said otherwise."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return server.post("/invocations", content=content, **more)


def served(server):
    """The version that answers."""
    return server.get("/version").json()["version"]


FORMS = [
    {"dataframe_split": json.loads(EXAMPLE)},
    {"dataframe_split": {**json.loads(EXAMPLE), "index": [5, 6, 7, 8]}},
    {"dataframe_records": RECORDS},
    {"dataframe_records": [{**record, "other": {"a": []}} for record in RECORDS]},
    {"instances": RECORDS},
    {"instances": CELLS.to_numpy().tolist()},
    {"inputs": RECORDS, "params": {"threads": 2}},
    {"inputs": CELLS.to_dict(orient="list")},
    {"inputs": CELLS.to_numpy().tolist()},
]


@pytest.mark.parametrize("body", FORMS)
def test_every_form_of_the_protocol_is_answered(steady, body):
    """Records, columns, rows and tables give the same predictions, named by their version."""
    answer = ask(steady, body)
    expected = (200, {"predictions": [1, 2, 3, 4]}, "1")
    assert expected == (answer.status_code, answer.json(), answer.headers["X-Model-Version"])


def test_csv_is_read_as_the_file_is(steady):
    """Text stays text until the cast has seen it; other columns are left out."""
    text = FILE.assign(other="a,b").to_csv(index=False)
    for mime in ("text/csv", "text/csv; charset=utf-8"):
        answer = ask(steady, text.encode(), headers={"content-type": mime})
        assert (200, {"predictions": [1, 2, 3, 4]}) == (answer.status_code, answer.json())


def test_a_single_row_and_a_single_cell_beside_a_column(steady):
    """A mapping of cells is one row; a cell beside lists is the cell of every row."""
    assert {"predictions": [3]} == ask(steady, {"inputs": RECORDS[2]}).json()
    assert {"predictions": [3, 3]} == ask(
        steady, {"inputs": {**RECORDS[2], "age": [55, 55]}}
    ).json()


def test_every_spelling_of_a_truth_value_is_one(steady):
    """JSON's own, text in any case, and 1 and 0."""
    for spelled in (True, "true", "TRUE", 1):
        assert {"predictions": [4]} == ask(
            steady, {"inputs": {**RECORDS[3], "member": spelled}}
        ).json()


def test_probabilities_are_given_where_asked(steady):
    """One row of them for each row, in the order of the classes."""
    answer = ask(steady, {"inputs": RECORDS[:2]}, params={"method": "predict_proba"})
    assert {"predictions": [[1, 0, 0, 0], [0, 1, 0, 0]]} == answer.json()


BAD = [
    (b"", "Expecting value"),
    (b"{", "Expecting property name"),
    (b"\xff\xfe", "the body: must be JSON in UTF-8"),
    (b"[" * 100_000, "recursion"),
    (b"[1, 2]", "the body: must hold dataframe_split"),
    (b"{}", "but has none of them"),
    ({"inputs": [], "instances": []}, "but has 'instances' and 'inputs'"),
    ({"dataframe_records": []}, "the rows: must be one or more"),
    ({"dataframe_records": [1, None]}, "must be a list of mappings"),
    ({"dataframe_records": [{}]}, "have no 'age', 'member', 'zip'"),
    ({"dataframe_records": [{**RECORDS[0], "ages": 1} | {"age": 1}, 3]}, "a list of mappings"),
    ({"inputs": {"Age": 1, "member": True, "zip": "x"}}, "have no 'age'. Did you mean 'Age'?"),
    ({"inputs": 5}, "inputs: must be columns by name"),
    ({"inputs": [[1, 2]]}, "a list of 3 cells, but row 1 is 2 cells"),
    ({"inputs": {"age": [1], "member": [True, False], "zip": "x"}}, "must be equally long"),
    ({"dataframe_split": {"columns": [*FILE]}}, "must hold columns and data"),
    ({"dataframe_split": {"columns": 1, "data": []}}, "columns must be a list"),
    ({"dataframe_split": {"columns": ["age", *FILE], "data": []}}, "have 'age' more often"),
    ({"dataframe_split": {"columns": [*FILE], "data": [], "x": 1}}, "also has 'x'"),
    ({"dataframe_split": {"columns": [{}, *FILE], "data": [[1, 2, 3, 4]]}}, "unhashable"),
    ({"inputs": {**RECORDS[0], "age": "wide"}}, "column 'age': must hold numbers, but row 1"),
    ({"inputs": {**RECORDS[0], "age": 10**400}}, "must hold finite numbers"),
    (b'{"inputs": {"age": Infinity, "member": null, "zip": null}}', "must hold finite numbers"),
    ({"inputs": {**RECORDS[0], "zip": {"a": 1}}}, "column 'zip': must hold text, but row 1"),
    ({"inputs": {**RECORDS[0], "member": [[1]]}}, "column 'member': must hold text"),
]


def test_bad_rows_are_answered_with_a_sentence(steady):
    """Whatever is sent, the answer is 400 with what is wrong, and the steady goes on."""
    answers = [(body, said, ask(steady, body)) for body, said in BAD]
    assert [] == [(b, a.text) for b, said, a in answers if a.status_code != 400]
    assert [] == [(said, a.json()) for _, said, a in answers if said not in a.json()["error"]]
    assert {"1"} == {answer.headers["X-Model-Version"] for *_, answer in answers}
    assert 200 == ask(steady, FORMS[0]).status_code


@pytest.mark.parametrize(
    ("mime", "method", "status", "said"),
    [
        (
            "text/plain",
            "predict",
            415,
            "must be application/json or text/csv, but got 'text/p",
        ),
        ("application/json; charset=latin-1", "predict", 415, "the charset must be utf-8"),
        ("application/json; boundary=x", "predict", 415, "must be application/json"),
        ("text/csv", "predict", 400, "have no 'age', 'member', 'zip'"),
        ("application/json", "__class__", 400, "method: must be 'predict' or 'predict_proba'"),
        ("application/json", "predict_prob", 400, "Did you mean 'predict_proba'"),
    ],
)
def test_types_and_methods_that_are_not_known_are_refused(steady, mime, method, status, said):
    """With what is known."""
    headers, params = {"content-type": mime}, {"method": method}
    answer = ask(steady, FORMS[0], headers=headers, params=params)
    assert (status, True) == (answer.status_code, said in answer.json()["error"])


def test_ever_new_names_cost_nothing(steady):
    """Records with a column of their own each are rows of the model's columns."""
    body = {"dataframe_records": [{**RECORDS[0], f"c{n}": 1} for n in range(2000)]}
    answer = ask(steady, body)
    assert (200, 2000) == (answer.status_code, len(answer.json()["predictions"]))


def test_what_a_request_may_hold_is_bounded(steady, monkeypatch):
    """Bytes, values and cells have each their bound and their sentence."""
    large = ask(steady, b'{"inputs": "%s"}' % (b"x" * 200_000))
    expected = "the body: must not be larger than 200,000 bytes. Send fewer rows."
    assert (400, {"error": expected}) == (large.status_code, large.json())


class TestAHeldModel:
    """A champion that does not come to an end, and one that crashes."""

    @pytest.fixture
    def capacity(self):
        """A second for each request."""
        return Capacity(processes=1, seconds=1, bounds=Bounds(requests=2))

    @pytest.fixture
    def shelf(self, monkeypatch):
        """A model that the test can hold or crash by a row."""

        def predict(self, method, cells):
            if cells["zip"] == ["hold"]:
                time.sleep(SECONDS)
            if cells["zip"] == ["crash"]:
                os.abort()
            return predicted(self, method, cells)

        predicted = Scorer.predicted
        monkeypatch.setattr(Scorer, "predicted", predict)
        return shelved()

    @pytest.mark.slow
    def test_health_answers_while_a_request_is_worked_on(self, server):
        """The time limit ends the request and its process; the next one gets a new process."""
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(ask, server, {"inputs": {**RECORDS[0], "zip": "hold"}})
            wait_for(lambda: 'requests_in_flight{model="shop"} 1.0' in server.get("/metrics").text)
            assert 200 == server.get("/health").status_code
            answer = held.result()
        expected = {"error": "the rows: took longer than 1 s. Send fewer rows."}
        assert (504, expected, "1") == (
            answer.status_code,
            answer.json(),
            answer.headers["X-Model-Version"],
        )

    def test_a_crash_costs_one_request(self, server):
        """It is answered, and the next one too."""
        answer = ask(server, {"inputs": {**RECORDS[0], "zip": "crash"}})
        assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
        assert "ended the process that predicts" in answer.json()["error"]
        wait_for(lambda: ask(server, {"inputs": RECORDS[2]}).status_code == 200)

    def test_a_prediction_that_stands_still_costs_one_request(self, server, monkeypatch):
        """It is ended before the time of the request is over, and may be asked for again."""
        monkeypatch.setattr(isolation, "STILL_SECONDS", 0.5)
        answer = ask(server, {"inputs": {**RECORDS[0], "zip": "hold"}})
        assert 503 == answer.status_code
        wait_for(lambda: ask(server, {"inputs": RECORDS[2]}).status_code == 200)

    @pytest.mark.slow
    def test_too_many_requests_are_refused_at_once(self, server):
        """With a word on when to come again."""
        hold = {"inputs": {**RECORDS[0], "zip": "hold"}}
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: ask(server, hold), range(5)))
        said = [answer.json()["error"] for answer in answers if answer.status_code == 503]
        assert "the server: has too many requests to answer. Send the rows again later." in said


@pytest.mark.slow
def test_a_slow_client_is_let_go(steady):
    """A body that does not come is answered with 408."""
    port = steady.base_url.port
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as slow:
        slow.sendall(b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        assert b"408" in slow.recv(100)


class TestManySlowClients:
    """Whoever sends slowly, from many connections at once, keeps nobody out."""

    HEAD = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n"

    @pytest.fixture
    def capacity(self):
        """Room for four requests, or for three of 8,000 bytes, for a long time."""
        bounds = Bounds(body=9000, held=25_000, requests=4, seconds=SECONDS)
        return Capacity(processes=1, seconds=SECONDS, bounds=bounds)

    @pytest.fixture
    def connected(self, server):
        """A function that opens connections which send so much and no more."""
        with ExitStack() as stack:

            def connect(count, sent):
                address = ("127.0.0.1", server.base_url.port)
                clients = [
                    stack.enter_context(socket.create_connection(address, SECONDS))
                    for _ in range(count)
                ]
                for client in clients:
                    client.sendall(sent)
                return clients

            yield connect

    @pytest.mark.parametrize(("count", "size"), [(12, 1), (3, 8000)])
    def test_bodies_that_do_not_come_give_way(self, server, connected, count, size):
        """The oldest where there are too many, the largest where they are too large."""
        clients = connected(count, self.HEAD + b" " * size)
        counted = f'requests_in_flight{{model="shop"}} {min(4, count)}.0'
        wait_for(lambda: counted in server.get("/metrics").text)
        rows = json.dumps({"inputs": [{**RECORDS[0], "zip": "x" * 6000}]}).encode()
        answers = [server.post("/invocations", content=rows) for _ in range(3)]
        assert [200] * 3 == [answer.status_code for answer in answers]
        assert b"503" in clients[0].recv(100)

    @pytest.mark.parametrize("before", [b"", b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"])
    @pytest.mark.parametrize("head", [b"", b"GET /ping HT"])
    def test_heads_that_do_not_come_give_way(self, server, connected, before, head):
        """The connection that has asked for nothing for longest is closed for a new one."""
        connected(2 * MOST_CONNECTIONS, before + head)
        for _ in range(3):
            with httpx.Client(base_url=server.base_url, timeout=SECONDS) as client:
                assert 200 == ask(client, FORMS[0]).status_code


def test_a_new_champion_takes_over(server, shelf):
    """It answers with its own version."""
    shelf.stored["2"] = (model([5, 6, 7, 8]), EXAMPLE)
    shelf.alias = "2"
    wait_for(lambda: served(server) == "2")
    answer = ask(server, FORMS[0])
    assert ("2", {"predictions": [5, 6, 7, 8]}) == (
        answer.headers["X-Model-Version"],
        answer.json(),
    )


BROKEN = {
    "no model file": (b"not a zip", EXAMPLE),
    "no example": (model([5, 6, 7, 8]), b""),
    "other columns": (model([5, 6, 7, 8]), b'{"columns": ["a"], "data": [[1]]}'),
    "unfit cells": (model([5, 6, 7, 8]), EXAMPLE.replace(b"31.0", b'"old"')),
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.slow
def test_a_broken_version_never_takes_over(server, shelf, caplog, fault):
    """The one before goes on, the log says why, and the broken one is seldom fetched again."""
    shelf.stored["2"] = BROKEN[fault]
    shelf.alias = "2"
    wait_for(lambda: "cannot load the champion" in caplog.text)
    assert ("1", 200) == (served(server), ask(server, FORMS[0]).status_code)
    assert 'sweepstake_follow_faults_total{model="shop"}' in server.get("/metrics").text
    shelf.stored["3"] = (model([5, 6, 7, 8]), EXAMPLE)
    shelf.alias = "3"
    wait_for(lambda: served(server) == "3")
    assert shelf.fetched.count("2") < 10


def test_the_registry_may_be_away(server, shelf, caplog):
    """The champion goes on answering, and the next one takes over when it is back."""
    shelf.stored["2"] = (model([5, 6, 7, 8]), EXAMPLE)
    shelf.alias = "away"
    wait_for(lambda: "MLflow does not answer" in caplog.text)
    assert {"predictions": [1, 2, 3, 4]} == ask(server, FORMS[0]).json()
    shelf.alias = "2"
    wait_for(lambda: served(server) == "2")


@pytest.mark.slow
def test_promotions_fail_and_mix_no_answer(server, shelf):
    """Under load through many promotions, each answer is wholly of the version that it names."""
    shelf.stored |= {str(n): (model([n, n, n, n + 1]), EXAMPLE) for n in range(2, 22)}
    over = threading.Event()

    def asked(_):
        answers = []
        while not over.is_set():
            answer = ask(server, FORMS[0])
            answers.append((answer.status_code, answer.headers["X-Model-Version"], answer.json()))
        return answers

    with ThreadPoolExecutor(3) as pool:
        parts = pool.map(asked, range(3))
        try:
            for number in range(2, 22):
                shelf.alias = str(number)
                wait_for(lambda: served(server) == shelf.alias)
        finally:
            over.set()
        answers = [answer for part in parts for answer in part]
    assert {200} == {status for status, *_ in answers}
    expected = {"1": [1, 2, 3, 4]} | {str(n): [n, n, n, n + 1] for n in range(2, 22)}
    assert [] == [said for _, version, said in answers if said["predictions"] != expected[version]]


def test_figures_are_for_prometheus(server):
    """Answers by version and status, rows, and seconds; no data of a request."""
    ask(server, FORMS[0])
    ask(server, {"inputs": {"secret": "word"}})
    text = server.get("/metrics").text
    lines = [
        'sweepstake_answers_total{model="shop",status="200",version="1"} 1.0',
        'sweepstake_answers_total{model="shop",status="400",version="1"} 1.0',
        'sweepstake_rows_total{model="shop",version="1"} 4.0',
        'sweepstake_answer_seconds_count{model="shop"} 2.0',
        'sweepstake_champion{model="shop"} 1.0',
    ]
    assert [] == [line for line in lines if line not in text]
    assert "word" not in text


def test_the_description_has_an_example_that_works(steady):
    """The OpenAPI document names the columns with their kinds; its example is answered."""
    described = steady.get("/openapi.json").json()
    body = described["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]
    record = body["schema"]["properties"]["dataframe_records"]["items"]
    kinds = {name: kind["type"][0] for name, kind in record["properties"].items()}
    assert {"age": "number", "member": "boolean", "zip": "string"} == kinds
    assert {"predictions": [1, 2, 3, 4]} == ask(steady, body["example"]).json()
    page = steady.get("/docs")
    assert ("default-src 'none'", True) == (
        page.headers["Content-Security-Policy"].split(";")[0],
        "dataframe_split" in page.text,
    )


def test_numbers_alone_take_a_shorter_way_to_the_same_answers(shelf):
    """A model of numbers answers arrays as it answers frames."""
    x = pd.DataFrame({"a": [1.0, None, 3.0, 9.0], "b": [0.5, 2.0, None, -1.0]})
    fitted = pipeline.build(LogisticRegression(), Preprocess.AUTO, x).fit(x, [0, 1, 0, 1])
    whole = pipeline.castable(fitted, ColumnCast.like(x))
    scorer = Scorer(StoredModel(dump(whole)))
    for rows in ([[1, None], [2.5, True]], [["1", None], ["2.5", 1]]):
        answer = scorer.score(json.dumps({"inputs": rows}).encode(), "", "predict_proba")
        frame = pd.DataFrame(rows, columns=["a", "b"], dtype=object)
        expected = whole.predict_proba(frame).tolist()
        assert expected == json.loads(answer.body)["predictions"]


def test_csv_is_taken_as_the_grid_file_reads_it():
    """Rows of another width are refused, line ends are all one, and only told gaps are gaps."""
    parsed = scoring.parse(b"a,b\r1,NA\r,None\r", "text/csv", ["a", "b"])
    assert {"a": ["1", None], "b": ["NA", "None"]} == parsed
    assert {"a": ["1", None]} == scoring.parse(b'a\n1\n""\n', "text/csv", ["a"])
    with pytest.raises(RefusedError, match="row 2 is 0 cells"):
        scoring.parse(b"a\n1\n\n3\n", "text/csv", ["a"])
    for body in (b"a,b\n1,5,2,5\n", b"a,b\n1\n3,4\n"):
        with pytest.raises(RefusedError, match=r"list of 2 cells, but row 1 is"):
            scoring.parse(body, "text/csv", ["a", "b"])
    scorer = Scorer(StoredModel(model([1, 2, 3, 4])))
    long = b'zip,n\n"' + b"x" * 200_000 + b'",1\n'
    assert 400 == scorer.score(long, "text/csv", "predict").status


@pytest.mark.parametrize(
    "rows",
    [
        {"inputs": {"c0": [0] * 20_000, **{f"c{n}": 1 for n in range(1, 100)}}},
        {"dataframe_records": [{f"c{n}": 1 for n in range(100)}, *([{}] * 20_000)]},
    ],
)
def test_cells_are_counted_before_they_are_made(rows):
    """A cell that stands for a column of them, and records that lack all, take no memory."""
    names = [f"c{n}" for n in range(100)]
    body = json.dumps(rows).encode()
    tracemalloc.start()
    with pytest.raises(RefusedError, match="must be at most 10,000, but there are"):
        scoring.parse(body, "", names)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000  # two million cells would take sixteen


def test_one_row_of_lists_is_columns():
    """As MLflow's server takes it; the lists are counted, and must be equally long."""
    x = pd.DataFrame({"a": [1.0, None, 3.0, 9.0], "b": [0.5, 2.0, None, -1.0]})
    fitted = pipeline.build(LogisticRegression(), Preprocess.AUTO, x).fit(x, [0, 1, 0, 1])
    scorer = Scorer(StoredModel(dump(pipeline.castable(fitted, ColumnCast.like(x)))))
    answers = [
        scorer.score(json.dumps({"inputs": cells}).encode(), "", "predict_proba")
        for cells in ({"a": [[1, 3]], "b": [[2, None]]}, {"a": [1, 3], "b": [2, None]})
    ]
    assert answers[0] == answers[1]
    assert (200, 2) == (answers[0].status, answers[0].rows)
    uneven = json.dumps({"inputs": {"a": [[1, 3]], "b": [[2]]}}).encode()
    assert 400 == scorer.score(uneven, "", "predict").status


@pytest.mark.slow
def test_a_client_that_sends_no_head_is_let_go(server, monkeypatch):
    """Neither on a new connection nor on one that was used before."""
    monkeypatch.setattr(patience, "SECONDS", 0.5)
    for before in (b"", b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.base_url.port), SECONDS) as slow:
            slow.sendall(before + b"GET /ping HT")
            received = b"".join(iter(lambda: slow.recv(1000), b""))
        assert bool(before) == received.count(b"HTTP/1.1 200")


def test_a_line_of_the_log_is_json_without_data():
    """What is told of an answer are figures; text of others stays in its line."""
    extra = {"status": 200, "rows": 3, "version": "1", "milliseconds": 1.5}
    record = logging.makeLogRecord({"name": "a", "msg": "two\nlines", "levelname": "INFO", **extra})
    line = JsonLines().format(record)
    assert ("two\nlines", extra) == (
        json.loads(line)["message"],
        {name: json.loads(line)[name] for name in extra},
    )
    assert 1 == len(line.splitlines())


def test_who_hangs_up_is_no_fault_of_the_server():
    """A body that ends early is refused like any other wrong one, and its room is free again."""

    class Gone:
        async def stream(self):
            yield b"{"
            raise ClientDisconnect

    async def ask(admission):
        refused = pytest.raises(RefusedError, match="must be sent whole")
        with refused, admission.of(Gone()) as body:
            await admission.read(body)

    admission = Admission(Bounds())
    asyncio.run(ask(admission))
    assert (0, 0) == (admission.requests, admission.held)


def test_a_body_whose_time_ends_gives_way_too():
    """One that has just been told that it is too slow is displaced without a fault."""

    class Slow:
        async def stream(self):
            yield b"{"
            await asyncio.sleep(SECONDS)

    async def send(admission):
        with admission.of(Slow()) as body:
            await admission.read(body)

    async def ask(admission):
        slow = asyncio.create_task(send(admission))
        await asyncio.sleep(0)
        (timeout,) = admission.arriving.values()
        timeout.reschedule(asyncio.get_running_loop().time())
        await asyncio.sleep(0)
        assert timeout.expired()
        assert not slow.done()
        with admission.of(Slow()):
            assert 1 == admission.requests
        with pytest.raises(RefusedError, match="gave way to others"):
            await slow

    admission = Admission(Bounds(requests=1, seconds=SECONDS))
    asyncio.run(ask(admission))
    assert (0, 0) == (admission.requests, admission.held)
