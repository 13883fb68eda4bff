"""Ways to what calls share that lead through a library or through Python itself.

The lines that must be named end with `# <-`; a script without such a line is not kept out.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from tests.worker.model.shared_state.scripts import obstacles_of

LOCK_OF_FILES = """
class FileLock:
    def __init__(self, path):
        self.path = path
    def acquire(self): ...
    def release(self): ...
    def __enter__(self):
        self.acquire()
    def __exit__(self, *error):
        self.release()
"""
SCRIPTS = {
    "what SQLite keeps beside tables": """
        import sqlite3
        def run(raw):
            database = sqlite3.connect("features.db")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"PRAGMA user_version = {int(raw)}")  # <-
            model.predict([raw])
            return database.execute("PRAGMA main.user_version").fetchone()
    """,
    "what SQLite is told of a connection": """
        import sqlite3
        def run(raw):
            database = sqlite3.connect("features.db")
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("PRAGMA table_info(features)")
            return model.predict(database.execute("SELECT a FROM features").fetchall()).tolist()
    """,
    "what Python shows": """
        import builtins, sys
        def run(raw):
            sys.displayhook(raw)  # <-
            model.predict([raw])
            return builtins._
    """,
    "an application's configuration": """
        from flask import Flask
        app = Flask("features")
        def run(raw):
            app.config.from_mapping(RAW=raw)  # <-
            model.predict([raw])
            return app.config["RAW"]
    """,
    "what a class has for its objects": """
        class Features:
            __slots__ = ("kept", "slot")
            @property
            def value(self):
                return self.kept
            @value.setter
            def value(self, value):
                self.kept = value  # <-
        FEATURES = Features()
        FEATURES.value = 1
        def run(raw):
            Features.value.fset(FEATURES, raw)
            Features.value.__set__(FEATURES, raw)  # <-
            vars(Features)["value"].__set__(FEATURES, raw)  # <-
            Features.slot.__set__(FEATURES, raw)  # <-
            own = Features()
            Features.slot.__set__(own, raw)
            model.predict([raw])
            return Features.value.fget(FEATURES)
    """,
    "a copy that is told its state": """
        import copy
        class Features:
            last = None
            def __init__(self, values):
                self.values = values
            def __setstate__(self, state):
                self.values = state["values"]
                Features.last = self.values  # <-
        def run(raw):
            copy.copy(Features(raw))
            model.predict([raw])
            return Features.last
    """,
    "a copy that keeps its state": """
        import copy
        class Features:
            def __init__(self, values):
                self.values = values
            def __setstate__(self, state):
                self.values = state["values"]
        KEPT = Features(1)
        def run(raw):
            return model.predict([copy.copy(Features(raw)).values]).tolist()
    """,
    "a value that an enumeration has not": """
        import enum
        class Kind(enum.Enum):
            OTHER = 0
            @classmethod
            def _missing_(cls, value):
                cls.asked = value  # <-
                return cls.OTHER
        def run(raw):
            kind = Kind(raw)
            model.predict([raw])
            return Kind.asked
    """,
    "a value that an enumeration takes for another": """
        import enum
        class Kind(enum.Enum):
            OTHER = 0
            @classmethod
            def _missing_(cls, value):
                return cls.OTHER
        def run(raw):
            return [Kind(raw).name, *model.predict([raw]).tolist()]
    """,
    "what is registered with pandas": """
        import pandas as pd
        @pd.api.extensions.register_dataframe_accessor("asked")
        class Asked:
            last = None
            def __init__(self, table):
                self.table = table
            def note(self, raw):
                Asked.last = raw  # <-
            def doubled(self):
                return self.table * 2
        def run(raw):
            table = pd.DataFrame(json.loads(raw)).dropna()
            table.asked.note(raw)
            model.predict(table.asked.doubled())
            return Asked.last
    """,
    "what is registered with pandas and only computes": """
        import pandas as pd
        @pd.api.extensions.register_dataframe_accessor("twice")
        class Twice:
            def __init__(self, table):
                self.table = table
            def doubled(self):
                return self.table * 2
        def run(raw):
            return model.predict(pd.DataFrame(json.loads(raw)).twice.doubled()).tolist()
    """,
    "what a unique value has in common with others": """
        import uuid
        def run(raw):
            key = uuid.uuid4()
            open(f"/tmp/{len(str(key))}.json", "w").write(raw)  # <-
            open(f"/tmp/{key.version}.json", "w").write(raw)  # <-
            open(f"/tmp/{key != raw}.json", "w").write(raw)  # <-
            open(f"/tmp/{key.hex}.json", "w").write(raw)
            return model.predict([raw]).tolist()
    """,
    "a lock that a server gives": """
        import collections
        client = collections.UserDict()  # redis.Redis(), say
        def run(raw):
            with client.lock("model"):  # <-
                model.predict([raw])
            lock = client.lock("model", timeout=5)
            lock.acquire()  # <-
            model.predict([raw])
            lock.release()
            with client.lock("features"):
                features = client.get(raw)
            return model.predict([features]).tolist()
    """,
    "a module by its name": """
        import importlib
        def run(raw):
            here = importlib.import_module(__name__)
            here.current = raw  # <-
            return model.predict([raw]).tolist()
    """,
    "globals of a frame": """
        import inspect, sys
        def run(raw):
            sys._getframe().f_globals["current"] = raw  # <-
            inspect.currentframe().f_globals["current"] = raw  # <-
            return inspect.currentframe().f_code.co_name
    """,
    "the thread and its name": """
        import threading
        def run(raw):
            threading.current_thread().request_id = raw  # <-
            threading.current_thread().name = raw  # <-
            return threading.current_thread().name
    """,
    "a logger's attribute": """
        import logging
        def run(raw):
            log = logging.getLogger("scoring")
            log.setLevel(logging.INFO)
            log.request_id = raw  # <-
            return 1
    """,
    "a level that is asked for": """
        import logging, warnings
        def run(raw):
            asked = json.loads(raw)
            logging.getLogger().setLevel(10 if asked["debug"] else 20)  # <-
            warnings.simplefilter("error" if asked["strict"] else "ignore")  # <-
            return model.predict(asked["data"]).tolist()
    """,
    "levels and filters that are always the same": """
        import logging, warnings
        def run(raw):
            warnings.filterwarnings("ignore")
            logging.basicConfig(level=logging.INFO)
            log = logging.getLogger("scoring")
            log.setLevel(logging.INFO)
            log.info("%s", raw)
            return model.predict([raw]).tolist()
    """,
    "settings that are always the same": """
        import pandas as pd
        def run(raw):
            pd.set_option("display.max_columns", None)
            pd.set_option("display.precision", 3)
            pd.options.mode.chained_assignment = None
            np.set_printoptions(suppress=True)
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
            return model.predict([raw]).tolist()
    """,
    "settings that change": """
        import pandas as pd
        def run(raw):
            pd.set_option("display.precision", len(raw))  # <-
            os.environ["ASKED"] = raw  # <-
            np.set_printoptions(precision=3)
            model.predict([raw])
            np.set_printoptions(precision=8)  # <-
            os.environ["STEP"] = "1"
            os.environ["STEP"] = "2"  # <-
            pd.options.display.precision = 3
            pd.options.display.precision = 4  # <-
            return str(np.array(raw))
    """,
    "methods that Python calls": """
        import logging
        SEEN = []
        class Key:
            def __init__(self, value):
                self.value = value
            def __hash__(self):
                SEEN.append(self.value)  # <-
                return 1
            def __str__(self):
                SEEN.append(self.value)  # <-
                return "key"
            def __lt__(self, other):
                SEEN.append(self.value)  # <-
                return True
            def __del__(self):
                SEEN.append(self.value)  # <-
            def __repr__(self):
                self.shown = True
                return "Key()"
        def run(raw):
            keys = sorted([Key(raw), Key(raw)])
            return ["%s" % keys[0], {keys[0]: 1}]
    """,
    "methods that Python calls of an object for all": """
        class Names(dict):
            def __missing__(self, name):
                self[name] = len(self)  # <-
                return self[name]
        class Holder: pass
        HOLDER = Holder()
        HOLDER.names = Names()
        def run(raw):
            return [HOLDER.names[name] for name in json.loads(raw)]
    """,
    "item of a class": """
        class Kind:
            def __class_getitem__(cls, name):
                cls.asked = name  # <-
                return cls
        def run(raw):
            return Kind[raw].asked
    """,
    "parameters of a model": """
        def run(raw):
            model.get_params()["steps"].asked = raw  # <-
            return model.predict([raw]).tolist()
    """,
    "the application of flask": """
        import flask
        def run(raw):
            flask.g.asked = raw
            flask.current_app.config["asked"] = raw  # <-
            return flask.g.asked
    """,
    "error with a cause": """
        REFUSED = ValueError("refused")
        def run(raw):
            if not raw:
                raise REFUSED
            try:
                return model.predict([raw]).tolist()
            except TypeError as error:
                raise ValueError("refused") from error
            except KeyError as error:
                raise REFUSED from error  # <-
    """,
    "file that is opened by its number": """
        def run(raw):
            read = os.open("/tmp/x", os.O_RDONLY)
            number = os.open("/tmp/x", os.O_WRONLY | os.O_CREAT)  # <-
            os.write(number, raw)
            return read
    """,
    "number of a file that is open for all": """
        NUMBER = os.open(os.devnull, os.O_RDWR)
        def run(raw):
            os.lseek(NUMBER, 0, 0)  # <-
            os.write(NUMBER, raw)  # <-
            os.pwrite(NUMBER, raw, 0)  # <-
            os.write(2, raw)
            return os.pread(NUMBER, 10, 0)
    """,
    "method of a C object, bound before": """
        import itertools
        following = itertools.count().__next__
        def count():
            count.calls += 1  # <-
            return count.calls
        count.calls = 0
        called = count.__call__
        def run(raw, number=itertools.count().__next__):
            return following(), number(), called()  # <-
    """,
    "bytes that are packed into": """
        import struct
        NUMBER, KEPT = struct.Struct("d"), bytearray(8)
        def run(raw):
            NUMBER.pack_into(KEPT, 0, len(raw))  # <-
            NUMBER.pack_into(bytearray(8), 0, len(raw))
            return NUMBER.unpack_from(KEPT, 0)
    """,
    "methods that a base class of Python's calls": """
        import ast, string
        from html.parser import HTMLParser
        class Text(HTMLParser):
            def handle_data(self, data):
                self.text = data  # <-
        class Names(ast.NodeVisitor):
            def visit_Name(self, node):
                self.name = node.id  # <-
        class Filled(string.Formatter):
            def get_value(self, key, args, kwargs):
                self.last = key  # <-
                return kwargs[key]
            def forget(self):
                self.last = None
        parser, names, filled = Text(), Names(), Filled()
        def run(raw):
            parser.feed(raw)
            names.visit(ast.parse(raw))
            return filled.format("{a}", a=raw)
    """,
    "methods that a base class of Python's calls of an object of the call's own": """
        from html.parser import HTMLParser
        texts = []
        class Text(HTMLParser):
            def handle_data(self, data):
                self.text = data
            def handle_starttag(self, tag, attrs):
                texts.append(tag)  # <-
        def run(raw):
            parser = Text()
            parser.feed(raw)
            return parser.text
    """,
    "decoder of a stream": """
        import codecs
        decoder = codecs.getincrementaldecoder("utf-8")()
        def run(raw):
            codecs.getincrementaldecoder("utf-8")().decode(raw)
            return decoder.decode(raw)  # <-
    """,
    "seeds that are made from one": """
        seeds = np.random.SeedSequence(0)
        def run(raw):
            return seeds.spawn(1)  # <-
    """,
    "log lines that are kept": """
        import io, logging
        LINES, TEXT = io.StringIO(), io.StringIO("text")
        HANDLER = logging.StreamHandler(LINES)
        def run(raw):
            return TEXT.getvalue(), LINES.getvalue()  # <-
    """,
    "objects that a library calls": """
        import re
        class Numbers:
            count = 0
            def __call__(self, match):
                self.count += 1  # <-
                return str(self.count)
        numbers, comma = Numbers(), re.compile(",")
        def run(raw):
            return comma.sub(numbers, raw)
    """,
    "functions in a dict that a library calls": """
        import io
        import pandas as pd
        refused = []
        def number(text):
            refused.append(text)  # <-
            return 0.0
        def plain(text):
            return 0.0
        def run(raw):
            pd.read_csv(io.StringIO(raw), converters={"a": plain})
            return pd.read_csv(io.StringIO(raw), converters={"a": number})
    """,
    "object around a function, as a context": """
        from contextlib import ContextDecorator
        class Timed(ContextDecorator):
            def __enter__(self):
                self.start = time.time()  # <-
            def __exit__(self, *error):
                self.took = time.time() - self.start  # <-
        timed = Timed()
        @timed
        def score(rows):
            return model.predict(rows)
        def run(raw):
            return score(raw), timed.took
    """,
    "attribute that is made when it is asked for by any name": """
        class Late:
            def __getattr__(self, name):
                self.last = name  # <-
                return name
        late = Late()
        def run(raw):
            return getattr(late, raw)
    """,
    "scaled in place": """
        from sklearn import preprocessing
        from sklearn.preprocessing import normalize
        ROWS = np.eye(4)
        def run(raw):
            preprocessing.scale(ROWS)
            normalize(np.array(raw), copy=False)
            return normalize(ROWS, copy=False)  # <-
    """,
    "children of an element": """
        import xml.etree.ElementTree as ET
        TREE = ET.Element("rows")
        def run(raw):
            ET.SubElement(ET.Element("own"), "row").text = raw
            ET.SubElement(TREE, "row").text = raw  # <-
            return ET.tostring(TREE)
    """,
    "arrays and tables that are told not to copy": """
        import pandas as pd
        from sklearn.utils import check_array
        ROWS = np.zeros((1, 4))
        TABLE = pd.DataFrame(np.zeros((1, 4)))
        def run(raw):
            np.array(ROWS)[0] = raw
            np.array(ROWS, copy=None)[0] = raw  # <-
            ROWS.astype(float)[0] = raw
            ROWS.astype(float, copy=False)[0] = raw  # <-
            np.require(ROWS, float)[0] = raw  # <-
            check_array(ROWS)[0] = raw  # <-
            pd.DataFrame(ROWS, copy=False).values[0] = raw  # <-
            TABLE.copy(deep=True).values[0] = raw
            TABLE.copy(deep=False).values[0] = raw  # <-
            return model.predict(ROWS).tolist()
    """,
    "iterator that is searched": """
        NUMBERS, KNOWN = iter(range(9)), [1, 2]
        class Turns:
            turn = 0
            def __iter__(self):
                self.turn += 1  # <-
                return iter([self.turn])
        class Names:
            def __contains__(self, name):
                return True
        TURNS, NAMES = Turns(), Names()
        def run(raw):
            return raw in NUMBERS, raw in KNOWN, raw in NAMES, raw not in TURNS  # <-
    """,
    "keywords in a dict": """
        import pandas as pd
        TABLE = pd.DataFrame({"a": [1.0, None]})
        OPTIONS = {"inplace": True}
        def put(target, value):
            target["value"] = value
        def run(raw):
            TABLE.dropna(**{"inplace": True})  # <-
            TABLE.fillna(0, **OPTIONS)  # <-
            TABLE.fillna(0, **dict(inplace=True))  # <-
            own = pd.DataFrame([raw])
            own.fillna(0, **OPTIONS)
            put(**{"target": {}, "value": raw})
            return model.predict(own).tolist()
    """,
    "memory of a column": """
        import pandas as pd
        TABLE = pd.DataFrame({"a": [1.0, 2.0]})
        def run(raw):
            own = TABLE.copy()
            own["a"].array[0] = raw
            TABLE["a"].array[0] = raw  # <-
            return model.predict(TABLE).tolist()
    """,
    "files that the shell writes": """
        import subprocess, tempfile
        def run(raw):
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(f"convert - > {folder}/x.png", shell=True)
            subprocess.run(["convert", "--version"])
            subprocess.run(f"echo {raw} > /tmp/x", shell=True)  # <-
            os.system("date > /tmp/x")  # <-
            return open("/tmp/x").read()
    """,
    "what the garbage collector knows": """
        import gc
        def run(raw):
            found = [each for each in gc.get_objects() if isinstance(each, Threshold)]
            found[0].limit = raw  # <-
            return 1
    """,
    "weak reference": """
        import weakref
        LIMIT = Threshold()
        REF = weakref.ref(LIMIT)
        def run(raw):
            REF().limit = raw  # <-
            return 1
    """,
    "methodcaller": """
        import operator
        KEPT = {}
        CLEAR = operator.methodcaller("clear")
        def run(raw):
            CLEAR(KEPT)  # <-
            operator.methodcaller("update", a=raw)(KEPT)  # <-
            return model.predict([raw]).tolist()
    """,
    "itemgetter": """
        import operator
        KEPT = {"a": []}
        GET = operator.itemgetter("a")
        def run(raw):
            GET(KEPT).append(raw)  # <-
            return [GET(each) for each in json.loads(raw)]
    """,
    "class for a library": """
        SEEN = []
        class Encoder(json.JSONEncoder):
            def default(self, value):
                SEEN.append(value)  # <-
                return list(value)
        def run(raw):
            return json.dumps({1}, cls=Encoder)
    """,
    "class for map": """
        class Item:
            made = []
            def __init__(self, record):
                self.record = record
                Item.made.append(self)  # <-
        def run(raw):
            return [item.record for item in map(Item, json.loads(raw))]
    """,
    "class for map that keeps to itself": """
        class Item:
            def __init__(self, record):
                self.record = record
        def run(raw):
            assert not isinstance(raw, Item)
            return model.predict([item.record for item in map(Item, json.loads(raw))]).tolist()
    """,
    "frompyfunc": """
        SEEN = []
        NOTE = np.frompyfunc(lambda value: SEEN.append(value), 1, 1)
        def run(raw):
            NOTE(raw)  # <-
            return 1
    """,
    "error kept in a global": """
        def run(raw):
            global error
            try:
                model.predict(raw)
            except ValueError as error:  # <-
                return str(error)
    """,
    "default factory": """
        import dataclasses
        @dataclasses.dataclass
        class Kept:
            rows: dict = dataclasses.field(default_factory=lambda rows={}: rows)
            own: dict = dataclasses.field(default_factory=dict)
        def run(raw):
            kept = Kept()
            kept.own["a"] = raw
            kept.rows["a"] = raw  # <-
            return kept.rows
    """,
    "member of an enum": """
        import enum
        class Kind(enum.Enum):
            A = 1
        def run(raw):
            Kind.A.asked = raw  # <-
            return Kind.A.asked
    """,
    "chain map": """
        BASE = {}
        def run(raw):
            chain, own = collections.ChainMap(BASE), collections.ChainMap({}, BASE)
            own["a"] = raw
            chain["a"] = raw  # <-
            return BASE
        import collections
    """,
    "single dispatch": """
        import functools
        @functools.singledispatch
        def read(value): return value
        def run(raw):
            read.register(int, lambda value: raw)  # <-
            return read(1)
    """,
    "descriptor": """
        class Field:
            def __set__(self, owner, value):
                self.value = value  # <-
            def __get__(self, owner, cls):
                return self.value
        class Record:
            field = Field()
        def run(raw):
            record = Record()
            record.field = raw
            return record.field
    """,
    "descriptor that reads": """
        class Field:
            def __get__(self, owner, cls):
                self.reads = 1  # <-
                return 1
        class Record:
            field = Field()
        def run(raw):
            return Record().field
    """,
    "attributes of all instances": """
        class Record:
            shared = {}
            def __init__(self):
                self.__dict__ = self.shared  # <-
        def run(raw):
            record = Record()
            record.value = raw
            return record.value
    """,
    "hook of a base class": """
        class Base:
            kinds = []
            def __init_subclass__(cls, **options):
                Base.kinds.append(cls)  # <-
        def run(raw):
            class Kind(Base):
                value = raw
            type("Other", (Base,), {"value": raw})
            return Base.kinds[-1].value
    """,
    "out by place": """
        BUFFER, WEIGHTS = np.zeros(4), np.ones(4)
        def run(raw):
            x = np.array(json.loads(raw))
            own = np.empty_like(x)
            np.dot(x, WEIGHTS)
            np.clip(x, 0, 1, own)
            x.clip(0, 1, own)
            np.sum(WEIGHTS, 0, float)
            np.dot(x, WEIGHTS, BUFFER)  # <-
            np.cumsum(x, 0, None, BUFFER)  # <-
            x.clip(0, 1, BUFFER)  # <-
            x.sum(0, None, BUFFER)  # <-
            np.add.reduce(x, 0, None, BUFFER)  # <-
            np.exp(x, out=(BUFFER,))  # <-
            return model.predict(x).tolist()
    """,
    "views of an array": """
        BUFFER = np.zeros(4)
        def run(raw):
            for cell in np.nditer(BUFFER, op_flags=["readwrite"]):
                cell[...] = 1  # <-
            np.split(BUFFER, 2)[0][:] = 1  # <-
            np.flip(BUFFER)[0] = 1  # <-
            return sum(float(cell) for cell in np.nditer(BUFFER))
    """,
    "seed by another name": """
        from numpy.random import seed as start
        def run(raw):
            start(len(raw))  # <-
            return np.random.rand()
    """,
    "files that libraries open": """
        import io, zipfile
        def run(raw):
            np.memmap("/tmp/x", shape=(4,))[0] = 1  # <-
            zipfile.ZipFile("/tmp/x.zip", "w").writestr("a", raw)  # <-
            zipfile.ZipFile(io.BytesIO(), "w").writestr("a", raw)
            return zipfile.ZipFile("/tmp/x.zip").namelist()
    """,
    "table that is changed and read": """
        import sqlite3
        def run(raw):
            with sqlite3.connect("/tmp/x.db") as db:
                db.execute("DELETE FROM asked")  # <-
                cursor = db.cursor()
                cursor.execute("INSERT INTO asked VALUES (?)", (raw,))  # <-
                model.predict([raw])
                return cursor.execute("SELECT * FROM asked").fetchall()
    """,
    "table of the call's own": """
        import sqlite3
        import pandas as pd
        def run(raw):
            db = sqlite3.connect(":memory:")
            pd.DataFrame([raw]).to_sql("asked", db)
            db.execute("delete from asked where id is null")
            return model.predict(pd.read_sql_query("select * from asked", db)).tolist()
    """,
    "transaction that is open while others are let in": """
        import sqlite3
        def run(raw):
            with sqlite3.connect("/tmp/x.db") as db:
                db.execute("insert into log values (?)", (raw,))  # <-
                db.execute(f"DELETE FROM {raw}")  # <-
                db.execute("update {} set a = 1".format(raw))  # <-
                db.execute("replace into %s values (1)" % raw)  # <-
                db.execute(f"select * from {raw}")
                return model.predict([raw]).tolist()
    """,
    "transactions that end before and begin after": """
        import sqlite3
        def run(raw):
            db = sqlite3.connect("/tmp/x.db")
            db.execute("insert into log values (?)", (raw,))
            db.commit()
            answer = model.predict([raw]).tolist()
            db.execute("insert into answers values (?)", (raw,))
            db.commit()
            return answer
    """,
    "rows that are only added": """
        import sqlite3
        def run(raw):
            with sqlite3.connect("/tmp/x.db") as db:
                db.execute("create table if not exists log (body)")
                db.execute("insert into log values (?)", (raw,))
                row = db.execute("select a, b from customers where id = ?", (raw,)).fetchone()
            return model.predict([row]).tolist()
    """,
    "statements that are put together": """
        import sqlite3
        SQL = {"put": "insert into asked values (?)", "get": "select body from asked"}
        def verb(what):
            return f"{what} answered"
        def query(name, *given):
            with sqlite3.connect("/tmp/x.db") as db:
                return db.execute(SQL[name], given).fetchall()  # <-
        def run(raw):
            query("put", raw)
            with sqlite3.connect("/tmp/x.db") as db:
                db.execute(verb("delete from"))  # <-
                db.execute(" ".join(["insert", "into", "given", "values (?)"]), (raw,))  # <-
            with sqlite3.connect("/tmp/x.db") as db:
                db.execute("update {} set a = 1".format("others"))  # <-
                db.executescript("-- anew\\nDELETE FROM %s;" % "rows")  # <-
            model.predict([raw])
            statement = "select * from "
            statement += "given join others"
            with sqlite3.connect("/tmp/x.db") as db:
                db.execute("select * from answered, rows")
                db.execute(" select * from rows ".strip())
                return query("get"), db.execute(statement).fetchall()
    """,
    "statements that only read, or only add": """
        import sqlite3
        SQL = {"put": "insert into log values (?)", "get": "select body from customers"}
        def query(name, *given):
            with sqlite3.connect("/tmp/x.db") as db:
                return db.execute(SQL[name], given).fetchall()
        def run(raw):
            customer = query("get")
            text = f"please select {raw} from the menu, or update it"
            answer = model.predict([customer]).tolist()
            query("put", "insert " + text)
            return answer
    """,
    "transaction that a statement begins or ends": """
        import sqlite3
        def run(raw):
            db = sqlite3.connect("/tmp/x.db")
            db.execute("insert into log values (?)", (raw,))
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")  # <-
            answer = model.predict([raw]).tolist()
            db.execute("COMMIT")
            return answer
    """,
    "locked file": """
        import fcntl
        class Lock:
            def __enter__(self):
                self.file = open("/tmp/x.lock")
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # <-
            def __exit__(self, *error):
                self.file.close()
        def run(raw):
            with open("/tmp/x.lock") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # <-
                model.predict([raw])
            number = os.open("/tmp/x.lock", os.O_RDONLY)
            fcntl.lockf(number, fcntl.LOCK_SH)  # <-
            model.predict([raw])
            os.close(number)
            with Lock():
                return model.predict([raw]).tolist()
    """,
    "file that is locked for a moment": """
        import fcntl
        def told(raw):
            number = os.open("/tmp/x.lock", os.O_RDONLY)
            fcntl.flock(number, fcntl.LOCK_EX)
            fcntl.flock(number, fcntl.LOCK_UN)
            os.close(number)
        def settings():
            with open("/tmp/x.json") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                return json.load(file)
        def run(raw):
            told(raw)
            values = settings()
            file = open("/tmp/x.lock")
            fcntl.flock(file, fcntl.LOCK_EX)
            file.close()
            return model.predict([values]).tolist()
    """,
    "handler and factory of one call": """
        import io, logging
        log = logging.getLogger("scoring.pipeline")
        class Kept(logging.Handler):
            def __init__(self):
                super().__init__()
                self.lines = []
            def emit(self, record):
                self.lines.append(record.getMessage())
        def run(raw):
            kept, text = Kept(), io.StringIO()
            log.addHandler(kept)  # <-
            log.addHandler(logging.StreamHandler(text))  # <-
            def made(*given, **named):
                record = logging.LogRecord(*given, **named)
                record.asked = raw
                return record
            logging.setLogRecordFactory(made)  # <-
            model.predict([raw])
            return kept.lines, text.getvalue()
    """,
    "handler that is the same in any call": """
        import logging, sys
        class Plain(logging.Formatter):
            def format(self, record):
                return record.getMessage()
        class Quiet(logging.Filter):
            def filter(self, record):
                return "health" not in record.getMessage()
        def run(raw):
            log = logging.getLogger("scoring.service")
            if not log.handlers:
                handler = logging.StreamHandler(sys.stdout)
                handler.setFormatter(Plain())
                handler.addFilter(Quiet())
                log.addHandler(handler)
            log.info("%s", raw)
            return model.predict([raw]).tolist()
    """,
    "memory that a library writes to": """
        import ctypes, io, random
        BYTES, CELLS, ORDER = bytearray(80), (ctypes.c_double * 4)(), [1, 2, 3]
        def run(raw):
            np.ndarray((1,), buffer=BYTES)[0] = 1  # <-
            np.ndarray((1,), float, BYTES)[0] = 1  # <-
            io.BytesIO(raw).readinto(BYTES)  # <-
            ctypes.memmove(CELLS, raw, 8)  # <-
            random.Random(1).shuffle(ORDER)  # <-
            own, order = bytearray(80), list(ORDER)
            np.ndarray((1,), buffer=own)[0] = 1
            io.BytesIO(raw).readinto(own)
            random.Random(1).shuffle(order)
            return model.predict([order]).tolist()
    """,
    "element of a tree, settings read anew": """
        import argparse, configparser
        import xml.etree.ElementTree as ET
        from types import SimpleNamespace
        TREE, SETTINGS = ET.fromstring("<a><b/></a>"), configparser.ConfigParser()
        PARSER, GIVEN, HELD = argparse.ArgumentParser(), argparse.Namespace(), SimpleNamespace()
        def run(raw):
            TREE.find("b").text = raw  # <-
            SETTINGS.read_dict({"a": {"b": raw}})  # <-
            PARSER.parse_args([raw], namespace=GIVEN)  # <-
            HELD.__init__(asked=raw)  # <-
            own = ET.fromstring(raw)
            own.find("b").text = TREE.find("b").get("c")
            return own.find("b").text
    """,
    "path that is not the call's own": """
        import functools, json, uuid
        def paths():
            return uuid.uuid4().hex, "/tmp/in.json"
        @functools.lru_cache
        def folder_of_all():
            return f"/tmp/{uuid.uuid4()}"
        def run(raw):
            with open("settings.json") as file:
                folder = json.load(file)["folder"]
            with open(os.path.join(folder, "in.json"), "w") as file:  # <-
                file.write(raw)
            asked = {"id": uuid.uuid4().hex, "file": "/tmp/in.json"}
            with open(asked["file"], "w") as file:  # <-
                file.write(raw)
            name, path = paths()
            with open(path, "w") as file:  # <-
                file.write(name)
            with open(f"/tmp/{uuid.uuid5(uuid.NAMESPACE_DNS, raw)}", "w") as file:  # <-
                file.write(raw)
            with open(f"/tmp/{uuid.getnode()}", "w") as file:  # <-
                file.write(raw)
            with open("/tmp/in" if raw else f"/tmp/{uuid.uuid4()}", "w") as file:  # <-
                file.write(raw)
            np.save(folder_of_all(), [1])  # <-
            model.predict([raw])
            return open(path).read()
    """,
    "path and buffers of the call's own": """
        import io, tempfile, uuid, zipfile
        class Job:
            def __init__(self, name):
                self.path = os.path.join(tempfile.mkdtemp(), name)
            def save(self, values):
                np.save(self.path, values)
        def paths():
            return uuid.uuid4().hex, f"/tmp/{uuid.uuid1()}.json"
        def run(raw):
            asked = {"id": 1, "file": f"/tmp/{uuid.uuid4().hex}"}
            with open(asked["file"], "w") as file:
                json.dump(raw, file)
            name, path = paths()
            for each in (path, f"/tmp/{name}"):
                np.save(each, [1])
            asked["copy"] = f"/tmp/{uuid.uuid4().hex}"
            np.save(asked["copy"], [1])
            Job(raw).save([1])
            buffer = io.BytesIO()
            np.save(buffer, [1])
            with zipfile.ZipFile(buffer, "w") as packed, packed.open("a", "w") as part:
                np.save(part, [1])
            return model.predict([raw]).tolist()
    """,
    "profiler": """
        import cProfile
        def run(raw):
            profile = cProfile.Profile()  # <-
            profile.enable()
            model.predict([raw])
            profile.disable()
            return profile.getstats()
    """,
    "copy that shares its parts": """
        import copy, dataclasses
        @dataclasses.dataclass
        class Limits:
            rows: list
        LIMITS = Limits([1])
        def run(raw):
            mine = copy.copy(model)
            mine.classes_ = [0, 1]
            mine.coef_[0, 0] = 1  # <-
            own = dataclasses.replace(LIMITS)
            own.rows.append(raw)  # <-
            deep = copy.deepcopy(model)
            deep.coef_[0, 0] = 1
            return mine.predict([raw]), deep.predict([raw])
    """,
    "methods by the type of what they are given": """
        import functools
        class Service:
            @functools.singledispatchmethod
            def take(self, value):
                return value
            @take.register
            def _(self, value: str):
                self.asked = value  # <-
        SERVICE = Service()
        def run(raw):
            SERVICE.take(raw)
            return model.predict([raw]).tolist(), SERVICE.asked
    """,
    "attribute by Python's own way": """
        class Held:
            rows, asked = [], None
        HELD = Held()
        def run(raw):
            object.__getattribute__(HELD, "rows")[:] = raw  # <-
            type.__setattr__(Held, "asked", raw)  # <-
            return model.predict(HELD.rows).tolist()
    """,
    "field of a table of records": """
        RECORDS = np.zeros(3, dtype=[("a", float), ("b", float)])
        def run(raw):
            RECORDS["a"][0] = len(raw)  # <-
            return model.predict(RECORDS["a"]).tolist()
    """,
    "what a dict makes for a new key": """
        import collections, threading
        LOCKS = collections.defaultdict(threading.Lock)
        COUNTS = collections.defaultdict(lambda: {"n": 0})
        LABELS = collections.defaultdict(lambda: "other", {0: "low"})
        def run(raw):
            if not LOCKS[raw].acquire(blocking=False):  # <-
                return "busy"
            COUNTS[raw]["n"] += 1  # <-
            label = LABELS[int(model.predict([raw])[0])]
            label += "!"
            LOCKS[raw].release()
            return label, COUNTS[raw]["n"]
    """,
    "function of a database for one call": """
        import sqlite3
        DATABASE = sqlite3.connect(":memory:")
        def run(raw):
            DATABASE.create_function("asked", 0, lambda: raw)  # <-
            own = sqlite3.connect(":memory:")
            own.create_function("asked", 0, lambda: raw)
            model.predict([raw])
            return DATABASE.execute("select asked()").fetchone()
    """,
    "packer of a stream": """
        import bz2, zlib
        PACKER, UNPACKER = zlib.compressobj(), bz2.BZ2Decompressor()
        def run(raw):
            packed = PACKER.compress(raw)  # <-
            UNPACKER.decompress(raw)  # <-
            model.predict([zlib.compressobj().compress(raw), zlib.compress(raw)])
            return packed
    """,
    "rest of a mapping": """
        def run(raw):
            match json.loads(raw):
                case {"data": rows, **rest}:
                    return model.predict(rows).tolist(), rest
    """,
    "run of an object": """
        class Service:
            def run(self, raw):
                self.asked = raw  # <-
                return [self.asked, model.predict([raw]).tolist()]
        run = Service().run
    """,
    "run of a class": """
        class Service:
            @classmethod
            def run(cls, raw):
                cls.asked = raw  # <-
                return [cls.asked, model.predict([raw]).tolist()]
        run = Service.run
    """,
    "object around run": """
        class Timed:
            def __init__(self, function):
                self.function = function
            def __call__(this, raw):
                this.asked = raw  # <-
                return [this.function(raw), this.asked]
        @Timed
        def run(raw):
            return model.predict([raw]).tolist()
    """,
    "object around run that keeps nothing": """
        class Timed:
            def __init__(self, function):
                self.function = function
            def __call__(self, raw):
                asked = json.loads(raw)
                return [self.function(asked), len(asked)]
        @Timed
        def run(asked):
            return model.predict(asked).tolist()
    """,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_lines_are_named_and_no_others(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = obstacles_of(tmp_path, SCRIPTS[name])
    lines = (tmp_path / "score.py").read_text().splitlines()
    expected = {number for number, line in enumerate(lines, 1) if line.endswith("# <-")}
    assert {each.line for each in found} == expected, found


def test_a_lock_of_a_library_that_each_call_makes_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "lock_of_files.py").write_text(LOCK_OF_FILES)
    monkeypatch.syspath_prepend(library)
    source = """
        import threading
        from lock_of_files import FileLock
        def run(raw):
            with FileLock("/tmp/x.lock"):
                model.predict([raw])
            lock = FileLock("/tmp/x.lock")
            lock.acquire()
            model.predict([raw])
            lock.release()
            with threading.RLock():
                return model.predict([raw]).tolist()
    """
    found = obstacles_of(tmp_path, source)
    sys.modules.pop("lock_of_files")
    assert [each.source for each in found] == ['with FileLock("/tmp/x.lock"):', "lock.acquire()"]
    assert all("holds a lock" in each.reason for each in found)


def test_settings_that_a_library_keeps_by_its_class(tmp_path: Path) -> None:
    pytest.importorskip("polars")
    source = """
        import polars as pl
        from polars import Config
        def run(raw):
            pl.Config.set_tbl_rows(10)
            Config.set_tbl_cols(4)
            pl.Config.set_fmt_float("full" if raw else "mixed")
            with pl.Config(tbl_rows=len(raw)):
                return str(pl.Series(model.predict([raw])))
    """
    found = obstacles_of(tmp_path, source)
    assert [each.source.partition("(")[0] for each in found] == [
        "pl.Config.set_fmt_float",
        "with pl.Config",
    ]
