"""Which name leads where, with neither Azure ML package installed and beside real ones."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.compat.interpreter import run_script

if any(importlib.util.find_spec(name) for name in ("azureml", "azureml_inference_server_http")):
    pytest.skip("the real packages are installed here", allow_module_level=True)

# Says whether `rawhttp`, where the script has it, is the server's own: it alone counts.
COUNTS = """
from scoreserve.compat import aml_request as ours
assert not ours.requested()
@rawhttp
def run(request): return request
assert ours.requested(), rawhttp
"""


class TestWithoutTheRealPackages:
    @pytest.mark.parametrize(
        "statement",
        [
            "from azureml.contrib.services.aml_request import AMLRequest, rawhttp",
            "from azureml.contrib.services.aml_request  import rawhttp",
            "from azureml.contrib.services import rawhttp",
            "from azureml.contrib.services import rawhttp, AMLRequest, AMLResponse",
            "from azureml.contrib.services import aml_request; rawhttp = aml_request.rawhttp",
            "import azureml.contrib.services.aml_request as it; rawhttp = it.rawhttp",
            "import azureml.contrib.services as it; rawhttp = it.rawhttp",
            "import azureml.contrib.services.aml_request;"
            "rawhttp = azureml.contrib.services.aml_request.rawhttp",
            "from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp",
            "from azureml_inference_server_http.api import aml_request as it; rawhttp = it.rawhttp",
            "import azureml_inference_server_http.api.aml_request as it; rawhttp = it.rawhttp",
            "import importlib; rawhttp = importlib.import_module("
            "'azureml.contrib.services.aml_request').rawhttp",
            "try:\n    from azureml_inference_server_http.api.aml_request import rawhttp\n"
            "except ImportError:\n    from azureml.contrib.services.aml_request import rawhttp",
        ],
    )
    def test_every_form_leads_to_the_decorator_that_counts(self, statement: str) -> None:
        """Each in an interpreter of its own: what one imports, another must not need."""
        run_script(f"{statement}\n{COUNTS}")

    @pytest.mark.parametrize(
        "statement",
        [
            "from azureml.contrib.services.aml_response import AMLResponse",
            "from azureml.contrib.services import AMLResponse",
            "from azureml.contrib.services import aml_response as it; AMLResponse = it.AMLResponse",
            "from azureml_inference_server_http.api.aml_response import AMLResponse",
        ],
    )
    def test_every_form_leads_to_the_response(self, statement: str) -> None:
        run_script(f"{statement}\nassert AMLResponse('body', 201).status_code == 201\n")

    @pytest.mark.parametrize(
        "statement",
        [
            "from azureml.core.model import Model",
            "from azureml.core import Model",
            "import azureml.core; Model = azureml.core.Model",
        ],
    )
    def test_every_form_leads_to_the_model(self, statement: str) -> None:
        script = """
from azureml.exceptions import ModelNotFoundException
try:
    Model.get_model_path("no such model")
except ModelNotFoundException as error:
    print(error)
"""
        assert "no such model" in run_script(statement + script)

    def test_the_objects_are_the_same_by_all_names(self) -> None:
        run_script(
            """
import azureml.contrib.services as services
import azureml.contrib.services.aml_request as old_request
import azureml.contrib.services.aml_response as old_response
import azureml_inference_server_http.api.aml_request as new_request
import azureml_inference_server_http.api.aml_response as new_response
import azureml.core, azureml.core.model

assert old_request is new_request
assert old_response is new_response
assert services.rawhttp is new_request.rawhttp
assert services.AMLRequest is new_request.AMLRequest
assert services.AMLResponse is new_response.AMLResponse
assert azureml.core.Model is azureml.core.model.Model
"""
        )

    def test_responses_and_requests_can_be_pickled_by_name(self) -> None:
        run_script(
            """
import pickle
from azureml.contrib.services import AMLRequest, AMLResponse
for each in (AMLRequest, AMLResponse):
    assert pickle.loads(pickle.dumps(each)) is each
    assert each.__module__.startswith("azureml_inference_server_http.api.aml_re")
"""
        )

    def test_they_are_flasks(self) -> None:
        run_script(
            """
import flask
from azureml.contrib.services import AMLRequest, AMLResponse
assert issubclass(AMLRequest, flask.Request)
assert issubclass(AMLResponse, flask.Response)
"""
        )

    def test_rawhttp_returns_the_function_itself(self) -> None:
        run_script(
            """
from azureml.contrib.services import rawhttp
def run(request): return request
assert rawhttp(run) is run
"""
        )

    def test_nothing_is_imported_before_it_is_asked_for(self) -> None:
        run_script(
            """
loaded = {name for name in sys.modules if name.startswith(("azureml", "flask", "scoreserve"))}
ours = {"scoreserve", "scoreserve.compat", "scoreserve.compat.finder"}
ours |= {"scoreserve._batched", "scoreserve._stateless"}
assert loaded == ours, loaded
"""
        )

    @pytest.mark.parametrize(
        "name",
        [
            "azureml.train",
            "azureml.core.workspace",
            "azureml.contrib.other",
            "azureml.contrib.services.other",
            "azureml_inference_server_http.server",
            "azureml_other",
        ],
    )
    def test_other_names_are_missing_by_name(self, name: str) -> None:
        """So that `except ImportError` works, and says what has to be installed."""
        script = f"""
try:
    import {name}
except ModuleNotFoundError as error:
    print(error.name)
"""
        assert run_script(script) == f"{name}\n"

    def test_other_members_are_missing(self) -> None:
        script = """
try:
    from azureml.core import Workspace
except ImportError as error:
    print(error.name)
"""
        assert run_script(script) == "azureml.core\n"


PKGUTIL = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
REAL = "OWNER = 'real'\n"
REAL_RAWHTTP = "OWNER = 'real'\ndef rawhttp(func): return func\nclass AMLRequest: pass\n"


def install(directory: Path, files: Mapping[str, str]) -> Path:
    """A place for packages with these files in it."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


@pytest.fixture(params=["pkgutil", "PEP 420"])
def namespace(request: pytest.FixtureRequest) -> dict[str, str]:
    """The files that make `azureml` and `azureml.contrib` namespaces, in either way."""
    if request.param == "PEP 420":
        return {}
    return {"azureml/__init__.py": PKGUTIL, "azureml/contrib/__init__.py": PKGUTIL}


class TestBesideRealPackages:
    def test_of_the_namespace_ours_join_it(self, tmp_path: Path, namespace: dict[str, str]) -> None:
        """Two distributions that share `azureml`, neither of which is contrib.services."""
        one = install(tmp_path / "1", {**namespace, "azureml/ai/monitoring.py": REAL})
        two = install(tmp_path / "2", {**namespace, "azureml/contrib/other/__init__.py": REAL})
        script = f"""
import azureml.ai.monitoring, azureml.contrib.other
assert azureml.ai.monitoring.OWNER == azureml.contrib.other.OWNER == "real"
from azureml.contrib.services import rawhttp
from azureml.contrib.services import aml_response
from azureml.core.model import Model
{COUNTS}"""
        run_script(script, one, two)

    def test_of_the_namespace_may_be_asked_for_later(
        self, tmp_path: Path, namespace: dict[str, str]
    ) -> None:
        place = install(tmp_path, {**namespace, "azureml/ai/monitoring.py": REAL})
        run_script(
            f"from azureml.contrib.services.aml_request import rawhttp\n{COUNTS}"
            "import azureml.ai.monitoring\n"
            "assert azureml.ai.monitoring.OWNER == 'real'\n",
            place,
        )

    def test_azureml_core_is_the_real_one(self, tmp_path: Path, namespace: dict[str, str]) -> None:
        """The contrib names are ours all the same."""
        files = {
            "azureml/core/__init__.py": "from .model import Model\n",
            "azureml/core/model.py": "class Model: OWNER = 'real'\n",
            "azureml/core/workspace.py": REAL,
            "azureml/exceptions/__init__.py": REAL,
        }
        place = install(tmp_path, {**namespace, **files})
        run_script(
            f"""
from azureml.core import Model
from azureml.core.model import Model as Same
import azureml.core.workspace, azureml.exceptions
assert Model is Same
assert Model.OWNER == azureml.core.workspace.OWNER == azureml.exceptions.OWNER == "real"
from azureml.contrib.services.aml_request import rawhttp
{COUNTS}""",
            place,
        )

    @pytest.mark.parametrize(
        "reexport",
        [
            "from .aml_request import AMLRequest, rawhttp\n",
            "from azureml.contrib.services.aml_request import AMLRequest, rawhttp\n",
        ],
        ids=["relative", "absolute"],
    )
    def test_contrib_services_gives_out_our_decorator(
        self, tmp_path: Path, namespace: dict[str, str], reexport: str
    ) -> None:
        """Its own one would set no flag of the server's."""
        files = {
            "azureml/contrib/services/__init__.py": f"{reexport}OWNER = 'real'\n",
            "azureml/contrib/services/aml_request.py": REAL_RAWHTTP,
            "azureml/contrib/services/aml_response.py": REAL,
            "azureml/contrib/services/webservice.py": REAL,
        }
        place = install(tmp_path, {**namespace, **files})
        run_script(
            f"""
from azureml.contrib.services import rawhttp, webservice
import azureml.contrib.services as services
from azureml.contrib.services.aml_request import rawhttp as same
from azureml.contrib.services.aml_response import AMLResponse
assert services.OWNER == webservice.OWNER == "real"
assert rawhttp is same
{COUNTS}""",
            place,
        )

    @pytest.mark.parametrize(
        "first", ["import azureml_inference_server_http", "from azureml.contrib import services"]
    )
    def test_the_reference_gives_out_our_decorator(self, tmp_path: Path, first: str) -> None:
        """As it is where the user's environment has azureml-defaults."""
        top = "azureml_inference_server_http"
        files = {
            f"{top}/__init__.py": "from ._version import __version__\n",
            f"{top}/_version.py": "__version__ = '1.5.1'\n",
            f"{top}/api/__init__.py": "",
            f"{top}/api/aml_request.py": REAL_RAWHTTP,
            f"{top}/api/aml_response.py": REAL,
            f"{top}/constants.py": REAL,
            f"{top}/server/__init__.py": REAL,
        }
        run_script(
            f"""
{first}
import {top}
import {top}.constants
from {top} import server
from {top}.api.aml_request import rawhttp
from {top}.api.aml_response import AMLResponse
from azureml.contrib.services import rawhttp as same
assert {top}.__version__ == "1.5.1"
assert {top}.constants.OWNER == server.OWNER == "real"
assert rawhttp is same
{COUNTS}""",
            install(tmp_path, files),
        )

    def test_a_users_own_package_of_the_name_is_the_users(self, tmp_path: Path) -> None:
        """But for the names that are always ours."""
        place = install(tmp_path, {"azureml/__init__.py": REAL, "azureml/mine.py": REAL})
        run_script(
            f"""
import azureml.mine
assert azureml.OWNER == azureml.mine.OWNER == "real"
from azureml.contrib.services.aml_request import rawhttp
{COUNTS}""",
            place,
        )
