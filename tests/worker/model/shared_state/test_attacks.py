"""Scripts whose calls would see each other's half-written state: each is kept out, by its line.

The lines that must be named end with `# <-`.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.worker.model.shared_state.scripts import obstacles_of

ATTACKS = {
    "global counter": """
        count = 0
        def run(raw):
            global count
            count += 1  # <-
            return {"n": count, "p": model.predict(np.array(json.loads(raw))).tolist()}
    """,
    "global of the request": """
        def run(raw):
            global data
            data = json.loads(raw)  # <-
            p = model.predict(np.array(data)).tolist()
            return {"p": p, "of": data}
    """,
    "through globals()": """
        def run(raw):
            globals()["data"] = json.loads(raw)  # <-
            return model.predict(data).tolist()
    """,
    "through globals().update": """
        def run(raw):
            globals().update(data=json.loads(raw))  # <-
            return model.predict(data).tolist()
    """,
    "through vars of the module": """
        import sys
        def run(raw):
            vars(sys.modules[__name__])["data"] = raw  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "setattr on the module": """
        import sys
        me = sys.modules[__name__]
        def run(raw):
            setattr(me, "data", raw)  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "walrus": """
        last = None
        def run(raw):
            global last
            if (last := json.loads(raw)):  # <-
                return model.predict(last).tolist()
    """,
    "for target": """
        row = None
        def run(raw):
            global row
            for row in json.loads(raw):  # <-
                model.predict([row])
            return row
    """,
    "with target": """
        import io
        buffer = None
        def run(raw):
            global buffer
            with io.StringIO(raw) as buffer:  # <-
                model.predict(np.eye(4))
                return buffer.read()
    """,
    "del of a global": """
        state = 1
        def run(raw):
            global state
            del state  # <-
            return 1
    """,
    "exec": """
        def run(raw):
            exec("global data; data = raw")  # <-
            return 1
    """,
    "import into the globals": """
        def run(raw):
            global sqlite
            import sqlite3 as sqlite  # <-
            return 1
    """,
    "item of a global dict": """
        state = {}
        def run(raw):
            state["x"] = json.loads(raw)  # <-
            model.predict(np.eye(4))
            return state["x"]
    """,
    "alias of a global dict": """
        CACHE = {}
        def run(raw):
            cache = CACHE
            cache["x"] = raw  # <-
            return cache["x"]
    """,
    "alias in a tuple": """
        A, B = [], []
        def run(raw):
            first, second = A, json.loads(raw)
            first.append(second)  # <-
            return first
    """,
    "nested in a global": """
        CONFIG = {"a": {"rows": []}}
        def run(raw):
            CONFIG["a"]["rows"].append(raw)  # <-
            return 1
    """,
    "shallow copy": """
        DEFAULTS = {"rows": [], "n": 1}
        def run(raw):
            mine = dict(DEFAULTS)
            mine["rows"].append(raw)  # <-
            return mine
    """,
    "shallow copy by copy": """
        import copy
        DEFAULTS = {"rows": [], "n": 1}
        def run(raw):
            mine = copy.copy(DEFAULTS)
            mine["rows"].append(raw)  # <-
            return mine
    """,
    "unpacked": """
        DEFAULTS = {"rows": []}
        def run(raw):
            mine = {**DEFAULTS, "x": raw}
            mine["rows"] += [raw]  # <-
            return mine
    """,
    "loop over a global": """
        BUFFERS = [[], []]
        def run(raw):
            for buffer in BUFFERS:
                buffer.append(raw)  # <-
            return 1
    """,
    "zip over a global": """
        BUFFERS = [[], []]
        def run(raw):
            for buffer, value in zip(BUFFERS, json.loads(raw)):
                buffer.append(value)  # <-
            return 1
    """,
    "items of a global": """
        BUFFERS = {"a": [], "b": []}
        def run(raw):
            for name, buffer in BUFFERS.items():
                buffer.append(raw)  # <-
            return 1
    """,
    "handed to a function": """
        LOG = []
        def note(target, value):
            target.append(value)  # <-
        def run(raw):
            note(LOG, raw)
            return len(LOG)
    """,
    "by keyword": """
        LOG = []
        def note(value, into=None):
            into.append(value)  # <-
        def run(raw):
            note(raw, into=LOG)
            return len(LOG)
    """,
    "by a star": """
        LOG = []
        def note(target, value):
            target.append(value)  # <-
        def run(raw):
            note(*(LOG, raw))
            return len(LOG)
    """,
    "mutable default": """
        def collect(value, seen=[]):
            seen.append(value)  # <-
            return seen
        def run(raw):
            return collect(raw)
    """,
    "function attribute": """
        def run(raw):
            run.calls = getattr(run, "calls", 0) + 1  # <-
            model.predict(np.eye(4))
            return run.calls
    """,
    "closure cell": """
        def counter():
            n = 0
            def step():
                nonlocal n
                n += 1  # <-
                return n
            return step
        step = counter()
        def run(raw):
            first = step()
            model.predict(np.eye(4))
            return first
    """,
    "closure dict": """
        def memo(f):
            seen = {}
            def inner(x):
                seen[x] = f(x)  # <-
                return seen[x]
            return inner
        @memo
        def score(x):
            return model.predict(np.array(json.loads(x))).tolist()
        def run(raw):
            return score(raw)
    """,
    "decorated run": """
        import functools
        calls = []
        def counted(f):
            @functools.wraps(f)
            def inner(raw):
                calls.append(raw)  # <-
                return f(raw)
            return inner
        @counted
        def run(raw):
            return model.predict(np.eye(4)).tolist()
    """,
    "attribute of an instance": """
        class Scorer:
            def __init__(self):
                self.data = None
            def score(self, data):
                self.data = data  # <-
                return model.predict(self.data).tolist()
        scorer = Scorer()
        def run(raw):
            return scorer.score(json.loads(raw))
    """,
    "bound method in a global": """
        class Scorer:
            def score(self, data):
                self.data = data  # <-
                return 1
        score = Scorer().score
        def run(raw):
            return score(raw)
    """,
    "inherited method": """
        class Base:
            def remember(self, x):
                self.x = x  # <-
        class Child(Base):
            def score(self, x):
                super().remember(x)
                return self.x
        child = Child()
        def run(raw):
            return child.score(raw)
    """,
    "callable object": """
        class Step:
            n = 0
            def __call__(self, x):
                self.n += 1  # <-
                return x
        step = Step()
        def run(raw):
            return step(raw)
    """,
    "property": """
        class Counter:
            def __init__(self):
                self._n = 0
            @property
            def next(self):
                self._n += 1  # <-
                return self._n
        counter = Counter()
        def run(raw):
            return counter.next
    """,
    "property setter": """
        class Holder:
            @property
            def value(self):
                return self._value
            @value.setter
            def value(self, x):
                self._value = x  # <-
        holder = Holder()
        def run(raw):
            holder.value = raw  # <-
            return holder.value
    """,
    "context manager of a class": """
        class Session:
            def __enter__(self):
                self.open = True  # <-
                return self
            def __exit__(self, *args):
                self.open = False  # <-
        session = Session()
        def run(raw):
            with session:
                return model.predict(np.eye(4)).tolist()
    """,
    "contextmanager": """
        import contextlib
        mode = "idle"
        @contextlib.contextmanager
        def busy():
            global mode
            mode = "busy"  # <-
            yield
            mode = "idle"  # <-
        def run(raw):
            with busy():
                model.predict(np.eye(4))
            return mode
    """,
    "setitem of a class": """
        class Store:
            def __init__(self):
                self.held = {}
            def __setitem__(self, key, value):
                self.held[key] = value  # <-
        store = Store()
        def run(raw):
            store["x"] = raw
            return 1
    """,
    "in-place operator of a class": """
        class Total:
            def __init__(self):
                self.n = 0
            def __iadd__(self, other):
                self.n += other  # <-
                return self
        holder = {"total": Total()}
        def run(raw):
            total = holder["total"]
            total += 1
            return total.n
    """,
    "comparison of a class": """
        class Odd:
            seen = []
            def __lt__(self, other):
                self.seen.append(other)  # <-
                return True
        odd = Odd()
        def run(raw):
            return odd < raw
    """,
    "class attribute": """
        class Scorer:
            last = None
            def score(self, x):
                Scorer.last = x  # <-
                return model.predict(np.eye(4))
        def run(raw):
            Scorer().score(raw)
            return Scorer.last
    """,
    "class list": """
        class Collector:
            rows = []
            def add(self, x):
                self.rows.append(x)  # <-
        def run(raw):
            c = Collector()
            c.add(raw)
            return len(c.rows)
    """,
    "type of self": """
        class Scorer:
            n = 0
            def score(self):
                type(self).n += 1  # <-
                self.__class__.n += 1  # <-
        def run(raw):
            Scorer().score()
            return Scorer.n
    """,
    "classmethod": """
        class Registry:
            held = {}
            @classmethod
            def put(cls, key, value):
                cls.held[key] = value  # <-
        def run(raw):
            Registry.put("a", raw)
            return Registry.held["a"]
    """,
    "singleton": """
        class One:
            _it = None
            def __new__(cls):
                if cls._it is None:
                    cls._it = super().__new__(cls)
                return cls._it
            def __init__(self):
                self.rows = []  # <-
        One()
        def run(raw):
            one = One()
            one.rows.append(raw)  # <-
            return one.rows
    """,
    "singleton by a metaclass": """
        class Single(type):
            _held = {}
            def __call__(cls, *args):
                if cls not in cls._held:
                    cls._held[cls] = super().__call__(*args)
                return cls._held[cls]
        class State(metaclass=Single):
            def note(self, x):
                self.x = x  # <-
        State()
        def run(raw):
            State().note(raw)
            return State().x
    """,
    "instance dict": """
        holder = Threshold()
        def run(raw):
            holder.__dict__["limit"] = float(raw)  # <-
            return holder.limit
    """,
    "vars of an instance": """
        holder = Threshold()
        def run(raw):
            vars(holder).update(limit=float(raw))  # <-
            return holder.limit
    """,
    "setattr": """
        holder = Threshold()
        def run(raw):
            setattr(holder, "limit", float(raw))  # <-
            return holder.limit
    """,
    "object.__setattr__": """
        holder = Threshold()
        def run(raw):
            object.__setattr__(holder, "limit", float(raw))  # <-
            return holder.limit
    """,
    "bound method as a value": """
        LOG = []
        push = LOG.append
        def run(raw):
            push(raw)  # <-
            return len(LOG)
    """,
    "bound method handed to map": """
        LOG = []
        def run(raw):
            list(map(LOG.append, json.loads(raw)))  # <-
            return len(LOG)
    """,
    "unbound method": """
        LOG = []
        def run(raw):
            list.append(LOG, raw)  # <-
            return len(LOG)
    """,
    "getattr of a method": """
        LOG = []
        def run(raw):
            getattr(LOG, "append")(raw)  # <-
            return len(LOG)
    """,
    "getattr of an unknown method": """
        LOG = []
        def run(raw):
            getattr(LOG, json.loads(raw)["how"])(raw)  # <-
            return len(LOG)
    """,
    "partial": """
        import functools
        LOG = []
        note = functools.partial(LOG.append)
        def run(raw):
            note(raw)  # <-
            return len(LOG)
    """,
    "partial within the call": """
        import functools
        LOG = []
        def add(to, x):
            to.append(x)  # <-
        def run(raw):
            note = functools.partial(add, LOG)
            note(raw)
            return len(LOG)
    """,
    "operator.setitem": """
        import operator
        STATE = {}
        def run(raw):
            operator.setitem(STATE, "x", raw)  # <-
            return STATE["x"]
    """,
    "heap": """
        import heapq
        TOP = []
        def run(raw):
            heapq.heappush(TOP, float(raw))  # <-
            return TOP[0]
    """,
    "deque": """
        import collections
        WINDOW = collections.deque(maxlen=10)
        def run(raw):
            WINDOW.append(float(raw))  # <-
            return sum(WINDOW)
    """,
    "defaultdict": """
        import collections
        BY_USER = collections.defaultdict(list)
        def run(raw):
            BY_USER[raw].append(1)  # <-
            return len(BY_USER[raw])
    """,
    "callback of a library": """
        SEEN = []
        def score(row):
            SEEN.append(row)  # <-
            return row
        def run(raw):
            return sorted(json.loads(raw), key=score)
    """,
    "lambda": """
        SEEN = []
        def run(raw):
            return sorted(json.loads(raw), key=lambda x: SEEN.append(x) or x)  # <-
    """,
    "comprehension": """
        SEEN = []
        def run(raw):
            return [SEEN.append(x) for x in json.loads(raw)]  # <-
    """,
    "generator function": """
        SEEN = []
        def rows(raw):
            for row in json.loads(raw):
                SEEN.append(row)  # <-
                yield row
        def run(raw):
            return model.predict(list(rows(raw))).tolist()
    """,
    "nested function": """
        SEEN = []
        def run(raw):
            def note(x):
                SEEN.append(x)  # <-
            note(raw)
            return len(SEEN)
    """,
    "array in place": """
        BUFFER = np.zeros((4, 4))
        def run(raw):
            BUFFER[:] = np.array(json.loads(raw))  # <-
            return model.predict(BUFFER).tolist()
    """,
    "array by an operator": """
        MEAN = np.zeros(4)
        def run(raw):
            mean = MEAN
            mean += np.array(json.loads(raw))  # <-
            return mean.tolist()
    """,
    "array by out=": """
        BUFFER = np.zeros(4)
        def run(raw):
            np.add(BUFFER, json.loads(raw), out=BUFFER)  # <-
            return BUFFER.tolist()
    """,
    "view of an array": """
        BUFFER = np.zeros((4, 4))
        def run(raw):
            row = BUFFER[0]
            row[:] = json.loads(raw)  # <-
            return model.predict(BUFFER).tolist()
    """,
    "asarray": """
        BUFFER = np.zeros((4, 4))
        def run(raw):
            mine = np.asarray(BUFFER)
            mine[0] = json.loads(raw)  # <-
            return model.predict(mine).tolist()
    """,
    "frame in place": """
        import pandas as pd
        FRAME = pd.DataFrame({"a": [1.0]})
        def run(raw):
            FRAME.loc[0, "a"] = float(raw)  # <-
            return FRAME["a"].tolist()
    """,
    "frame, a new column": """
        import pandas as pd
        FRAME = pd.DataFrame({"a": [1.0]})
        def run(raw):
            FRAME["b"] = float(raw)  # <-
            return FRAME.to_dict()
    """,
    "frame by inplace=": """
        import pandas as pd
        FRAME = pd.DataFrame({"a": [1.0]})
        def run(raw):
            FRAME.fillna(float(raw), inplace=True)  # <-
            return FRAME.to_dict()
    """,
    "global generator": """
        def numbers():
            n = 0
            while True:
                yield n
                n += 1
        NUMBERS = numbers()
        def run(raw):
            return next(NUMBERS)  # <-
    """,
    "itertools.count": """
        import itertools
        IDS = itertools.count()
        def run(raw):
            me = next(IDS)  # <-
            model.predict(np.eye(4))
            return me
    """,
    "iterator in a loop": """
        ROWS = iter(range(1000))
        def run(raw):
            for row in ROWS:  # <-
                return row
    """,
    "random generator": """
        RNG = np.random.default_rng(0)
        def run(raw):
            noise = RNG.normal(size=4)  # <-
            return model.predict(np.eye(4) + noise).tolist()
    """,
    "random.Random": """
        import random
        RNG = random.Random(0)
        def run(raw):
            return RNG.random()  # <-
    """,
    "seed": """
        def run(raw):
            np.random.seed(int(raw))  # <-
            model.predict(np.eye(4))
            return np.random.rand()
    """,
    "random.seed by name": """
        from random import seed, random
        def run(raw):
            seed(int(raw))  # <-
            model.predict(np.eye(4))
            return random()
    """,
    "environment": """
        def run(raw):
            os.environ["TENANT"] = raw  # <-
            model.predict(np.eye(4))
            return os.environ["TENANT"]
    """,
    "working directory": """
        def run(raw):
            os.chdir("/")  # <-
            model.predict(np.eye(4))
            return os.getcwd()
    """,
    "sys.path": """
        import sys
        def run(raw):
            sys.path.append(raw)  # <-
            return 1
    """,
    "stdout replaced": """
        import sys, io
        def run(raw):
            old, sys.stdout = sys.stdout, io.StringIO()  # <-
            model.predict(np.eye(4))
            sys.stdout = old  # <-
            return 1
    """,
    "redirect_stdout": """
        import contextlib, io
        def run(raw):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):  # <-
                print(raw)
                model.predict(np.eye(4))
            return out.getvalue()
    """,
    "np.seterr": """
        def run(raw):
            np.seterr(all="raise")  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "np.set_printoptions": """
        def run(raw):
            np.set_printoptions(precision=int(raw))  # <-
            return str(model.predict_proba(np.eye(4)))
    """,
    "pd.set_option": """
        import pandas as pd
        def run(raw):
            pd.set_option("display.precision", int(raw))  # <-
            return str(pd.DataFrame(model.predict_proba(np.eye(4))))
    """,
    "pd.option_context": """
        import pandas as pd
        def run(raw):
            with pd.option_context("display.precision", int(raw)):  # <-
                return str(pd.DataFrame(model.predict_proba(np.eye(4))))
    """,
    "sklearn.set_config": """
        import sklearn
        def run(raw):
            sklearn.set_config(assume_finite=bool(raw))  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "decimal context": """
        import decimal
        def run(raw):
            decimal.getcontext().prec = int(raw)  # <-
            model.predict(np.eye(4))
            return str(decimal.Decimal(1) / 3)
    """,
    "locale": """
        import locale
        def run(raw):
            locale.setlocale(locale.LC_ALL, "C")  # <-
            return 1
    """,
    "recursion limit": """
        import sys
        def run(raw):
            sys.setrecursionlimit(5000)  # <-
            return 1
    """,
    "alarm": """
        import signal
        def run(raw):
            signal.alarm(2)  # <-
            p = model.predict(np.eye(4))
            signal.alarm(0)  # <-
            return p.tolist()
    """,
    "thread": """
        import threading
        def run(raw):
            out = []
            t = threading.Thread(target=lambda: out.append(model.predict(np.eye(4))))  # <-
            t.start(); t.join()
            return out[0].tolist()
    """,
    "pool": """
        from concurrent.futures import ThreadPoolExecutor
        def run(raw):
            with ThreadPoolExecutor(2) as pool:  # <-
                return list(pool.map(model.predict, [np.eye(4)]))[0].tolist()
    """,
    "global pool": """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        def run(raw):
            return pool.submit(model.predict, np.eye(4)).result().tolist()  # <-
    """,
    "asyncio.run": """
        import asyncio
        async def score():
            return model.predict(np.eye(4)).tolist()
        def run(raw):
            return asyncio.run(score())  # <-
    """,
    "file of a fixed name": """
        def run(raw):
            with open("/tmp/input.json", "w") as file:  # <-
                file.write(raw)
            model.predict(np.eye(4))
            return open("/tmp/input.json").read()
    """,
    "np.save": """
        def run(raw):
            np.save("/tmp/input.npy", json.loads(raw))  # <-
            return model.predict(np.load("/tmp/input.npy")).tolist()
    """,
    "to_csv": """
        import pandas as pd
        def run(raw):
            pd.DataFrame(json.loads(raw)).to_csv("in.csv")  # <-
            return model.predict(pd.read_csv("in.csv")).tolist()
    """,
    "pathlib": """
        from pathlib import Path
        def run(raw):
            Path("in.json").write_text(raw)  # <-
            model.predict(np.eye(4))
            return Path("in.json").read_text()
    """,
    "open file": """
        import tempfile
        LOG = tempfile.TemporaryFile("w+")
        def run(raw):
            LOG.write(raw)  # <-
            model.predict(np.eye(4))
            LOG.seek(0)  # <-
            return LOG.read()  # <-
    """,
    "buffer": """
        import io
        BUFFER = io.StringIO()
        def run(raw):
            BUFFER.write(raw)  # <-
            model.predict(np.eye(4))
            return BUFFER.getvalue()
    """,
    "print to a buffer": """
        import io
        BUFFER = io.StringIO()
        def run(raw):
            print(raw, file=BUFFER)  # <-
            return BUFFER.getvalue()
    """,
    "database cursor": """
        import sqlite3
        CURSOR = sqlite3.connect(":memory:", check_same_thread=False).cursor()
        def run(raw):
            CURSOR.execute("select 1")  # <-
            model.predict(np.eye(4))
            return CURSOR.fetchone()  # <-
    """,
    "database insert": """
        import sqlite3
        DB = sqlite3.connect(":memory:", check_same_thread=False)
        DB.execute("create table t (x)")
        def run(raw):
            DB.execute("insert into t values (1)")  # <-
            model.predict(np.eye(4))
            return DB.execute("select count(*) from t").fetchone()[0]
    """,
    "lock over predict": """
        import threading
        LOCK = threading.Lock()
        def run(raw):
            with LOCK:  # <-
                return model.predict(np.eye(4)).tolist()
    """,
    "lock in a function": """
        import threading
        LOCK = threading.RLock()
        def score(x):
            return model.predict(x).tolist()
        def run(raw):
            with LOCK:  # <-
                return score(np.eye(4))
    """,
    "acquire": """
        import threading
        LOCK = threading.Semaphore(1)
        def run(raw):
            LOCK.acquire()  # <-
            try:
                return model.predict(np.eye(4)).tolist()
            finally:
                LOCK.release()
    """,
    "lock of an object": """
        import threading
        class Scorer:
            def __init__(self):
                self.lock = threading.Lock()
            def score(self):
                with self.lock:  # <-
                    return model.predict(np.eye(4)).tolist()
        scorer = Scorer()
        def run(raw):
            return scorer.score()
    """,
    "thread local": """
        import threading
        LOCAL = threading.local()
        def run(raw):
            LOCAL.data = raw  # <-
            model.predict(np.eye(4))
            return LOCAL.data
    """,
    "queue": """
        import queue
        QUEUE = queue.Queue()
        def run(raw):
            QUEUE.put(raw)  # <-
            model.predict(np.eye(4))
            return QUEUE.get()  # <-
    """,
    "event": """
        import threading
        READY = threading.Event()
        def run(raw):
            READY.set()  # <-
            return 1
    """,
    "fit": """
        def run(raw):
            model.fit(np.eye(4), [0, 1, 1, 0])  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "set_params": """
        def run(raw):
            model.set_params(C=float(raw))  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "attribute of the model": """
        def run(raw):
            model.coef_ = np.array(json.loads(raw))  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "weights of the model": """
        def run(raw):
            model.coef_[:] = 0  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "model chosen by the request": """
        def run(raw):
            global model
            model = LogisticRegression().fit(np.eye(4), json.loads(raw))  # <-
            return model.predict(np.eye(4)).tolist()
    """,
    "fitted scaler": """
        from sklearn.preprocessing import StandardScaler
        scaler = StandardScaler()
        def run(raw):
            x = scaler.fit_transform(np.array(json.loads(raw)))  # <-
            return model.predict(x).tolist()
    """,
    "lazy load by the request": """
        MODELS = {}
        def run(raw):
            name = json.loads(raw)["model"]
            if name not in MODELS:
                MODELS[name] = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])  # <-
            return MODELS[name].predict(np.eye(4)).tolist()
    """,
    "lazy state, half made": """
        state = None
        def run(raw):
            global state
            if state is None:
                state = {}
                state["model"] = model  # <-
                model.predict(np.eye(4))
                state["ready"] = True  # <-
            return state["ready"]
    """,
    "lazy state of the request": """
        first = None
        def run(raw):
            global first
            if first is None:
                first = json.loads(raw)  # <-
            return first
    """,
    "step of a pipeline": """
        from sklearn.base import BaseEstimator, TransformerMixin
        from sklearn.pipeline import make_pipeline
        class Center(BaseEstimator, TransformerMixin):
            def fit(self, x, y=None):
                return self
            def transform(self, x):
                self.last = x  # <-
                return x
        def init():
            global pipe
            pipe = make_pipeline(Center(), LogisticRegression()).fit(np.eye(4), [0, 1, 0, 1])
        import json
        import numpy as np
        from sklearn.linear_model import LogisticRegression
        def run(raw):
            return pipe.predict(np.array(json.loads(raw))).tolist()
    """,
    "function transformer": """
        from sklearn.preprocessing import FunctionTransformer
        SEEN = []
        def note(x):
            SEEN.append(x)  # <-
            return x
        step = FunctionTransformer(note)
        def run(raw):
            return model.predict(step.transform(np.eye(4))).tolist()
    """,
    "cached and changed": """
        import functools
        @functools.lru_cache
        def defaults():
            return {"rows": []}
        def run(raw):
            mine = defaults()
            mine["row"] = raw  # <-
            model.predict(np.eye(4))
            return mine["row"]
    """,
    "state in a dispatch table": """
        STATE = {"n": 0}
        def add(x):
            STATE["n"] += x  # <-
        ACTIONS = {"add": add}
        def run(raw):
            ACTIONS[json.loads(raw)["do"]](1)
            return STATE["n"]
    """,
    "state on a branch": """
        STATE = {}
        def run(raw):
            try:
                data = json.loads(raw)
            except ValueError as error:
                STATE["error"] = str(error)  # <-
                raise
            return model.predict(data).tolist()
    """,
    "state in finally": """
        STATE = []
        def run(raw):
            try:
                return model.predict(np.eye(4)).tolist()
            finally:
                STATE.pop()  # <-
    """,
    "pyplot": """
        plt = __import__("types").ModuleType("matplotlib.pyplot")
        def run(raw):
            plt.plot(json.loads(raw))  # <-
            model.predict(np.eye(4))
            plt.savefig(raw)  # <-
            return 1
    """,
    "match statement": """
        STATE = {}
        def run(raw):
            match json.loads(raw):
                case {"x": x}:
                    STATE["x"] = x  # <-
            return STATE
    """,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_script_that_shares_what_it_changes_is_kept_out(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = obstacles_of(tmp_path, ATTACKS[name])
    lines = (tmp_path / "score.py").read_text().splitlines()
    expected = {number for number, line in enumerate(lines, 1) if line.endswith("# <-")}
    assert {each.line for each in found} == expected, found
    assert all(each.source == lines[each.line - 1].strip() for each in found)
    assert {each.path for each in found} == {str(tmp_path / "score.py")}
