"""The page at /status in a real browser: what it shows, to whom, and when the server is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scoreserve.errors import NotReady
from scoreserve.front.queue.dispatcher import Batching
from scoreserve.front.workers.snapshot import Death, PreloadSnapshot, WorkerSnapshot
from tests import servers
from tests.front.conftest import FakeFront
from tests.live.browser import VIEWS, Browser, View
from tests.live.pages import serving
from tests.ports import free_port
from tests.servers import Server, wait_until

STATE, MESSAGE = "#state", "#message"
UNKNOWN = "\N{EN DASH}"
DEATH = "The scoring worker was killed by SIGSEGV; a new one is starting."
MARKUP = "<script>document.title = 'hacked'</script>"

SCRIPT = f"""
def init(): pass
def run(text):
    if text == "fail":
        raise ValueError("no such column {MARKUP}")
    return text
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that has failed once."""
    with servers.serve(SCRIPT, tmp_path_factory.mktemp("server")) as server:
        assert server.score("fail", x_request_id="the-failed-one").status == 500
        yield server


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_it_shows_what_the_server_is_doing(browser: Browser, server: Server, view: View) -> None:
    origin = f"http://127.0.0.1:{server.port}"
    browser.open(f"{origin}/status", view)
    browser.wait_for_text(STATE, "ready")
    browser.wait_for_text(MESSAGE, "1 of 1 worker takes requests")
    browser.wait_for_text("#title", "score.py")
    browser.wait_for_text("#workers", str(server.workers()[0]))
    browser.wait_for_text("#workers", "MB")
    browser.wait_for_text("#queue", "0 of ")
    browser.wait_for_text("#batching", "SCORESERVE_MAX_BATCH_SIZE is 1")
    browser.wait_for_text("#events", "None since the server started.")
    (failure,) = browser.texts("#failures tbody tr")
    assert "the-failed-one" in failure
    assert "500" in failure
    assert f"ValueError: no such column {MARKUP}" in failure
    assert browser.wider_than_the_window() == []
    assert (browser.brightness() < 128) is view.dark
    assert browser.ask("document.title") == "score.py · Status"
    requests = browser.requests()
    assert [address for address in requests if not address.startswith(f"{origin}/")] == []
    assert browser.console() == []


def test_it_shows_how_many_requests_and_how_long_they_take(
    browser: Browser, server: Server
) -> None:
    browser.open(f"http://127.0.0.1:{server.port}/status")
    browser.wait_for_text("#chart-rate", "failed (5xx)")

    def seen() -> bool:
        server.score("data")
        rates, times = browser.texts("#chart-rate b"), browser.texts("#chart-total b")
        return rates[0] not in {UNKNOWN, "0"} and "ms" in times[0] and "ms" in times[1]

    wait_until(seen, "rates and times are shown")
    assert "Requests a second" in browser.ask(
        "document.querySelector('#chart-rate svg').getAttribute('aria-label')"
    )
    assert browser.console() == []


# Two polls of a server: 60 more requests, of which one failed, in 2 s; half took up to 5 ms, one
# between 10 and 20 s. Then another server, which counts from zero.
TRAFFIC = """
(async () => {
  const {parseMetrics, Traffic} = await import(location.origin + "/status/metrics.js");
  const page = (answered, failed, counts) => parseMetrics([
    `scoreserve_requests_total{method="POST",route="/score",status="200"} ${answered}`,
    `scoreserve_requests_total{method="POST",route="/score",status="500"} ${failed}.0`,
    `scoreserve_requests_total{method="GET",route="/metrics",status="200"} 1e+06`,
    ...["total", "queue", "run"].flatMap((phase) => counts.map(([le, count]) =>
      `scoreserve_request_seconds_bucket{le="${le}",phase="${phase}"} ${count}`)),
  ].join("\\n"));
  const traffic = new Traffic();
  traffic.add(page(100, 0, [["0.005", 90], ["10.0", 100], ["20.0", 100], ["+Inf", 100]]), 0);
  traffic.add(page(159, 1, [["0.005", 120], ["10.0", 159], ["20.0", 160], ["+Inf", 160]]), 2000);
  traffic.add(page(159, 1, [["0.005", 120], ["10.0", 159], ["20.0", 160], ["+Inf", 160]]), 4000);
  traffic.add(page(5, 0, [["0.005", 5], ["10.0", 5], ["20.0", 5], ["+Inf", 5]]), 6000);
  return traffic.points;
})()
"""


def test_rates_and_quantiles_are_the_differences_between_polls(browser: Browser) -> None:
    with serving(FakeFront().app) as origin:
        browser.open(f"{origin}/status")
        first, second, gap = browser.ask(TRAFFIC.strip())
    assert first["rate"] == [30.0, 0.5]
    for phase in ("total", "queue", "run"):
        assert first[phase] == [pytest.approx(0.005), pytest.approx(14.0)]
        assert second[phase] == first[phase]  # of the last ten seconds
    assert second["rate"] == [0, 0]
    assert gap is None


def test_with_keys_failures_are_for_those_who_have_one(browser: Browser) -> None:
    front = FakeFront(api_keys=("secret",))
    front.parts.failures.add(b"the-failed-one", 500, "ValueError: no")
    with serving(front.app) as origin:
        browser.open(f"{origin}/status", View(400, dark=True))
        browser.wait_for_text(STATE, "ready")
        browser.wait_for_text("#key", "API key")
        assert "ValueError" not in browser.text("main")
        assert browser.wider_than_the_window() == []
        browser.write("#key-input", "wrong")
        browser.click("#key button")
        browser.wait_for_text("#key .wrong", "does not know")
        browser.write("#key-input", "secret")
        browser.click("#key button")
        browser.wait_for_text("#failures", "ValueError: no")
        assert not browser.text("#key")
        browser.open_again()
        browser.wait_for_text("#failures", "ValueError: no")
        assert all("401" in line for line in browser.console())


def test_it_says_so_when_there_is_no_worker_and_why_batching_is_off(browser: Browser) -> None:
    front = FakeFront()
    front.workers.error = NotReady(
        "The scoring worker was killed by SIGSEGV; a new one is starting."
    )
    front.workers.at_present = front.workers.at_present._replace(
        states={"starting": 1, "ready": 0, "busy": 0, "stopping": 0},
        workers=[WorkerSnapshot(2**22 + 1, "starting", 90.0, None, 0)],
        deaths={"signal": 3},
        last_death=Death("signal", "was killed by SIGSEGV", 7, 12.0),
        last_reload="failed: the new worker did not start",
        last_reload_seconds_ago=4000.0,
        preload=PreloadSnapshot("off", "init() has used the <GPU>", None),
    )
    front.dispatcher.batching = Batching(64, 0.01, way="model")
    method = {"model": "Forest <i>", "method": "predict", "step": "off", "off": "no_gain"}
    front.parts.batching.add(front, {"merged": [(4, 4)], "methods": [method]})
    with serving(front.app) as origin:
        browser.open(f"{origin}/status")
        browser.wait_for_text(STATE, "starting")
        browser.wait_for_text(MESSAGE, DEATH)
        browser.wait_for_text("#workers", "1 min 30 s")
        browser.wait_for_text("#workers", "runs init() itself: init() has used the <GPU>")
        browser.wait_for_text("#events", "12 s ago: the worker with process id 7 was killed")
        browser.wait_for_text("#events", "signal 3")
        browser.wait_for_text("#events", "1 h 6 min ago: failed: the new worker did not start")
        browser.wait_for_text("#batching", "Calls of run() meet in the model.")
        (row,) = browser.texts("#batching tbody tr")
        assert row == "Forest <i> predict off 1 no_gain"
        front.workers.error = None
        front.workers.at_present = front.workers.at_present._replace(
            states=dict.fromkeys(("starting", "ready", "busy", "stopping"), 0),
            workers=[],
            preload=PreloadSnapshot("on", "", 5),
        )
        browser.wait_for_text("#workers", "There is no worker at present.")
        browser.wait_for_text("#workers", "one init(), in the process with id 5.")
        front.parts.shutdown.begin()
        browser.wait_for_text(STATE, "draining")


def test_it_outlives_the_server(browser: Browser) -> None:
    port = free_port()
    with serving(FakeFront().app, port) as origin:
        browser.open(f"{origin}/status")
        browser.wait_for_text(STATE, "ready")
    browser.wait_for_text(STATE, "no answer")
    browser.wait_for_text(MESSAGE, "has not answered since")
    with serving(FakeFront(entry_script="other.py").app, port):
        browser.wait_for_text(STATE, "ready")
        browser.wait_for_text("#title", "other.py")
    refused = browser.console()
    assert all("ERR_CONNECTION" in line or "ERR_EMPTY" in line for line in refused), refused
