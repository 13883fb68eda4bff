"""Less plain ways to share what is changed: each script is kept out, by its line.

The lines that must be named end with `# <-`.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.worker.model.shared_state.scripts import obstacles_of

ATTACKS = {
    "base class of a library calls the subclass": """
        from sklearn.base import BaseEstimator, ClassifierMixin
        class Own(ClassifierMixin, BaseEstimator):
            def predict(self, x):
                self.last = x  # <-
                return model.predict(x)
        own = Own()
        def run(raw):
            return own.score(np.eye(4), [0, 1, 0, 1])
    """,
    "patterns rng": """
        def run(raw):
            rng = np.random.RandomState(0)
            return model.predict(np.eye(4)+rng.normal(size=4)).tolist()
    """,
    "stats dict nested obj": """
        class Stats:
            def __init__(self): self.by = {"a": [0]}
        S = Stats()
        def run(raw):
            b = S.by["a"]
            b[0] += 1  # <-
            return b[0]
    """,
    "history via helper returning global": """
        H = []
        def history(): return H
        def run(raw):
            history().append(raw)  # <-
            return len(history())
    """,
    "ternary alias": """
        A = []
        def run(raw):
            x = A if raw else []
            x.append(1)  # <-
            return x
    """,
    "or alias": """
        A = []
        def run(raw):
            x = None or A
            x += [1]  # <-
            return x
    """,
    "walrus alias": """
        A = {}
        def run(raw):
            if (c := A) is not None:
                c["k"] = raw  # <-
            return c
    """,
    "list of shared": """
        A = {}
        def run(raw):
            things = [A]
            things[0]["k"] = raw  # <-
            for t in things:
                t["z"] = 1  # <-
            return 1
    """,
    "dict holds shared": """
        A = {}
        def run(raw):
            ctx = {"cache": A}
            ctx["cache"]["k"] = raw  # <-
            ctx["cache"].update(x=1)  # <-
            return 1
    """,
    "obj holds shared": """
        A = {}
        class Ctx:
            def __init__(self, cache): self.cache = cache
            def put(self, k): self.cache[k] = 1  # <-
        def run(raw):
            Ctx(A).put(raw)
            return 1
    """,
    "namespace": """
        import types
        S = types.SimpleNamespace(n=0)
        def run(raw):
            S.n += 1  # <-
            return S.n
    """,
    "namedtuple of list": """
        import collections
        P = collections.namedtuple("P", "rows")
        S = P([])
        def run(raw):
            S.rows.append(raw)  # <-
            S[0].append(raw)  # <-
            return 1
    """,
    "tuple of list": """
        S = ([], {})
        def run(raw):
            S[0].append(raw)  # <-
            a, b = S
            b["x"] = 1  # <-
            return 1
    """,
    "dataclass global": """
        from dataclasses import dataclass
        @dataclass
        class S: n: int = 0
        s = S()
        def run(raw):
            s.n = len(raw)  # <-
            return s.n
    """,
    "slots": """
        class S:
            __slots__ = ("rows",)
            def __init__(self): self.rows = []
        s = S()
        def run(raw):
            s.rows.append(raw)  # <-
            return 1
    """,
    "getattr hook": """
        class S:
            def __init__(self): self.d = {}
            def __getattr__(self, name):
                self.__dict__["last"] = name  # <-
                return 1
        s = S()
        def run(raw):
            return s.whatever
    """,
    "setattr hook": """
        class S:
            def __setattr__(self, name, value):
                self.__dict__[name] = value  # <-
        s = S()
        def run(raw):
            s.x = raw  # <-
            return 1
    """,
    "contextvar counter": """
        import contextvars
        N = contextvars.ContextVar("n", default=0)
        def run(raw):
            n = N.get() + 1
            N.set(n)  # <-
            return n
    """,
    "contextvar holding dict": """
        import contextvars
        N = contextvars.ContextVar("n", default={})
        def run(raw):
            N.get()["x"] = raw  # <-
            return N.get()["x"]
    """,
    "bisect": """
        import bisect
        T = []
        def run(raw):
            bisect.insort(T, float(raw))  # <-
            return T[0]
    """,
    "reduce": """
        import functools
        T = []
        def f(acc, x):
            acc.append(x)  # <-
            return acc
        def run(raw):
            return functools.reduce(f, json.loads(raw), T)
    """,
    "list slice assign": """
        T = [0]*4
        def run(raw):
            T[:] = json.loads(raw)  # <-
            return model.predict([T]).tolist()
    """,
    "array fill": """
        B = np.zeros(4)
        def run(raw):
            B.fill(1.0)  # <-
            np.copyto(B, json.loads(raw))  # <-
            return 1
    """,
    "array flat": """
        B = np.zeros((2,4))
        def run(raw):
            B.ravel()[0] = 1  # <-
            B.T[0] = 2  # <-
            B.reshape(-1)[:] = 2  # <-
            B.flat[0] = 3  # <-
            for row in B:
                row[0] = 1  # <-
            return 1
    """,
    "frame at/iloc/insert": """
        import pandas as pd
        F = pd.DataFrame({"a": [1.0]})
        def run(raw):
            F.at[0, "a"] = 1  # <-
            F.iloc[0, 0] = 1  # <-
            F.insert(0, "c", 1)  # <-
            F.columns = ["x", "y"]  # <-
            F.a.values[0] = 1  # <-
            f = F
            f["z"] = 1  # <-
            f.drop(columns="z", inplace=True)  # <-
            return 1
    """,
    "series item": """
        import pandas as pd
        S = pd.Series([1.0, 2.0])
        def run(raw):
            S[0] = 1  # <-
            s = S
            s += 1  # <-
            return 1
    """,
    "np.add.at": """
        B = np.zeros(4)
        def run(raw):
            np.add.at(B, [0], 1)  # <-
            return 1
    """,
    "memoryview": """
        B = bytearray(10)
        def run(raw):
            memoryview(B)[0] = 1  # <-
            B[0:2] = b"ab"  # <-
            return 1
    """,
    "struct": """
        import struct
        B = bytearray(10)
        def run(raw):
            struct.pack_into("B", B, 0, 1)  # <-
            return 1
    """,
    "ufunc positional out": """
        B = np.zeros(4)
        def run(raw):
            np.add(B, 1, B)  # <-
            return 1
    """,
    "json.dump into shared": """
        import io
        F = io.StringIO()
        def run(raw):
            json.dump({}, F)  # <-
            return 1
    """,
    "csv writer": """
        import io, csv
        W = csv.writer(io.StringIO())
        def run(raw):
            W.writerow([1])  # <-
            return 1
    """,
    "class changed": """
        def run(raw):
            Threshold.limit = float(raw)  # <-
            model.predict(np.eye(4))
            return Threshold.limit
    """,
    "setattr on class": """
        def run(raw):
            setattr(Threshold, "limit", float(raw))  # <-
            return Threshold.limit
    """,
    "monkey patch library": """
        import math
        def run(raw):
            json.dumps = str  # <-
            math.pi = 3  # <-
            return 1
    """,
    "import in run, module attr": """
        def run(raw):
            import json as j
            j.x = raw  # <-
            return j.x
    """,
    "__main__ attr": """
        import sys
        def run(raw):
            sys.modules[__name__].last = raw  # <-
            sys.modules["x"] = 1  # <-
            return 1
    """,
    "module dict": """
        import sys
        def run(raw):
            sys.modules[__name__].__dict__["last"] = raw  # <-
            run.__globals__["q"] = 1  # <-
            return 1
    """,
    "func dict": """
        def run(raw):
            run.__dict__["n"] = 1  # <-
            run.__defaults__ = (1,)  # <-
            return 1
    """,
    "functools cache with state": """
        import functools
        T = []
        @functools.lru_cache
        def f(x):
            T.append(x)  # <-
            return len(T)
        def run(raw):
            return f(raw)
    """,
    "cache_clear": """
        import functools
        @functools.lru_cache
        def f(x):
            return x
        def run(raw):
            f.cache_clear()  # <-
            return f(raw)
    """,
    "cached list": """
        import functools
        @functools.lru_cache
        def buf(): return []
        def run(raw):
            buf().append(raw)  # <-
            return len(buf())
    """,
    "cached_property list": """
        import functools
        class S:
            @functools.cached_property
            def rows(self): return []
        s = S()
        def run(raw):
            s.rows.append(raw)  # <-
            return 1
    """,
    "singledispatch": """
        import functools
        T = []
        @functools.singledispatch
        def f(x): return x
        @f.register(str)
        def _(x):
            T.append(x)  # <-
            return x
        def run(raw):
            return f(raw)
    """,
    "weakref dict": """
        import weakref
        W = weakref.WeakValueDictionary()
        def run(raw):
            W["a"] = model  # <-
            return 1
    """,
    "UserDict": """
        import collections
        class C(collections.UserDict): pass
        C1 = C()
        def run(raw):
            C1["x"] = raw  # <-
            C1.update(a=1)  # <-
            return C1["x"]
    """,
    "dict subclass": """
        class Cache(dict):
            def put(self, k, v):
                self[k] = v  # <-
            def put2(self, k, v):
                super().__setitem__(k, v)  # <-
        C1 = Cache()
        def run(raw):
            C1.put("x", raw)
            C1.put2("x", raw)
            C1["a"] = 1  # <-
            return 1
    """,
    "list subclass init": """
        class L(list):
            pass
        L1 = L()
        def run(raw):
            L1.append(1)  # <-
            mine = L()
            mine.append(1)
            return 1
    """,
    "iter class": """
        class It:
            def __init__(self): self.n = 0
            def __iter__(self): return self
            def __next__(self):
                self.n += 1  # <-
                return self.n
        it = It()
        def run(raw):
            for x in it:
                break
            return next(it)
    """,
    "contains/len": """
        class C:
            hits = 0
            def __contains__(self, k):
                self.hits += 1  # <-
                return True
            def __len__(self):
                self.z = 1  # <-
                return 1
            def __bool__(self):
                self.zz = 1  # <-
                return True
            def __str__(self):
                self.zzz = 1  # <-
                return "x"
            def unused(self):
                self.h = 1
                return 1
        c = C()
        def run(raw):
            n = len(c)
            if c:
                pass
            d = {c: 1}
            return raw in c, str(c)
    """,
    "not c": """
        class C:
            def __bool__(self):
                self.zz = 1  # <-
                return True
        c = C()
        def run(raw):
            return not c
    """,
    "f-string": """
        class C:
            def __repr__(self):
                self.n = 1  # <-
                return "x"
        c = C()
        def run(raw):
            return f"{c!r}"
    """,
    "print obj": """
        class C:
            def __str__(self):
                self.n = 1  # <-
                return "x"
        c = C()
        def run(raw):
            print(c)
            return "%s" % c
    """,
    "starmap / filter / any": """
        import itertools
        T = []
        def f(*a):
            T.append(a)  # <-
            return True
        def run(raw):
            return any(itertools.starmap(f, json.loads(raw)))
    """,
    "np.vectorize": """
        T = []
        def f(x):
            T.append(x)  # <-
            return x
        vf = np.vectorize(f)
        def run(raw):
            return vf(np.eye(2)).tolist()
    """,
    "frame apply": """
        import pandas as pd
        T = {}
        def f(row):
            T["last"] = row  # <-
            return row
        def run(raw):
            return pd.DataFrame(json.loads(raw)).apply(f, axis=1).to_dict()
    """,
    "json hooks": """
        T = []
        def hook(o):
            T.append(o)  # <-
            return o
        def run(raw):
            return json.loads(raw, object_hook=hook)
    """,
    "re.sub callback": """
        import re
        T = []
        def run(raw):
            return re.sub("a", lambda m: T.append(m) or "", raw)  # <-
    """,
    "try lock acquire(timeout)": """
        import threading
        L = threading.Lock()
        def run(raw):
            if L.acquire(timeout=5):  # <-
                p = model.predict(np.eye(4))
                L.release()
                return p.tolist()
    """,
    "condition": """
        import threading
        C = threading.Condition()
        def run(raw):
            with C:  # <-
                p = model.predict(np.eye(4)).tolist()
                C.notify_all()
            return p
    """,
    "own lock class": """
        import threading
        class Guard:
            def __init__(self): self.l = threading.Lock()
            def __enter__(self):
                self.l.acquire()  # <-
            def __exit__(self, *a):
                self.l.release()
        g = Guard()
        def run(raw):
            with g:
                return model.predict(np.eye(4)).tolist()
    """,
    "lock decorator": """
        import threading, functools
        L = threading.Lock()
        def locked(f):
            @functools.wraps(f)
            def inner(*a, **k):
                with L:  # <-
                    return f(*a, **k)
            return inner
        @locked
        def run(raw):
            return model.predict(np.eye(4)).tolist()
    """,
    "exitstack lock": """
        import threading, contextlib
        L = threading.Lock()
        def run(raw):
            with contextlib.ExitStack() as s:
                s.enter_context(L)  # <-
                return model.predict(np.eye(4)).tolist()
    """,
    "contextmanager lock": """
        import threading, contextlib
        L = threading.Lock()
        @contextlib.contextmanager
        def guard():
            with L:  # <-
                yield
        def run(raw):
            with guard():
                return model.predict(np.eye(4)).tolist()
    """,
    "global set flag busy": """
        busy = False
        def run(raw):
            global busy
            if busy:
                return "busy"
            busy = True  # <-
            p = model.predict(np.eye(4)).tolist()
            busy = False  # <-
            return p
    """,
    "model swap attr": """
        class H: pass
        h = H()
        h.model = None
        def run(raw):
            h.model = model  # <-
            return h.model.predict(np.eye(4)).tolist()
    """,
    "warm start": """
        def run(raw):
            model.warm_start = True  # <-
            setattr(model, "C", 2)  # <-
            model.__dict__["C"] = 3  # <-
            model.__dict__.update(C=3)  # <-
            vars(model)["C"] = 1  # <-
            return 1
    """,
    "partial_fit online": """
        from sklearn.linear_model import SGDClassifier
        sgd = SGDClassifier().fit(np.eye(4), [0,1,0,1])
        def run(raw):
            sgd.partial_fit(np.eye(4), [0,1,0,1])  # <-
            return sgd.predict(np.eye(4)).tolist()
    """,
    "getattr fit": """
        def run(raw):
            getattr(model, "fit")(np.eye(4), [0,1,0,1])  # <-
            return 1
    """,
    "reload by file": """
        import pickle
        def run(raw):
            global model
            with open("m.pkl", "rb") as f:
                model = pickle.load(f)  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "init in run": """
        def run(raw):
            init()
            return model.predict(np.eye(4)).tolist()
        def init():
            global model
            model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])  # <-
        import json, numpy as np
        from sklearn.linear_model import LogisticRegression
    """,
    "random.shuffle global": """
        import random
        T = [1,2,3]
        def run(raw):
            random.shuffle(T)  # <-
            return T
    """,
    "sorted inplace": """
        T = [3,1]
        def run(raw):
            T.sort()  # <-
            T.reverse()  # <-
            return T
    """,
    "environ update/pop": """
        def run(raw):
            os.environ.update(A=raw)  # <-
            os.environ.pop("A")  # <-
            os.environ.setdefault("B", raw)  # <-
            os.putenv("A", "b")  # <-
            del os.environ["B"]  # <-
            return 1
    """,
    "deleted item": """
        T = {}
        def run(raw):
            del T[raw]  # <-
            return 1
    """,
    "timeit": """
        import time
        LAST = [0.0]
        def run(raw):
            LAST[0] = time.time()  # <-
            p = model.predict(np.eye(4))
            return time.time() - LAST[0]
    """,
    "logging handler list": """
        import logging
        class Keep(logging.Handler):
            def __init__(self):
                super().__init__()
                self.rows = []
            def emit(self, record):
                self.rows.append(record.getMessage())  # <-
        keep = Keep()
        log = logging.getLogger("x")
        log.addHandler(keep)
        def run(raw):
            log.warning("a")
            model.predict(np.eye(4))
            return keep.rows[-1]
    """,
    "stdin": """
        import sys
        def run(raw):
            return sys.stdin.read()  # <-
    """,
    "mock.patch": """
        from unittest import mock
        def run(raw):
            with mock.patch("json.dumps"):  # <-
                model.predict(np.eye(4))
            return 1
    """,
    "mock.patch.dict": """
        from unittest import mock
        def run(raw):
            with mock.patch.dict(os.environ, A=raw):  # <-
                model.predict(np.eye(4))
            return os.environ["A"]
    """,
    "redirect stack": """
        import contextlib, io
        def run(raw):
            with contextlib.ExitStack() as s:
                s.enter_context(contextlib.redirect_stdout(io.StringIO()))  # <-
                model.predict(np.eye(4))
            return 1
    """,
    "config_context": """
        import sklearn
        def run(raw):
            with sklearn.config_context(assume_finite=True):  # <-
                return model.predict(np.eye(4)).tolist()
    """,
    "sys attrs": """
        import sys
        def run(raw):
            sys.argv = [raw]  # <-
            sys.argv[0] = raw  # <-
            sys.excepthook = None  # <-
            sys.path.insert(0, raw)  # <-
            return 1
    """,
    "tempfile default": """
        import tempfile
        def run(raw):
            tempfile.tempdir = raw  # <-
            p = os.path.join(tempfile.gettempdir(), "x.json")
            with open(p, "w") as f:  # <-
                f.write(raw)
            return 1
    """,
    "path open": """
        from pathlib import Path
        def run(raw):
            with Path("/tmp/x").open("w") as f:  # <-
                f.write(raw)
            return 1
    """,
    "joblib.dump/pickle": """
        import pickle, joblib, shutil
        def run(raw):
            joblib.dump(raw, "x.pkl")  # <-
            with open("y.pkl", "wb") as f:  # <-
                pickle.dump(raw, f)
            os.rename("x.pkl", "z.pkl")  # <-
            shutil.copy("z.pkl", "w.pkl")  # <-
            os.remove("w.pkl")  # <-
            return 1
    """,
    "request path": """
        def run(raw):
            name = json.loads(raw)["id"]
            path = f"/tmp/{name}.json"
            with open(path, mode="a+") as f:  # <-
                f.write(raw)
            return 1
    """,
    "multiprocessing": """
        import multiprocessing
        def f(x): return x
        def run(raw):
            with multiprocessing.Pool(2) as p:  # <-
                return p.map(f, [1])
    """,
    "joblib parallel": """
        from joblib import Parallel, delayed
        def run(raw):
            return Parallel(n_jobs=2)(delayed(model.predict)(np.eye(4)) for _ in range(2))  # <-
    """,
    "loop": """
        import asyncio
        async def f(): return 1
        loop = asyncio.new_event_loop()
        def run(raw):
            return loop.run_until_complete(f())  # <-
    """,
    "get_event_loop": """
        import asyncio
        async def f(): return 1
        def run(raw):
            return asyncio.get_event_loop().run_until_complete(f())  # <-
    """,
    "nested class": """
        T = []
        def run(raw):
            class A:
                def put(self, x):
                    T.append(x)  # <-
            A().put(raw)
            return 1
    """,
    "async helper": """
        T = []
        async def f(x):
            T.append(x)  # <-
        def run(raw):
            f(raw).send(None)
            return 1
    """,
    "star unpack": """
        T = [[], [], []]
        def run(raw):
            a, *b = T
            a.append(1)  # <-
            b[0].append(1)  # <-
            return 1
    """,
    "enumerate": """
        T = [[], []]
        def run(raw):
            for i, t in enumerate(T):
                t.append(i)  # <-
            for t in reversed(T):
                t.clear()  # <-
            for t in list(T):
                t.clear()  # <-
            for t in T[1:]:
                t.clear()  # <-
            for t in sorted(T):
                t.clear()  # <-
            [t.clear() for t in T]  # <-
            return 1
    """,
    "max of": """
        T = {"a": {"n": 0}}
        def run(raw):
            best = max(T.values(), key=lambda d: d["n"])
            best["n"] += 1  # <-
            T.get("a")["n"] = 1  # <-
            T.get(raw, {})["n"] = 1  # <-
            return 1
    """,
    "dispatch via class registry": """
        class A:
            n = 0
            def go(self):
                self.n = 1  # <-
        class B(A):
            def go(self):
                self.m = 2  # <-
                super().go()
        R = {"a": A(), "b": B()}
        def run(raw):
            R[raw].go()
            return 1
    """,
    "mangled": """
        class A:
            def __init__(self): self.__n = 0
            def go(self):
                self.__n += 1  # <-
                return self.__n
        a = A()
        def run(raw):
            return a.go()
    """,
    "mangled method": """
        class A:
            def __put(self, x):
                self.x = x  # <-
            def go(self, x):
                self.__put(x)
        a = A()
        def run(raw):
            return a.go(raw)
    """,
    "lambda global": """
        T = []
        put = lambda x: T.append(x)  # <-
        def run(raw):
            return put(raw)
    """,
    "two lambdas": """
        T = []
        F = {"a": lambda x: x, "b": lambda x: T.append(x)}  # <-
        def run(raw):
            return F[raw](raw)
    """,
    "shelve": """
        import shelve
        def run(raw):
            with shelve.open("/tmp/x") as s:  # <-
                s["a"] = raw
            return 1
    """,
    "warnings showwarning": """
        import warnings
        def run(raw):
            warnings.showwarning = print  # <-
            return 1
    """,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_line_is_found_whatever_way_leads_there(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = obstacles_of(tmp_path, ATTACKS[name])
    lines = (tmp_path / "score.py").read_text().splitlines()
    expected = {number for number, line in enumerate(lines, 1) if line.endswith("# <-")}
    assert {each.line for each in found} == expected, found
