"""Scripts as people publish them, whose calls share nothing that they change: none is kept out."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.worker.model.shared_state.scripts import obstacles_of

HONEST = {
    "tutorial": """
        def run(raw_data):
            data = np.array(json.loads(raw_data)["data"])
            return model.predict(data).tolist()
    """,
    "error text": """
        def run(raw_data):
            try:
                data = json.loads(raw_data)["data"]
                result = model.predict(np.array(data))
                return json.dumps({"result": result.tolist()})
            except Exception as e:
                error = str(e)
                return json.dumps({"error": error})
    """,
    "global declared and read": """
        def run(raw_data):
            global model
            return model.predict(np.array(json.loads(raw_data)["data"])).tolist()
    """,
    "logging and timing": """
        import logging
        logger = logging.getLogger(__name__)
        def run(raw_data):
            logger.info("request received")
            logging.info("got %d bytes", len(raw_data))
            start = time.time()
            result = model.predict(np.array(json.loads(raw_data)["data"]))
            print("took", time.time() - start, flush=True)
            logger.setLevel(logging.INFO)
            return {"result": result.tolist(), "seconds": time.time() - start}
    """,
    "frame from records": """
        import pandas as pd
        COLUMNS = ["a", "b", "c", "d"]
        def run(raw_data):
            frame = pd.DataFrame(json.loads(raw_data)["data"], columns=COLUMNS)
            frame["a"] = frame["a"].fillna(0)
            frame.drop(columns=["x"], inplace=True, errors="ignore")
            frame = frame[COLUMNS]
            frame.columns = ["w", "x", "y", "z"]
            frame.loc[frame["w"] > 3, "x"] = 1
            frame["p"] = model.predict(frame.values)
            frame.sort_values("p", inplace=True)
            return frame.to_dict(orient="records")
    """,
    "default parameters copied": """
        DEFAULTS = {"k": 5, "threshold": 0.5}
        def run(raw_data):
            data = json.loads(raw_data)
            params = DEFAULTS.copy()
            params.update(data.get("params", {}))
            merged = {**DEFAULTS, **data}
            merged["x"] = 1
            again = dict(DEFAULTS, k=3)
            again["k"] += 1
            return {"p": model.predict(np.array(data["data"])).tolist(), "k": params["k"]}
    """,
    "deep copy": """
        import copy
        TEMPLATE = {"rows": [], "meta": {"version": 1}}
        def run(raw_data):
            answer = copy.deepcopy(TEMPLATE)
            answer["rows"].extend(model.predict(np.eye(4)).tolist())
            answer["meta"]["n"] = 4
            return answer
    """,
    "lookup tables": """
        LABELS = {0: "low", 1: "high"}
        NAMES = ["low", "high"]
        WEIGHTS = {"a": 0.1, "b": 0.2}
        def run(raw_data):
            total = 0
            for key, value in json.loads(raw_data).items():
                weight = WEIGHTS.get(key, 0)
                weight *= 2
                total += weight * value
            n = WEIGHTS["a"]
            n += 1
            p = model.predict(np.eye(4))
            names = [NAMES[i] for i in p]
            return {"total": total, "labels": [LABELS[i] for i in p], "names": names}
    """,
    "lists of the call": """
        def run(raw_data):
            results = []
            for row in json.loads(raw_data)["data"]:
                item = {}
                item["label"] = int(model.predict([row])[0])
                item.setdefault("scores", []).append(1)
                results.append(item)
            results.sort(key=lambda each: each["label"])
            results[0]["first"] = True
            del results[0]["first"]
            return results
    """,
    "helpers": """
        def preprocess(data, columns=("a", "b")):
            data["extra"] = 1
            data.pop("extra")
            return np.array(data["data"])
        def postprocess(result, into):
            into["result"] = result.tolist()
            return into
        def run(raw_data):
            answer = {}
            postprocess(model.predict(preprocess(json.loads(raw_data))), answer)
            return answer
    """,
    "class that only reads": """
        class Predictor:
            def __init__(self):
                self.names = ["a", "b"]
                self.scale = 2.0
            def prepare(self, data):
                rows = [row for row in data]
                rows.append([0, 0, 0, 0])
                return np.array(rows) * self.scale
            def predict(self, data):
                return [self.names[i] for i in model.predict(self.prepare(data))]
        predictor = Predictor()
        def run(raw_data):
            return predictor.predict(json.loads(raw_data)["data"])
    """,
    "instance of the call": """
        class Features:
            def __init__(self, data):
                self.data = data
                self.rows = []
            def build(self):
                for row in self.data:
                    self.rows.append(row)
                    self.count = len(self.rows)
                return np.array(self.rows)
            @property
            def size(self):
                self._size = len(self.rows)
                return self._size
        def run(raw_data):
            features = Features(json.loads(raw_data)["data"])
            p = model.predict(features.build())
            features.done = True
            return {"p": p.tolist(), "n": features.size}
    """,
    "dataclass": """
        from dataclasses import dataclass, field
        @dataclass
        class Row:
            name: str
            values: list = field(default_factory=list)
            def add(self, x):
                self.values.append(x)
                self.name = self.name.lower()
        def run(raw_data):
            row = Row("A")
            row.add(1.0)
            row.values.append(2.0)
            return row.values
    """,
    "named tuple and enum": """
        import collections, enum
        Point = collections.namedtuple("Point", "x y")
        class Color(enum.Enum):
            RED = 1
        def run(raw_data):
            p = Point(1, 2)._replace(x=3)
            return {"x": p.x, "c": Color.RED.value, "d": Color["RED"].name}
    """,
    "lazy load": """
        model2 = None
        def run(raw_data):
            global model2
            if model2 is None:
                model2 = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
            return model2.predict(np.array(json.loads(raw_data)["data"])).tolist()
    """,
    "lazy load in a function": """
        _model = None
        def get_model():
            global _model
            if not _model:
                _model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
            return _model
        def run(raw_data):
            return get_model().predict(np.array(json.loads(raw_data)["data"])).tolist()
    """,
    "lazy load by NameError": """
        def run(raw_data):
            global late
            try:
                late
            except NameError:
                late = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
            return late.predict(np.eye(4)).tolist()
    """,
    "lazy attribute": """
        class Holder:
            def __init__(self):
                self._model = None
            @property
            def model(self):
                if self._model is None:
                    self._model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
                return self._model
        holder = Holder()
        def run(raw_data):
            return holder.model.predict(np.eye(4)).tolist()
    """,
    "loaded already": """
        ready = False
        scaler = None
        def init():
            global model, ready
            import numpy as np
            from sklearn.linear_model import LogisticRegression
            model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
            ready = True
        import json
        import numpy as np
        def run(raw_data):
            global model, ready
            if not ready:
                init()
                ready = True
            if "model" not in globals():
                model = None
            return model.predict(np.array(json.loads(raw_data)["data"])).tolist()
    """,
    "singleton made in init": """
        class Service:
            _instance = None
            def __new__(cls):
                if cls._instance is None:
                    cls._instance = super().__new__(cls)
                    cls._instance.name = "service"
                return cls._instance
            def score(self, x):
                return model.predict(x).tolist()
        Service()
        def run(raw_data):
            return Service().score(np.array(json.loads(raw_data)["data"]))
    """,
    "input_schema": """
        from inference_schema.schema_decorators import input_schema, output_schema
        from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
        sample = np.array([[1.0, 2.0, 3.0, 4.0]])
        @input_schema("data", NumpyParameterType(sample))
        @output_schema(NumpyParameterType(np.array([1])))
        def run(data):
            try:
                result = model.predict(data)
                return result.tolist()
            except Exception as e:
                return str(e)
    """,
    "pandas schema": """
        import pandas as pd
        from inference_schema.schema_decorators import input_schema
        from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
        sample = pd.DataFrame({"a": [1.0], "b": [1.0], "c": [1.0], "d": [1.0]})
        @input_schema("data", PandasParameterType(sample))
        def run(data):
            data["a"] = data["a"].astype(float)
            return json.dumps({"result": model.predict(data.values).tolist()})
    """,
    "own parameter type": """
        from inference_schema.schema_decorators import input_schema
        from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
        class Rows(AbstractParameterType):
            def __init__(self, sample_input):
                super().__init__(sample_input)
            def deserialize_input(self, input_data):
                rows = list(input_data)
                rows.append([0, 0, 0, 0])
                return np.array(rows)
            def input_to_swagger(self):
                return {"type": "array", "example": [[1.0]]}
        @input_schema("data", Rows([[1.0]]))
        def run(data):
            return model.predict(data).tolist()
    """,
    "flask": """
        from flask import request, g, jsonify
        def run(raw_data):
            g.start = time.time()
            body = request.get_json()
            body["x"] = 1
            return model.predict(np.array(body["data"])).tolist()
    """,
    "rawhttp": """
        from flask import Response
        def run(request):
            if request.method == "GET":
                response = Response("ok", 200)
                response.headers["X-A"] = "b"
                return response
            data = json.loads(request.get_data(False))
            response = Response(json.dumps(model.predict(data["data"]).tolist()), 200)
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.mimetype = "application/json"
            return response
    """,
    "image": """
        import base64, io
        def run(raw_data):
            image = io.BytesIO(base64.b64decode(json.loads(raw_data)["image"]))
            pixels = np.frombuffer(image.read(), np.uint8).astype(float)
            pixels /= 255.0
            pixels -= np.array([0.5])
            pixels[0] = 0
            out = io.BytesIO()
            np.save(out, pixels)
            out.seek(0)
            return model.predict(pixels.reshape(1, -1)).tolist()
    """,
    "normalised by global arrays": """
        MEAN = np.array([0.1, 0.2, 0.3, 0.4])
        STD = np.array([1.0, 1.0, 1.0, 1.0])
        def run(raw_data):
            x = np.array(json.loads(raw_data)["data"])
            x = (x - MEAN) / STD
            x -= MEAN
            y = MEAN * 2
            y += 1
            z = MEAN[0]
            z += 1
            return model.predict(x).tolist()
    """,
    "temporary files": """
        import tempfile, uuid
        def run(raw_data):
            with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
                file.write(raw_data)
                file.flush()
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "in.json")
                with open(path, "w") as file:
                    file.write(raw_data)
            name = f"/tmp/{uuid.uuid4().hex}.json"
            with open(name, "w") as file:
                json.dump({"x": 1}, file)
            os.remove(name)
            return model.predict(np.eye(4)).tolist()
    """,
    "files read": """
        HERE = os.path.dirname(os.path.abspath(__file__))
        def run(raw_data):
            with open(os.path.join(HERE, "score.py")) as file:
                text = file.read()
            with open(__file__, "rb") as file:
                head = file.read(10)
            os.makedirs("/tmp", exist_ok=True)
            return {"n": len(text), "p": model.predict(np.eye(4)).tolist()}
    """,
    "lock around little": """
        import threading
        LOCK = threading.Lock()
        def run(raw_data):
            with LOCK:
                print("one line")
            return model.predict(np.eye(4)).tolist()
    """,
    "lock of the call": """
        import threading
        def run(raw_data):
            lock = threading.Lock()
            with lock:
                return model.predict(np.eye(4)).tolist()
    """,
    "errstate and warnings": """
        import warnings
        def run(raw_data):
            warnings.filterwarnings("ignore")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with np.errstate(divide="ignore"):
                    return model.predict(np.eye(4)).tolist()
    """,
    "random without a seed": """
        import random
        def run(raw_data):
            if random.random() < 0.1:
                print("sampled")
            noise = np.random.normal(size=4)
            rng = np.random.default_rng(7)
            return model.predict(np.eye(4) + rng.normal(size=4)).tolist()
    """,
    "scaler, encoder, model": """
        from sklearn.preprocessing import StandardScaler, LabelEncoder
        scaler = StandardScaler().fit(np.eye(4))
        encoder = LabelEncoder().fit(["a", "b"])
        artifacts = {"model": None, "scaler": scaler}
        def run(raw_data):
            x = artifacts["scaler"].transform(np.array(json.loads(raw_data)["data"]))
            proba = model.predict_proba(x)
            order = np.argsort(proba, axis=1)
            names = encoder.inverse_transform(model.predict(x))
            kind = LabelEncoder().fit_transform(["x", "y"])
            return {"names": names.tolist(), "classes": model.classes_.tolist(),
                    "best": proba.max(axis=1).tolist(), "coef": model.coef_.ravel().tolist()}
    """,
    "own step of a pipeline": """
        import json
        import numpy as np
        from sklearn.base import BaseEstimator, TransformerMixin
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        class Center(BaseEstimator, TransformerMixin):
            def fit(self, x, y=None):
                self.mean_ = np.mean(x, axis=0)
                return self
            def transform(self, x):
                x = np.array(x)
                x -= self.mean_
                return x
        def init():
            global pipe
            pipe = make_pipeline(Center(), LogisticRegression()).fit(np.eye(4), [0, 1, 0, 1])
        def run(raw):
            return pipe.predict(np.array(json.loads(raw))).tolist()
    """,
    "cached function": """
        import functools
        @functools.lru_cache(maxsize=None)
        def table(name):
            rows = {}
            rows[name] = len(name)
            return rows
        @functools.lru_cache
        def square(x):
            return x * x
        def run(raw_data):
            p = model.predict(np.eye(4)).tolist()
            return {"t": table("abc")["abc"], "s": square(3), "p": p}
    """,
    "lists of models": """
        models = []
        def init():
            import numpy as np
            from sklearn.linear_model import LogisticRegression
            for seed in range(3):
                models.append(LogisticRegression().fit(np.eye(4), [0, 1, 0, 1]))
        import json
        import numpy as np
        def run(raw_data):
            x = np.array(json.loads(raw_data)["data"])
            votes = [m.predict(x) for m in models]
            scores = np.zeros(len(x))
            for m in models:
                scores += m.predict_proba(x)[:, 1]
            by_name = {str(i): m.predict(x).tolist() for i, m in enumerate(models)}
            return {"votes": np.mean(votes, axis=0).tolist(), "scores": (scores / 3).tolist()}
    """,
    "model by the request": """
        MODELS = {}
        def init():
            import numpy as np
            from sklearn.linear_model import LogisticRegression
            for name in "ab":
                MODELS[name] = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
        import json
        import numpy as np
        def run(raw_data):
            data = json.loads(raw_data)
            chosen = MODELS[data["model"]]
            method = getattr(chosen, data.get("method", "predict"))
            p = method(np.array(data["data"])).tolist()
            return {"p": p, "q": chosen.predict(np.eye(4)).tolist()}
    """,
    "headers": """
        def run(raw_data, request_headers):
            request_id = request_headers.get("X-Ms-Request-Id", "")
            info = {"RequestId": request_id, "n": 1}
            info.update({"time": time.time()})
            print(json.dumps(info))
            return model.predict(np.array(json.loads(raw_data)["data"])).tolist()
    """,
    "collector": """
        class ModelDataCollector:
            def collect(self, data):
                pass
        inputs_dc = ModelDataCollector()
        def run(raw_data):
            data = np.array(json.loads(raw_data)["data"])
            inputs_dc.collect(data)
            return model.predict(data).tolist()
    """,
    "metrics": """
        from prometheus_client import CollectorRegistry, Counter, Histogram
        registry = CollectorRegistry()
        REQUESTS = Counter("requests", "requests", registry=registry)
        SECONDS = Histogram("seconds", "seconds", registry=registry)
        def run(raw_data):
            REQUESTS.inc()
            with SECONDS.time():
                p = model.predict(np.eye(4))
            SECONDS.observe(1.0)
            return p.tolist()
    """,
    "context variable": """
        import contextvars
        request_id = contextvars.ContextVar("request_id", default="")
        def run(raw_data):
            request_id.set(raw_data[:8])
            return model.predict(np.eye(4)).tolist()
    """,
    "nested functions": """
        def run(raw_data):
            total = 0
            seen = []
            def add(x):
                nonlocal total
                total += x
                seen.append(x)
                return x
            rows = list(map(add, json.loads(raw_data)))
            rows.extend(sorted(seen, key=lambda x: -x))
            rows.extend(filter(lambda x: x > 0, seen))
            return {"total": total, "p": model.predict([rows]).tolist()}
    """,
    "decorated": """
        import functools
        def timed(f):
            @functools.wraps(f)
            def inner(*args, **kwargs):
                start = time.perf_counter()
                try:
                    return f(*args, **kwargs)
                finally:
                    print(f.__name__, time.perf_counter() - start)
            return inner
        @timed
        def prepare(raw, *, extra=()):
            rows = json.loads(raw)["data"]
            rows.extend(extra)
            return np.array(rows)
        @timed
        def run(raw_data):
            return model.predict(prepare(raw_data, extra=[[0, 0, 0, 0]])).tolist()
    """,
    "contextmanager": """
        import contextlib
        @contextlib.contextmanager
        def timed(name):
            start = time.time()
            try:
                yield start
            finally:
                print(name, time.time() - start)
        def run(raw_data):
            with timed("predict") as begun:
                return model.predict(np.eye(4)).tolist()
    """,
    "generators of the call": """
        def rows(data):
            for row in data:
                row.append(1.0)
                yield row
        def run(raw_data):
            source = rows(json.loads(raw_data)["data"])
            first = next(source)
            rest = list(source)
            numbers = iter([1, 2, 3])
            next(numbers)
            return model.predict(np.array([first, *rest])).tolist()
    """,
    "regular expressions and text": """
        import re, string
        WORD = re.compile(r"[a-z]+")
        STOP = {"the", "a"}
        VOCABULARY = {"good": 1, "bad": 0}
        def clean(text):
            text = text.lower().strip()
            text = re.sub(r"\\s+", " ", text)
            words = [w for w in WORD.findall(text) if w not in STOP]
            words.append("end")
            return " ".join(words).translate(str.maketrans("", "", string.punctuation))
        def run(raw_data):
            texts = [clean(t) for t in json.loads(raw_data)["texts"]]
            vector = np.zeros((len(texts), 4))
            for i, text in enumerate(texts):
                for word in text.split():
                    if word in VOCABULARY:
                        vector[i, VOCABULARY[word]] += 1
            return model.predict(vector).tolist()
    """,
    "defaultdict of the call": """
        import collections, datetime
        def run(raw_data):
            entry = collections.defaultdict(list)
            counts = collections.Counter()
            for row in json.loads(raw_data):
                for key, value in row.items():
                    entry[key].append(value)
                    counts[key] += 1
            queue = collections.deque([1])
            queue.append(2)
            queue.popleft()
            stamp = datetime.datetime.now().isoformat()
            return {"at": stamp, "p": model.predict(np.eye(4)).tolist(), "c": counts.most_common(1)}
    """,
    "lookup frame": """
        import pandas as pd
        LOOKUP = pd.DataFrame({"id": [1, 2], "v": [0.1, 0.2]})
        def run(raw_data):
            frame = pd.DataFrame(json.loads(raw_data)["data"])
            frame = frame.merge(LOOKUP, on="id", how="left")
            frame["v"] = frame["v"].fillna(LOOKUP["v"].mean())
            some = LOOKUP[LOOKUP["id"] == 1].copy()
            some["w"] = 2
            other = LOOKUP.set_index("id").reset_index()
            other["w"] = 3
            chosen = LOOKUP.loc[LOOKUP["id"] > 1]
            best = dict(zip(LOOKUP["id"], LOOKUP["v"]))
            best[3] = 0.3
            frame["k"] = frame.apply(lambda row: row["v"] * 2, axis=1)
            frame["m"] = frame["v"].map(best)
            for i, row in LOOKUP.iterrows():
                row["v"] += 1
            return model.predict(frame.values).tolist()
    """,
    "columns of the training": """
        import pandas as pd
        class Encoder:
            def __init__(self):
                self.columns = ["a", "b"]
                self.maps = {"a": {"x": 0}}
            def transform(self, frame):
                out = pd.DataFrame()
                for column in self.columns:
                    out[column] = frame[column].map(self.maps.get(column, {}))
                missing = set(self.columns) - set(frame.columns)
                for column in missing:
                    out[column] = 0
                return out.reindex(columns=self.columns, fill_value=0)
        encoder = Encoder()
        def run(raw_data):
            return model.predict(encoder.transform(pd.DataFrame(json.loads(raw_data)))).tolist()
    """,
    "http": """
        import urllib.request
        URL = "http://localhost/x"
        HEADERS = {"Content-Type": "application/json"}
        def run(raw_data):
            headers = dict(HEADERS)
            headers["X-Id"] = "1"
            request = urllib.request.Request(URL, data=raw_data.encode(), headers=headers)
            request.add_header("X-Other", "2")
            with urllib.request.urlopen(request) as reply:
                extra = json.load(reply)
            extra["x"] = 1
            return model.predict(np.array(extra["data"])).tolist()
    """,
    "database read": """
        import sqlite3
        DB = sqlite3.connect(":memory:", check_same_thread=False)
        def run(raw_data):
            rows = DB.execute("SELECT 1").fetchall()
            with sqlite3.connect(":memory:") as mine:
                mine.execute("create table t (x)")
                cursor = mine.cursor()
                cursor.execute("insert into t values (1)")
            return {"rows": rows, "p": model.predict(np.eye(4)).tolist()}
    """,
    "test block": """
        def run(raw_data):
            return model.predict(np.array(json.loads(raw_data)["data"])).tolist()
        results = []
        def test():
            global results
            results.append(run("[]"))
            results = []
        if __name__ == "__main__":
            init()
            test()
    """,
    "driver of batches": """
        def chunks(rows, size=100):
            for start in range(0, len(rows), size):
                yield rows[start:start + size]
        def run(raw_data):
            rows = json.loads(raw_data)["data"]
            out = []
            for chunk in chunks(rows):
                out += model.predict(np.array(chunk)).tolist()
            i = 0
            while i < len(out):
                out[i] = float(out[i])
                i += 1
            return out
    """,
    "json encoder": """
        class NumpyEncoder(json.JSONEncoder):
            def default(self, o):
                if isinstance(o, np.ndarray):
                    return o.tolist()
                return super().default(o)
        def run(raw_data):
            return json.dumps({"r": model.predict(np.eye(4))}, cls=NumpyEncoder)
    """,
    "settings object": """
        class Config:
            threshold = 0.5
            names = ("a", "b")
            options = {"k": [1, 2]}
        config = Config()
        def run(raw_data):
            threshold = config.threshold
            threshold += 0.1
            ks = list(config.options["k"])
            ks.append(3)
            more = config.options["k"] + [4]
            more.append(5)
            p = model.predict_proba(np.eye(4))[:, 1]
            return {"p": [bool(x > threshold) for x in p], "ks": ks}
    """,
    "staticmethods": """
        class Tools:
            @staticmethod
            def rows(raw):
                out = {}
                out["data"] = json.loads(raw)
                return out
            @classmethod
            def array(cls, raw):
                return np.array(cls.rows(raw)["data"])
        def run(raw_data):
            return model.predict(Tools.array(raw_data)).tolist()
    """,
    "raises": """
        class BadInput(Exception):
            def __init__(self, message):
                super().__init__(message)
                self.message = message
        def check(data):
            if "data" not in data:
                raise BadInput("no data")
            return data
        def run(raw_data):
            try:
                data = check(json.loads(raw_data))
            except BadInput as error:
                return {"error": error.message}
            return model.predict(np.array(data["data"])).tolist()
    """,
    "matrix of one request": """
        def run(raw_data):
            data = json.loads(raw_data)
            x = np.asarray(data["data"], dtype=float)
            x[np.isnan(x)] = 0.0
            np.clip(x, 0, 1, out=x)
            np.nan_to_num(x, copy=False)
            np.random.shuffle(x)
            x.sort(axis=0)
            x.resize((4, 4))
            y = x.T
            y[0] = 1
            return model.predict(x).tolist()
    """,
    "imports in run": """
        def run(raw_data):
            import pandas as pd
            from sklearn.metrics import pairwise_distances
            frame = pd.DataFrame(json.loads(raw_data))
            frame["x"] = 1
            return model.predict(frame.values).tolist()
    """,
    "decision by name": """
        def mean(x):
            return float(np.mean(x))
        def peak(x):
            return float(np.max(x))
        HOW = {"mean": mean, "max": peak, "len": len}
        def run(raw_data):
            data = json.loads(raw_data)
            return HOW[data["how"]](model.predict(np.array(data["data"])))
    """,
    "explained": """
        class Explainer:
            def __init__(self, names):
                self.names = names
            def explain(self, x):
                weights = dict(zip(self.names, (model.coef_[0] * x).tolist()))
                weights["bias"] = float(model.intercept_[0])
                ranked = sorted(weights.items(), key=lambda kv: abs(kv[1]), reverse=True)
                return [{"name": k, "weight": v} for k, v in ranked[:3]]
        explainer = Explainer(["a", "b", "c", "d"])
        def run(raw_data):
            rows = np.array(json.loads(raw_data)["data"])
            return [explainer.explain(row) for row in rows]
    """,
    "kwargs of the request": """
        def predict(data, threshold=0.5, **options):
            options["threshold"] = threshold
            options.pop("x", None)
            return {"p": model.predict(np.array(data)).tolist(), "o": options}
        def run(raw_data):
            return predict(**json.loads(raw_data))
    """,
    "partial": """
        import functools
        def scale(x, by):
            x *= by
            return x
        double = functools.partial(scale, by=2)
        def run(raw_data):
            x = np.array(json.loads(raw_data)["data"])
            return model.predict(double(x)).tolist()
    """,
    "automl": """
        import logging, pickle
        import pandas as pd
        from inference_schema.schema_decorators import input_schema, output_schema
        from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
        from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
        from inference_schema.parameter_types.standard_py_parameter_type import (
            StandardPythonParameterType,
        )
        data_sample = PandasParameterType(pd.DataFrame({"a": pd.Series([1.0], dtype="float64")}))
        input_sample = StandardPythonParameterType({'data': data_sample})
        method_sample = StandardPythonParameterType("predict")
        sample_global_params = StandardPythonParameterType({"method": method_sample})
        result_sample = NumpyParameterType(np.array([0]))
        output_sample = StandardPythonParameterType({'Results':result_sample})
        try:
            logger = logging.getLogger('azureml.automl.core.scoring_script_v2')
        except:
            pass
        @input_schema('GlobalParameters', sample_global_params, convert_to_provided_type=False)
        @input_schema('Inputs', input_sample)
        @output_schema(output_sample)
        def run(Inputs, GlobalParameters={"method": "predict"}):
            data = Inputs['data']
            if GlobalParameters.get("method", None) == "predict_proba":
                result = model.predict_proba(data)
            elif GlobalParameters.get("method", None) == "predict":
                result = model.predict(data)
            else:
                raise Exception("bad")
            if isinstance(result, pd.DataFrame):
                result = result.values
            return {'Results':result.tolist()}
    """,
    "torch like": """
        class Tensor:
            pass
        class Net:
            training = False
            def __init__(self):
                self.weight = np.eye(4)
            def eval(self):
                return self
            def to(self, device):
                return self
            def __call__(self, x):
                return self.forward(x)
            def forward(self, x):
                h = x @ self.weight
                h = np.maximum(h, 0)
                h += 1
                return h
        net = Net()
        device = "cpu"
        def softmax(x):
            e = np.exp(x - x.max())
            e /= e.sum()
            return e
        def run(raw_data):
            net.eval()
            x = np.array(json.loads(raw_data)["data"])
            out = net.to(device)(x)
            return softmax(out).tolist()
    """,
    "image labels": """
        import base64, io
        labels = {}
        def init():
            global model, labels
            import numpy as np
            from sklearn.linear_model import LogisticRegression
            model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
            labels = {0: "cat", 1: "dog"}
        import json, numpy as np
        def preprocess(b):
            arr = np.frombuffer(base64.b64decode(b), dtype=np.uint8).astype("float32")
            arr = np.resize(arr, (1, 4))
            arr[:, 0] -= 103.9
            arr /= 255
            return arr
        def run(raw_data):
            out = []
            for b in json.loads(raw_data)["images"]:
                p = model.predict_proba(preprocess(b))[0]
                top = p.argsort()[::-1][:3]
                d = {labels[int(i)]: float(p[i]) for i in top}
                d["n"] = len(d)
                out.append(d)
            return out
    """,
    "designer": """
        import pandas as pd
        from collections import defaultdict
        schema = {"columnAttributes": [{"name": "a"}]}
        def decode_nan(x): return float("nan") if isinstance(x, str) and x.lower() == "nan" else x
        def run(data):
            data = json.loads(data)
            input_entry = defaultdict(list)
            for row in data:
                for key, val in row.items():
                    input_entry[key].append(decode_nan(val))
            frame = pd.DataFrame(input_entry)
            names = [c["name"] for c in schema["columnAttributes"]]
            names.append("z")
            result = model.predict(frame.values)
            return json.dumps({"result": result.tolist()})
    """,
    "mdc": """
        class DataCollector:
            pass
        class Collector:
            def __init__(self, name): self.name = name
            def collect(self, df, context=None): return context or {"id": 1}
        inputs_collector = Collector("in")
        outputs_collector = Collector("out")
        import pandas as pd
        def run(raw_data):
            df = pd.DataFrame(json.loads(raw_data)["data"])
            ctx = inputs_collector.collect(df)
            df["p"] = model.predict(df.values)
            outputs_collector.collect(df, ctx)
            return df["p"].tolist()
    """,
    "queue per request": """
        import queue, io, csv, zipfile, hashlib
        def run(raw_data):
            q = queue.Queue()
            q.put(1); q.get()
            out = io.StringIO()
            w = csv.writer(out)
            w.writerow([1, 2])
            print("x", file=out)
            h = hashlib.sha256()
            h.update(raw_data.encode())
            z = zipfile.ZipFile(io.BytesIO(), "w")
            z.writestr("a", "b")
            return {"h": h.hexdigest(), "p": model.predict(np.eye(4)).tolist()}
    """,
    "text vectorizer": """
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        def tokenize(text):
            tokens = text.split()
            tokens.append("x")
            return tokens
        vec = TfidfVectorizer(tokenizer=tokenize, token_pattern=None).fit(["a b", "c d"])
        words = TfidfVectorizer(tokenizer=tokenize, token_pattern=None)
        pipe = make_pipeline(words, LogisticRegression()).fit(["a b", "c d"], [0, 1])
        def run(raw_data):
            texts = json.loads(raw_data)["texts"]
            names = vec.get_feature_names_out()
            x = vec.transform(texts).toarray()
            x[x > 0.5] = 1
            return {"p": pipe.predict(texts).tolist(), "v": x.tolist(), "n": list(names)}
    """,
    "pyplot oo": """
        import io, base64
        def run(raw_data):
            buf = io.BytesIO()
            np.savez(buf, a=np.eye(2))
            buf.seek(0)
            s = base64.b64encode(buf.getvalue()).decode()
            return {"s": s, "p": model.predict(np.eye(4)).tolist()}
    """,
    "thresholds by class": """
        THRESHOLDS = np.array([0.5, 0.4])
        CLASSES = ["a", "b"]
        ORDER = {"a": 2, "b": 1}
        def run(raw_data):
            proba = model.predict_proba(np.array(json.loads(raw_data)["data"]))
            out = []
            for row in proba:
                row = list(row)
                row[0] += 0.1
                hit = [CLASSES[i] for i, (p, t) in enumerate(zip(row, THRESHOLDS)) if p > t]
                hit.sort(key=ORDER.get)
                hit.sort(key=lambda c: ORDER[c])
                hit = sorted(hit, key=ORDER.__getitem__)
                out.append(hit)
            t = THRESHOLDS.tolist()
            t.append(1)
            u = THRESHOLDS.copy()
            u[0] = 1
            v = THRESHOLDS.astype(float)
            v[0] = 1
            w = np.array(THRESHOLDS)
            w += 1
            c = CLASSES[:]
            c.append("z")
            k = list(ORDER)
            k.append("q")
            return out
    """,
    "feature builder": """
        import pandas as pd, datetime
        HOLIDAYS = {datetime.date(2020, 1, 1)}
        MEDIANS = pd.Series({"a": 1.0, "b": 2.0})
        STATS = pd.DataFrame({"mean": [0.0, 1.0]}, index=["a", "b"])
        DTYPES = {"a": "float64"}
        def build(df):
            df = df.copy()
            df["when"] = pd.to_datetime(df["when"])
            df["dow"] = df["when"].dt.dayofweek
            df["hol"] = df["when"].dt.date.isin(HOLIDAYS)
            for col in ["a", "b"]:
                df[col] = df[col].fillna(MEDIANS[col])
                df[col] = (df[col] - STATS.loc[col, "mean"])
                m = STATS.at[col, "mean"]
                m += 1
            df = df.astype(DTYPES)
            df.rename(columns={"a": "x"}, inplace=True)
            df = pd.get_dummies(df, columns=["dow"])
            df = df.reindex(columns=list(MEDIANS.index), fill_value=0)
            del df["b"]
            df.pop("a")
            df.index.name = "i"
            return df
        def run(raw_data):
            df = build(pd.DataFrame(json.loads(raw_data)["data"]))
            res = pd.DataFrame({"p": model.predict(df.values)})
            res["label"] = np.where(res["p"] > 0.5, "yes", "no")
            res.at[0, "p"] = 1
            return json.loads(res.to_json(orient="records"))
    """,
    "recommender": """
        import pandas as pd
        ITEMS = pd.DataFrame({"id": [1, 2, 3], "name": list("abc"), "score": [0.1, 0.2, 0.3]})
        MATRIX = np.random.rand(3, 3)
        INDEX = {"a": 0, "b": 1}
        def run(raw_data):
            user = json.loads(raw_data)["user"]
            i = INDEX.get(user, 0)
            sims = MATRIX[i]
            order = np.argsort(-sims)[:2]
            scores = MATRIX[i] * 2
            scores[order] = 0
            some = ITEMS.iloc[order].copy()
            some["sim"] = sims[order]
            top = ITEMS.sort_values("score").head(2)
            p = model.predict(np.eye(4)).tolist()
            return {"r": some["name"].tolist(), "t": top.to_dict("records"), "p": p}
    """,
    "class with caches filled in init": """
        class Svc:
            def __init__(self):
                self.cache = {}
            def warm(self):
                self.cache["a"] = 1
                self.loaded = True
            def score(self, x):
                k = self.cache.get("a", 0)
                k += 1
                return model.predict(x).tolist()
        svc = None
        def init():
            global svc, model
            import numpy as np
            from sklearn.linear_model import LogisticRegression
            model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
            svc = Svc()
            svc.warm()
        import json, numpy as np
        def run(raw_data):
            return svc.score(np.array(json.loads(raw_data)["data"]))
    """,
    "abc and inheritance": """
        import abc
        class Base(abc.ABC):
            def __init__(self, m): self.m = m
            @abc.abstractmethod
            def prepare(self, x): ...
            def __call__(self, x):
                return self.m.predict(self.prepare(x)).tolist()
        class A(Base):
            def __init__(self, m):
                super().__init__(m)
                self.k = 1
            def prepare(self, x):
                x = np.array(x)
                x[0] = self.k
                return x
        def init():
            global a
            a = A(LogisticRegression().fit(np.eye(4), [0, 1, 0, 1]))
        import json, numpy as np
        from sklearn.linear_model import LogisticRegression
        def run(raw_data):
            return a(json.loads(raw_data)["data"])
    """,
    "retry decorator": """
        import functools, time
        def retry(times=3, delay=0):
            def deco(f):
                @functools.wraps(f)
                def inner(*a, **k):
                    last = None
                    for attempt in range(times):
                        try:
                            return f(*a, **k)
                        except Exception as e:
                            last = e
                            time.sleep(delay)
                    raise last
                return inner
            return deco
        @retry(times=2)
        def run(raw_data):
            return model.predict(np.array(json.loads(raw_data)["data"])).tolist()
    """,
    "exceptions list": """
        ERRORS = {"a": ValueError}
        class InputError(ValueError):
            code = 400
            def __init__(self, msg, **extra):
                self.extra = extra
                self.extra["msg"] = msg
        def run(raw_data):
            try:
                d = json.loads(raw_data)
                if "x" in d:
                    raise InputError("x", y=1)
                if d.get("e"):
                    raise ERRORS[d["e"]]("z")
            except InputError as e:
                e.extra["handled"] = True
                return e.extra
            return model.predict(np.array(d["data"])).tolist()
    """,
    "typed dict of model info": """
        from typing import Any, Dict, List, Optional
        from pathlib import Path
        META: Dict[str, Any] = {"version": "1", "features": ["a"]}
        def response(result: List[Any], meta: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
            out: Dict[str, Any] = {"result": result}
            out["meta"] = meta or META
            out["meta_copy"] = META.copy()
            out["n"] = len(result)
            out.update(status="ok")
            return out
        def run(raw_data: str) -> Dict[str, Any]:
            root = Path(os.getenv("AZUREML_MODEL_DIR", "."))
            files = [str(p) for p in root.glob("*.nothing")]
            return response(model.predict(np.array(json.loads(raw_data)["data"])).tolist())
    """,
    "default meta or": """
        META = {"version": "1"}
        def run(raw_data):
            info = json.loads(raw_data).get("info", META)
            return {"v": info["version"], "p": model.predict(np.eye(4)).tolist()}
    """,
    "json schema validation / re / dateutil": """
        import re, math, statistics, itertools, operator, string, decimal, fractions
        PATTERNS = [re.compile("a"), re.compile("b")]
        KEYS = ["x", "y"]
        getter = operator.itemgetter(*KEYS)
        def run(raw_data):
            rows = json.loads(raw_data)["data"]
            vals = [getter(r) for r in rows]
            vals = list(itertools.chain.from_iterable(vals))
            groups = {k: list(g) for k, g in itertools.groupby(sorted(vals), key=lambda v: v > 0)}
            counter = itertools.count(1)
            ids = [next(counter) for _ in vals]
            hits = [p.search("abc") for p in PATTERNS]
            with decimal.localcontext() as ctx:
                ctx.prec = 5
                d = decimal.Decimal(1) / 3
            m = statistics.mean(vals or [0])
            return {"p": model.predict(np.array([vals])).tolist(), "m": m}
    """,
    "onnx like": """
        class Session:
            def get_inputs(self): return [Threshold()]
            def get_outputs(self): return [Threshold()]
            def run(self, names, feeds): return [np.zeros(3)]
        session = Session()
        Threshold.name = "x"
        def run(raw_data):
            x = np.array(json.loads(raw_data)["data"], dtype=np.float32)
            name = session.get_inputs()[0].name
            feeds = {name: x}
            out = session.run([session.get_outputs()[0].name], feeds)[0]
            out = out.squeeze()
            out[0] = 1
            return out.tolist()
    """,
    "keyword model dict artifacts": """
        artifacts = {}
        def init():
            import numpy as np
            from sklearn.linear_model import LogisticRegression
            from sklearn.preprocessing import StandardScaler
            artifacts["model"] = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
            artifacts["scaler"] = StandardScaler().fit(np.eye(4))
            artifacts["columns"] = ["a", "b", "c", "d"]
            artifacts.update(threshold=0.5)
        import json, numpy as np, pandas as pd
        def run(raw_data):
            df = pd.DataFrame(json.loads(raw_data)["data"])
            for col in artifacts["columns"]:
                if col not in df.columns:
                    df[col] = 0
            df = df[artifacts["columns"]]
            df[artifacts["columns"]] = artifacts["scaler"].transform(df)
            t = artifacts["threshold"]
            t += 0.1
            p = artifacts["model"].predict_proba(df)[:, 1]
            return (p > t).tolist()
    """,
    "debug flag + env": """
        DEBUG = os.environ.get("DEBUG", "0") == "1"
        VERBOSE = False
        seen = []
        def run(raw_data):
            if VERBOSE:
                seen.append(raw_data)
            if DEBUG:
                print(raw_data)
            level = os.environ.get("LEVEL", "a")
            env = dict(os.environ)
            env["X"] = "1"
            return model.predict(np.eye(4)).tolist()
    """,
    "subclass of dict per request": """
        class Row(dict):
            def put(self, k, v):
                self[k] = v
                self.n = 1
        class Rows(list):
            pass
        def run(raw_data):
            r = Row()
            r.put("a", 1)
            r["b"] = 2
            rows = Rows()
            rows.append(r)
            return rows
    """,
    "context manager class": """
        class Timer:
            def __enter__(self):
                self.start = time.time()
                return self
            def __exit__(self, *a):
                self.seconds = time.time() - self.start
        def run(raw_data):
            with Timer() as t:
                p = model.predict(np.eye(4)).tolist()
            return {"p": p, "t": t.seconds}
    """,
    "logger adapter and handlers": """
        import logging, sys
        logger = logging.getLogger("score")
        logger.setLevel(logging.INFO)
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        class JsonFormatter(logging.Formatter):
            def format(self, record):
                d = {"m": record.getMessage()}
                d.update(level=record.levelname)
                return json.dumps(d)
        handler.setFormatter(JsonFormatter())
        adapter = logging.LoggerAdapter(logger, {"a": 1})
        def run(raw_data):
            adapter.info("x")
            logger.exception("y")
            sys.stdout.write("z")
            sys.stdout.flush()
            print("err", file=sys.stderr)
            return model.predict(np.eye(4)).tolist()
    """,
}


@pytest.mark.parametrize("name", HONEST)
def test_a_script_that_shares_nothing_it_changes_is_not_kept_out(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert obstacles_of(tmp_path, HONEST[name]) == []


def test_functions_of_a_module_beside_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    source = """
        import json
        import helpers_beside
        from helpers_beside import clean
        def init():
            pass
        def run(raw):
            helpers_beside.note(raw)
            return clean(json.loads(raw))
    """
    beside = """
        SEEN = []
        def note(x):
            SEEN.append(x)
        def clean(x):
            x["y"] = 1
            return x
    """
    found = obstacles_of(tmp_path, source, helpers_beside=beside)
    assert [(Path(each.path).name, each.line) for each in found] == [("helpers_beside.py", 4)]
