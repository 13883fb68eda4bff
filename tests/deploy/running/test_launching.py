"""Deploying, updating and deleting, with an engine in memory."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scoreserve.deploy.deployment import Auth, Code, Deployment, Model, Resources
from scoreserve.deploy.running import launching, recipe, services
from scoreserve.deploy.running.launching import Tell
from scoreserve.deploy.running.making import Order
from scoreserve.deploy.running.requests import Answer
from scoreserve.deploy.running.states import State
from scoreserve.errors import DeploymentError
from tests.deploy.running.fake_engine import GIB, Behaviour, FakeEngine

HEALTHY = Behaviour()
ENDS = Behaviour(exit_code=3, log="a traceback\nValueError: no weights")
CTRL_C = Behaviour(statuses=(502, KeyboardInterrupt()))
NO_GPU = Behaviour(start_error='could not select device driver "" with capabilities: [[gpu]]')

Start = Callable[..., FakeEngine]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """An engine whose containers are asked instead of ports of this machine."""

    def start(*behaviours: Behaviour) -> FakeEngine:
        engine = FakeEngine(*behaviours)
        monkeypatch.setattr(services, "status_of", engine.status_of)
        return engine

    monkeypatch.setattr(launching, "_LOOK_SECONDS", 0.0)
    return start


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """A script of one file."""
    script = tmp_path / "score.py"
    script.write_text("def init(): pass\ndef run(data): return data\n")
    deployment = Deployment("mnist", code=Code(script, "score.py", "score.py"))
    return Order(deployment, "azureml/azureml_0", "scoreserve:cpu", "/project", {})


class Heard:
    """What was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.tell = Tell(self.lines.append, self.lines.append)


def deploy(engine: FakeEngine, order: Order, **options: bool) -> launching.Outcome:
    return launching.deploy(
        engine, order, Heard().tell, **{"overwrite": False, "wait": True, **options}
    )


def update(engine: FakeEngine, order: Order) -> launching.Outcome:
    (service,) = services.services(engine, order.project)
    return launching.update(engine, order, service, Heard().tell)


class TestDeploy:
    def test_the_port_leads_to_a_server_that_is_healthy(self, start: Start, order: Order) -> None:
        engine = start(Behaviour(statuses=(None, 502, 502, 200)))
        outcome = deploy(engine, order)
        assert outcome.verdict.state is State.HEALTHY
        server = outcome.service.server
        assert engine.routes.live == f"{server.addresses[recipe.NETWORK]}:5001"
        assert engine.routes.proven
        assert services.verdict(engine, outcome.service).state is State.HEALTHY

    def test_a_model_without_a_script_has_nothing_to_be_copied(
        self, start: Start, order: Order, tmp_path: Path
    ) -> None:
        engine = start(HEALTHY)
        model = Model("iris", "1", tmp_path)
        its = replace(order.deployment, code=None, models=(model,))
        outcome = deploy(engine, replace(order, deployment=its))
        assert outcome.verdict.state is State.HEALTHY
        assert not engine.files

    def test_one_that_fails_stays_to_be_looked_into(self, start: Start, order: Order) -> None:
        engine = start(ENDS)
        outcome = deploy(engine, order)
        assert outcome.verdict.state is State.FAILED
        assert outcome.verdict.reason.endswith("ValueError: no weights")
        assert "a traceback" in outcome.log
        assert services.verdict(engine, outcome.service).state is State.FAILED

    def test_too_little_memory_is_unschedulable_and_stays_so(
        self, start: Start, order: Order
    ) -> None:
        engine = start()
        wanted = replace(order.deployment, resources=Resources(memory_bytes=9 * GIB))
        outcome = deploy(engine, replace(order, deployment=wanted))
        assert outcome.verdict.state is State.UNSCHEDULABLE
        assert "not enough memory" in services.verdict(engine, outcome.service).reason

    def test_a_gpu_that_is_not_there_is_unschedulable(self, start: Start, order: Order) -> None:
        engine = start(NO_GPU)
        outcome = deploy(engine, order)
        assert outcome.verdict.state is State.UNSCHEDULABLE
        found = services.verdict(engine, outcome.service)
        assert found.state is State.UNSCHEDULABLE
        assert "device driver" in found.reason

    def test_a_second_one_of_its_name_is_refused(self, start: Start, order: Order) -> None:
        engine = start(HEALTHY)
        deploy(engine, order)
        with pytest.raises(DeploymentError, match="mnist is deployed already"):
            deploy(engine, order)

    def test_overwriting_leaves_one(self, start: Start, order: Order) -> None:
        engine = start(HEALTHY, HEALTHY)
        before = deploy(engine, order).service
        after = deploy(engine, order, overwrite=True).service
        assert set(engine.made) == set(after.containers)
        assert not set(before.containers) & set(after.containers)

    def test_the_same_name_in_another_checkout_is_another_service(
        self, start: Start, order: Order
    ) -> None:
        engine = start(HEALTHY, HEALTHY)
        deploy(engine, order)
        deploy(engine, replace(order, project="/other"))
        assert len(services.services(engine, None)) == 2
        (found,) = services.services(engine, "/other")
        assert services.find(engine, "mnist", "/other") == found

    def test_whoever_does_not_wait_sees_it_become_healthy(self, start: Start, order: Order) -> None:
        engine = start(Behaviour(statuses=(502, 200)))
        service = deploy(engine, order, wait=False).service
        assert services.verdict(engine, service).state is State.TRANSITIONING
        assert services.verdict(engine, service).state is State.HEALTHY
        assert engine.routes.proven

    def test_ctrl_c_leaves_nothing(self, start: Start, order: Order) -> None:
        engine = start(CTRL_C)
        with pytest.raises(KeyboardInterrupt):
            deploy(engine, order)
        assert not engine.made


class TestUpdate:
    def test_the_port_leads_to_the_new_server_and_the_old_one_drains(
        self, start: Start, order: Order
    ) -> None:
        engine = start(HEALTHY, HEALTHY)
        before = deploy(engine, order).service
        after = update(engine, order).service
        assert after.switch == before.switch
        assert engine.routes.live == f"{after.server.addresses[recipe.NETWORK]}:5001"
        assert engine.stopped == [before.server.id]
        assert set(engine.made) == set(after.containers)

    @pytest.mark.parametrize("new", [ENDS, NO_GPU], ids=["it ends", "it cannot be started"])
    def test_one_that_does_not_become_healthy_changes_nothing(
        self, start: Start, order: Order, new: Behaviour
    ) -> None:
        engine = start(HEALTHY, new)
        before = deploy(engine, order).service
        routes = engine.routes
        assert update(engine, order).verdict.state in (State.FAILED, State.UNSCHEDULABLE)
        assert engine.routes == routes
        assert set(engine.made) == set(before.containers)
        assert not engine.stopped

    def test_ctrl_c_changes_nothing(self, start: Start, order: Order) -> None:
        engine = start(HEALTHY, CTRL_C)
        before = deploy(engine, order).service
        with pytest.raises(KeyboardInterrupt):
            update(engine, order)
        assert set(engine.made) == set(before.containers)
        assert services.verdict(engine, before).state is State.HEALTHY

    def test_what_a_killed_update_has_left_goes_with_the_next(
        self, start: Start, order: Order, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = start(HEALTHY, CTRL_C, HEALTHY)
        deploy(engine, order)
        with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
            killed.setattr(engine, "remove", lambda _containers: None)
            update(engine, order)
        after = update(engine, order).service
        assert set(engine.made) == set(after.containers)
        assert engine.routes.live == f"{after.server.addresses[recipe.NETWORK]}:5001"

    def test_the_keys_stay(self, start: Start, order: Order) -> None:
        engine = start(HEALTHY, HEALTHY)
        order = replace(order, deployment=replace(order.deployment, auth=Auth(enabled=True)))
        before = services.keys(engine, deploy(engine, order).service)
        after = services.keys(engine, update(engine, order).service)
        assert len(before) == len(set(before)) == 2
        assert after == before
        assert before[0] not in str(engine.arguments)

    def test_another_port_is_refused(self, start: Start, order: Order) -> None:
        engine = start(HEALTHY)
        deploy(engine, order)
        wanted = replace(order, deployment=replace(order.deployment, port=5999))
        with pytest.raises(DeploymentError, match="which an update keeps"):
            update(engine, wanted)


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """As a program does that was not started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class TestReload:
    """Of a folder with a script, in a container where the script has written a file itself."""

    ROOT = "/var/azureml-app/code/"

    @pytest.fixture
    def code(self, tmp_path: Path) -> Path:
        folder = tmp_path / "code"
        folder.mkdir()
        (folder / "score.py").write_text("old")
        (folder / "helper.py").write_text("old")
        return folder

    @pytest.fixture
    def engine(self, start: Start, order: Order, code: Path) -> FakeEngine:
        engine = start(HEALTHY)
        its = Code(code, "code", "score.py", app_root="/var/azureml-app/code")
        order = replace(order, deployment=replace(order.deployment, code=its))
        server = deploy(engine, order).service.server
        engine.files[server.id][f"{self.ROOT}cache"] = b"of the script"
        return engine

    def reload(
        self,
        engine: FakeEngine,
        code: Path,
        result: str | KeyboardInterrupt,
        monkeypatch: pytest.MonkeyPatch,
    ) -> dict[str, bytes]:
        """The files in the container after a reload that has this result, or while it is waited
        for, Ctrl-C.
        """
        answers = iter([None, result])

        def get(*_: object, **__: object) -> Answer:
            answer = next(answers)
            if isinstance(answer, KeyboardInterrupt):
                raise answer
            ago = None if answer is None else 0
            said = {"last_reload": answer, "last_reload_seconds_ago": ago}
            return Answer(200, "application/json", json.dumps(said).encode())

        monkeypatch.setattr(launching, "get", get)
        (service,) = services.services(engine, "/project")
        its = Code(code, code.name, "score.py", app_root="/var/azureml-app/code")
        launching.reload(engine, its, service)
        return {
            name.removeprefix(self.ROOT): data
            for name, data in engine.files[service.server.id].items()
            if name.startswith(self.ROOT)
        }

    def test_files_that_are_gone_are_gone_there_too(
        self, engine: FakeEngine, code: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (code / "score.py").write_text("new")
        (code / "helper.py").rename(code / "helpers.py")
        assert self.reload(engine, code, "ok", monkeypatch) == {
            "score.py": b"new",
            "helpers.py": b"old",
            "cache": b"of the script",
        }
        assert [sent for _, sent in engine.signals] == ["HUP"]

    def test_the_files_of_before_come_back_where_the_new_ones_fail(
        self, engine: FakeEngine, code: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (service,) = services.services(engine, "/project")
        before = dict(engine.files[service.server.id])
        (code / "score.py").write_text("new")
        (code / "helper.py").rename(code / "helpers.py")
        with pytest.raises(DeploymentError, match="mnist is as before: failed: a SyntaxError;"):
            self.reload(engine, code, "failed: a SyntaxError.", monkeypatch)
        assert engine.files[service.server.id] == before

    def test_ctrl_c_while_it_is_waited_for_does_not_end_it(
        self, engine: FakeEngine, code: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(KeyboardInterrupt, match="; the reload goes on, and `scoreserve serv"):
            self.reload(engine, code, KeyboardInterrupt(), monkeypatch)
        assert len(engine.signals) == 1

    @pytest.mark.usefixtures("heeds_ctrl_c")
    def test_ctrl_c_before_leaves_no_files_of_two_kinds(
        self, engine: FakeEngine, code: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(container: str, paths: Sequence[str]) -> None:
            signal.raise_signal(signal.SIGINT)
            FakeEngine.remove_files(engine, container, paths)

        monkeypatch.setattr(engine, "remove_files", interrupted)
        (code / "helper.py").rename(code / "helpers.py")
        with pytest.raises(KeyboardInterrupt):
            self.reload(engine, code, "ok", monkeypatch)
        (service,) = services.services(engine, "/project")
        assert f"{self.ROOT}helpers.py" in engine.files[service.server.id]
        assert len(engine.signals) == 1

    def test_another_script_needs_an_update(
        self, engine: FakeEngine, code: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = code.rename(code.with_name("other"))
        with pytest.raises(DeploymentError, match="`scoreserve service update mnist` takes that"):
            self.reload(engine, other, "ok", monkeypatch)
        assert not engine.signals


def test_deleting_leaves_no_container_and_no_network(start: Start, order: Order) -> None:
    engine = start(HEALTHY)
    launching.delete(engine, deploy(engine, order).service)
    assert not engine.made
    assert not engine.networks


def test_an_isolated_server_is_reached_through_the_switch_alone(start: Start, order: Order) -> None:
    engine = start(HEALTHY)
    order = replace(order, deployment=replace(order.deployment, isolated=True))
    service = deploy(engine, order).service
    assert service.switch is not None
    assert set(service.server.addresses) == {recipe.ISOLATED_NETWORK}
    assert set(service.switch.addresses) == {recipe.NETWORK, recipe.ISOLATED_NETWORK}


def test_a_service_that_is_not_there_is_told_with_those_that_are(
    start: Start, order: Order
) -> None:
    engine = start(HEALTHY)
    deploy(engine, order)
    with pytest.raises(DeploymentError, match="there is: mnist"):
        services.find(engine, "mnits", "/project")
    with pytest.raises(DeploymentError, match="--project /project"):
        services.find(engine, "mnist", "/elsewhere")
