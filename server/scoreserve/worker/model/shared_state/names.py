"""What functions and methods of libraries do, by their names.

A library's code is not looked into. What is known of it is here: which calls change what they are
called on, which give a part of it rather than something new, which change the whole process, which
write files. What is not named changes nothing: most of what run() calls only reads.
"""

from __future__ import annotations


def words(text: str) -> list[str]:
    """Names, written as a text."""
    return text.split()


# --- methods that change what they are called on ------------------------------------------------

CONTAINER_MUTATORS = frozenset(
    words(
        """
    append appendleft extend extendleft insert remove pop popitem popleft clear sort reverse
    rotate add discard update setdefault move_to_end subtract difference_update
    intersection_update symmetric_difference_update __setitem__ __delitem__ __iadd__ __ior__
    __isub__ __iand__ __ixor__ __imul__ __setattr__ __delattr__ __setstate__ __init__ write
    push put release from_mapping from_object from_pyfile from_envvar from_prefixed_env
    """
    )
)

# Of pandas and numpy, nearly all of whose methods give something new.
TABLE_MUTATORS = frozenset(
    words(
        """
    insert pop update sort fill resize put itemset partition setflags setfield byteswap
    append_ __setitem__ __delitem__ __iadd__ __isub__ __imul__ __itruediv__ __setstate__
    """
    )
)

LIBRARY_MUTATORS = frozenset(
    words(
        """
    append appendleft extend insert remove pop popitem popleft clear setdefault sort reverse
    shuffle add discard put put_nowait get_nowait push enqueue dequeue partial_fit refit
    train backward step zero_grad reset seed fill resize increment decrement advance half
    double bfloat16 requires_grad_ set compile build freeze unfreeze merge_and_unload
    load_state_dict load_weights load_model load_adapter load_params load_parameters
    apply_gradients set_weights fuse unfuse __setitem__ __delitem__ __setattr__ __delattr__
    __setstate__ __next__ __init__ cache_clear tick update callback enter_context read_dict
    read_string create_function create_aggregate create_collation spawn replace_header
    """
    )
)
LIBRARY_MUTATOR_PREFIXES = (
    *("fit", "update_", "add_", "set_", "write", "put_", "push_", "insert_", "remove_", "delete_"),
    *("reset_", "learn_", "register_", "unregister_", "enable_", "disable_", "append_", "train_"),
    *("clear_", "increment_", "pop_"),
)
# Methods of a class that change it, or what all that use it have.
CLASS_MUTATORS = (
    *("set_", "reset_", "register_", "enable_", "disable_", "__setattr__", "__delattr__"),
)
# What only sets what is set already, or changes nothing that an answer depends on.
LIBRARY_READERS = frozenset(("set_description", "write_log", "add_metric", "fit_resample"))

# Gone as soon as they are called: nothing reads them back.
FIRE_AND_FORGET = (
    *("logging", "prometheus_client", "opencensus", "opentelemetry", "applicationinsights"),
    *("loguru", "structlog", "statsd", "datadog", "ddtrace", "warnings", "sentry_sdk"),
)

TABLES = ("pandas", "numpy", "scipy", "polars", "pyarrow")

# --- what they give back ------------------------------------------------------------------------

# Methods whose result is the object itself, or shares its memory.
VIEW_METHODS = frozenset(
    words(
        """
    reshape ravel view squeeze transpose swapaxes diagonal to_numpy numpy detach to cpu cuda
    float eval unsqueeze expand permute flatten narrow chunk split_with_sizes as_strided
    get_booster getdata getbuffer __enter__ __iter__ get_submodule children modules
    parameters named_parameters state_dict buffers get_params get_layer named_modules
    named_children find getroot
    """
    )
)
# Methods by which a container keeps what it is given.
KEEPING_METHODS = frozenset(
    words(
        """
    append appendleft extend extendleft insert add update setdefault __setitem__ push put
    put_nowait move_to_end __init__
    """
    )
)
# Methods that give an item, or all of them.
ITEM_METHODS = frozenset(
    ["get", "pop", "popitem", "popleft", "setdefault", "__getitem__", "__next__", "item_at", "peek"]
)
COLLECTION_METHODS = frozenset(["items", "values", "copy", "elements", "most_common"])

# Functions whose result may be one of their arguments, or share its memory.
ALIASING = frozenset(
    words(
        """
    numpy.asarray numpy.asanyarray numpy.ascontiguousarray numpy.atleast_1d numpy.atleast_2d
    numpy.atleast_3d numpy.reshape numpy.ravel numpy.squeeze numpy.transpose
    numpy.expand_dims numpy.broadcast_to numpy.moveaxis numpy.swapaxes numpy.frombuffer
    numpy.rollaxis numpy.flip numpy.fliplr numpy.flipud numpy.rot90 numpy.diagonal
    numpy.real numpy.imag
    numpy.lib.stride_tricks.as_strided numpy.lib.stride_tricks.sliding_window_view
    collections.ChainMap
    torch.as_tensor torch.from_numpy torch.unsqueeze torch.squeeze torch.reshape
    numpy.require numpy.asfortranarray numpy.asfarray numpy.asarray_chkfinite
    sklearn.utils.check_array sklearn.utils.validation.check_array
    builtins.memoryview typing.cast contextlib.nullcontext contextlib.closing weakref.proxy
    operator.itemgetter builtins.iter builtins.super
    """
    )
)
# Functions and methods whose result shares the memory where this keyword tells them to.
SHARING_IF_TOLD = {
    **dict.fromkeys(words("numpy.array pandas.DataFrame pandas.Series"), "copy"),
    # Their names before pandas 3.
    **dict.fromkeys(words("pandas.core.frame.DataFrame pandas.core.series.Series"), "copy"),
    **dict.fromkeys(words("astype rename set_axis reindex"), "copy"),
    "copy": "deep",
}
# Functions whose result is new and holds the items of their arguments.
COPYING = frozenset(
    words(
        """
    builtins.list builtins.tuple builtins.dict builtins.set builtins.frozenset
    builtins.sorted builtins.zip builtins.enumerate builtins.reversed builtins.filter
    builtins.map copy.copy itertools.chain itertools.islice itertools.cycle
    itertools.product itertools.repeat collections.OrderedDict collections.defaultdict
    collections.deque collections.Counter types.SimpleNamespace
    types.MappingProxyType numpy.nditer numpy.split numpy.array_split numpy.hsplit numpy.vsplit
    numpy.broadcast_arrays
    """
    )
)
# Functions whose result has the attributes of their first argument.
COPYING_ATTRIBUTES = frozenset(["copy.copy", "copy.replace", "dataclasses.replace"])
# Functions whose result is one of the items of their arguments.
CHOOSING = frozenset(
    [
        "builtins.next",
        "builtins.max",
        "builtins.min",
        "random.choice",
        "random.sample",
        "random.choices",
        "functools.reduce",
        "operator.getitem",
        "heapq.heappop",
        "heapq.nlargest",
        "heapq.nsmallest",
    ]
)
# What tells something of a value that others' values have too.
TELLING_FUNCTIONS = frozenset(
    words("builtins.len builtins.bool builtins.type builtins.isinstance builtins.callable")
)
TELLING_ATTRIBUTES = frozenset(["version", "variant", "__class__"])
UNIQUE_FUNCTIONS = frozenset(
    [
        *("tempfile.mkstemp", "tempfile.mkdtemp", "tempfile.NamedTemporaryFile"),
        *("tempfile.TemporaryFile", "tempfile.TemporaryDirectory", "tempfile.mktemp"),
        *("tempfile.SpooledTemporaryFile", "os.getrandom"),
        *("uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7"),
        *("secrets.token_bytes", "secrets.token_hex", "secrets.token_urlsafe"),
        "os.urandom",
        "time.time_ns",
        "time.perf_counter_ns",
        "time.monotonic_ns",
        "os.open",
        "os.fdopen",
        "os.pipe",
    ]
)

# --- functions that change an argument ----------------------------------------------------------

# Name, and which argument.
CHANGING_ARGUMENT = {
    **dict.fromkeys(
        words(
            """
    heapq.heappush heapq.heappop heapq.heapify heapq.heapreplace heapq.heappushpop
    bisect.insort bisect.insort_left bisect.insort_right random.shuffle numpy.random.shuffle
    numpy.put numpy.place numpy.copyto numpy.putmask numpy.put_along_axis
    numpy.fill_diagonal numpy.add.at numpy.subtract.at numpy.multiply.at operator.setitem
    operator.delitem operator.iadd operator.isub operator.imul operator.ior operator.iand
    operator.iconcat operator.ixor operator.itruediv builtins.setattr builtins.delattr
    torch.nn.utils.clip_grad_norm_ torch.nn.utils.vector_to_parameters object.__setattr__
    builtins.next ctypes.memmove ctypes.memset xml.etree.ElementTree.SubElement
    lxml.etree.SubElement
    """
        ),
        0,
    ),
    "struct.pack_into": 1,
    "pickle.dump": 1,
    "json.dump": 1,
    "yaml.dump": 1,
    "torch.nn.utils.parameters_to_vector": -1,
}
# Functions that change their first argument where they are told `copy=False`.
COPYING_UNLESS_TOLD = ("numpy.nan_to_num", "sklearn.preprocessing.")
# Methods that change their first argument, whatever they are called on.
CHANGING_FIRST = frozenset(
    words("readinto readinto1 recv_into recvfrom_into pack_into shuffle __set__ __delete__")
)
# Functions of numpy that may be told where to write without the keyword, and in which place; of the
# methods of these names, it is one place before that.
OUT_ARGUMENT = {
    **dict.fromkeys(["all", "any", "amax", "amin", "max", "min", "ptp"], 2),
    **dict.fromkeys(["argmax", "argmin", "round", "around", "dot", "choose", "outer"], 2),
    **dict.fromkeys(["concatenate", "stack", "median", "nanmax", "nanmin", "nanmedian"], 2),
    **dict.fromkeys(["sum", "prod", "mean", "nansum", "nanprod", "nanmean", "cumsum"], 3),
    **dict.fromkeys(["cumprod", "std", "var", "nanstd", "nanvar", "nancumsum", "clip"], 3),
    **dict.fromkeys(["take", "compress", "percentile", "quantile"], 3),
    **dict.fromkeys(["nanpercentile", "nanquantile"], 3),
    "trace": 5,
}
# Methods of numpy's operators (numpy.add.reduce), and where they may be told so.
OUT_ARGUMENT_OF_OPERATORS = {"reduce": 3, "accumulate": 3, "reduceat": 4}
# Keywords that name what a function writes to.
WRITTEN_KEYWORDS = ("out", "dst", "file", "where_out", "namespace")
# What is the memory of the result: a keyword, and the place of numpy.ndarray().
MEMORY = {"numpy.ndarray": 2}
MEMORY_KEYWORD = "buffer"

# --- functions that give what other calls see too ------------------------------------------------

SHARING = frozenset(
    words(
        """
    sys._getframe inspect.currentframe inspect.stack inspect.getmodule inspect.trace
    gc.get_objects gc.get_referrers gc.get_referents logging.getLogger logging.getLoggerClass
    logging.getHandlerByName threading.current_thread threading.main_thread threading.enumerate
    multiprocessing.current_process multiprocessing.parent_process asyncio.current_task
    sys.getallocatedblocks importlib.import_module pkgutil.resolve_name
    torch.get_default_device matplotlib.pyplot.gcf matplotlib.pyplot.gca
    """
    )
)
SHARING_CLASSES = {"logging.getLogger": "Logger"}

# --- settings: the same in all calls, they change nothing ----------------------------------------

SETTINGS = frozenset(
    words(
        """
    warnings.simplefilter warnings.filterwarnings logging.basicConfig logging.disable
    logging.setLoggerClass logging.setLogRecordFactory logging.addLevelName
    logging.captureWarnings
    """
    )
)
SETTING_METHODS = frozenset(["setLevel", "setFormatter", "addFilter", "addHandler"])
# Of the whole process, and harmless where run() only ever sets the same constants.
REPEATABLE = frozenset(
    words(
        """
    pandas.set_option numpy.set_printoptions torch.set_grad_enabled torch.set_num_threads
    torch.set_num_interop_threads torch.set_printoptions torch.set_float32_matmul_precision
    """
    )
)

# --- the process, and what libraries keep for all ------------------------------------------------

PROCESS = "changes what belongs to the whole process"
THREADS = "starts a thread, a process or a pool"
LOOP = "runs an event loop"
SEEDS = "seeds a random generator that all calls draw from"
FIGURE = "draws on pyplot's current figure"
CODE = "runs code that cannot be seen beforehand"

_CALLS = {
    PROCESS: """os.chdir os.fchdir os.umask os.putenv os.unsetenv os.nice os.setuid os.setgid
        os.chroot sys.setrecursionlimit sys.settrace sys.setprofile sys.setswitchinterval
        sys.set_int_max_str_digits sys.displayhook locale.setlocale
        decimal.setcontext decimal.getcontext time.tzset socket.setdefaulttimeout
        csv.field_size_limit resource.setrlimit
        signal.signal signal.alarm signal.setitimer signal.pthread_sigmask signal.siginterrupt
        importlib.reload builtins.__import__ os.fork os.dup2
        cProfile.Profile profile.Profile line_profiler.LineProfiler pyinstrument.Profiler
        torch.profiler.profile torch.autograd.profiler.profile
        tracemalloc.start tracemalloc.stop tracemalloc.reset_peak tracemalloc.clear_traces
        functools.singledispatch.<locals>.register
        random.setstate numpy.random.set_state
        numpy.seterr numpy.seterrcall numpy.setbufsize numpy.set_printoptions
        numpy.set_string_function pandas.set_option pandas.reset_option
        pandas.api.extensions.register_dataframe_accessor
        sklearn.set_config sklearn.utils.set_config xgboost.set_config
        torch.set_grad_enabled torch.set_default_dtype torch.set_default_tensor_type
        torch.set_default_device torch.set_num_threads torch.set_num_interop_threads
        torch.set_printoptions torch.set_flush_denormal torch.set_float32_matmul_precision
        torch.set_deterministic_debug_mode torch.use_deterministic_algorithms
        torch.set_rng_state torch.cuda.set_device torch.cuda.set_rng_state
        torch.backends.cudnn.flags torch.set_autocast_enabled
        tensorflow.keras.backend.clear_session tensorflow.keras.backend.set_learning_phase
        tensorflow.keras.backend.set_floatx tensorflow.keras.backend.set_session
        tensorflow.keras.backend.set_image_data_format
        tensorflow.keras.mixed_precision.set_global_policy
        tensorflow.config.run_functions_eagerly tensorflow.compat.v1.reset_default_graph
        tensorflow.compat.v1.disable_eager_execution tensorflow.compat.v1.keras.backend.set_session
        keras.backend.clear_session keras.backend.set_learning_phase keras.backend.set_session
        keras.backend.set_floatx keras.mixed_precision.set_global_policy keras.config.set_floatx
        keras.utils.clear_session
        tensorflow.config.set_visible_devices tensorflow.config.set_soft_device_placement
        mlflow.start_run mlflow.end_run mlflow.set_experiment mlflow.set_tracking_uri
        mlflow.set_tag mlflow.log_metric mlflow.log_param mlflow.log_metrics mlflow.log_params
        nltk.data.path.append gettext.install gettext.textdomain mimetypes.add_type
        codecs.register codecs.register_error copyreg.pickle atexit.register
        seaborn.set seaborn.set_theme seaborn.set_style seaborn.set_palette seaborn.set_context
        cv2.setRNGSeed cv2.setUseOptimized cv2.setNumThreads""",
    SEEDS: """random.seed numpy.random.seed torch.manual_seed torch.cuda.manual_seed
        torch.cuda.manual_seed_all torch.random.manual_seed torch.seed torch.random.seed
        torch.random.set_rng_state tensorflow.random.set_seed tensorflow.set_random_seed
        tensorflow.compat.v1.set_random_seed tensorflow.keras.utils.set_random_seed
        keras.utils.set_random_seed transformers.set_seed transformers.enable_full_determinism
        pytorch_lightning.seed_everything lightning.seed_everything accelerate.utils.set_seed
        onnxruntime.set_seed mxnet.random.seed""",
    THREADS: """threading.Thread threading.Timer _thread.start_new_thread _thread.start_new
        multiprocessing.Process multiprocessing.Pool multiprocessing.pool.ThreadPool
        multiprocessing.pool.Pool multiprocessing.dummy.Pool multiprocessing.Manager
        multiprocessing.set_start_method multiprocessing.context.Process
        concurrent.futures.ThreadPoolExecutor concurrent.futures.ProcessPoolExecutor
        concurrent.futures.thread.ThreadPoolExecutor concurrent.futures.process.ProcessPoolExecutor
        joblib.Parallel joblib.parallel.Parallel torch.multiprocessing.spawn
        torch.multiprocessing.Process gevent.spawn greenlet.greenlet tornado.ioloop.IOLoop""",
    LOOP: """asyncio.run asyncio.get_event_loop asyncio.new_event_loop asyncio.set_event_loop
        asyncio.get_running_loop asyncio.run_coroutine_threadsafe asyncio.Runner
        asyncio.to_thread asyncio.create_task asyncio.ensure_future nest_asyncio.apply
        asgiref.sync.async_to_sync trio.run anyio.run""",
    CODE: "builtins.exec builtins.eval builtins.compile runpy.run_path runpy.run_module",
}
PROCESS_CALLS = {name: reason for reason, names in _CALLS.items() for name in names.split()}

PYPLOT = "matplotlib.pyplot."
PYPLOT_OWN_FIGURE = frozenset(
    ("subplots", "figure", "get_cmap", "colormaps", "Figure", "Normalize")
)

# Harmless around code in which no other call can be let in, and only as `with ...:`.
CONTEXTS = frozenset(
    words(
        """
    pandas.option_context sklearn.config_context xgboost.config_context numpy.printoptions
    contextlib.redirect_stdout contextlib.redirect_stderr contextlib.chdir
    unittest.mock.patch calendar.different_locale matplotlib.pyplot.style.context
    matplotlib.pyplot.rc_context matplotlib.rc_context matplotlib.style.context
    torch.random.fork_rng torch.set_grad_enabled torch.backends.cudnn.flags
    torch.set_default_device mlflow.start_run seaborn.axes_style seaborn.plotting_context
    polars.Config seaborn.color_palette unittest.mock.patch.object unittest.mock.patch.dict
    tensorflow.device tensorflow.compat.v1.Session tensorflow.Session tensorflow.Graph
    """
    )
)
CONTEXT_METHODS = frozenset(("as_default",))
SAVED_BY_US = frozenset(("torch.set_grad_enabled",))  # at each switch, when used as a context

# --- files ---------------------------------------------------------------------------------------

# Name, and which argument is the path.
WRITING_FUNCTIONS = {
    "numpy.save": 0,
    "numpy.savez": 0,
    "numpy.savez_compressed": 0,
    "numpy.savetxt": 0,
    "joblib.dump": 1,
    "pickle.dump": 1,
    "torch.save": 1,
    "cv2.imwrite": 0,
    "imageio.imwrite": 0,
    "imageio.v2.imwrite": 0,
    "imageio.v3.imwrite": 0,
    "skimage.io.imsave": 0,
    "soundfile.write": 0,
    "scipy.io.wavfile.write": 0,
    "scipy.io.savemat": 0,
    "torchvision.utils.save_image": 1,
    "torchaudio.save": 0,
    "librosa.output.write_wav": 0,
    "tensorflow.keras.preprocessing.image.save_img": 0,
    "tensorflow.io.write_file": 0,
    "onnx.save": 1,
    "shutil.copy": 1,
    "shutil.copy2": 1,
    "shutil.copyfile": 1,
    "shutil.copytree": 1,
    "shutil.move": 1,
    "shutil.rmtree": 0,
    "os.rename": 1,
    "os.replace": 1,
    "os.remove": 0,
    "os.unlink": 0,
    "os.rmdir": 0,
    "os.mkdir": 0,
    "os.mkfifo": 0,
    "os.utime": 0,
    "os.symlink": 1,
    "os.link": 1,
    "os.truncate": 0,
    "urllib.request.urlretrieve": 1,
    "safetensors.torch.save_file": 1,
    "shelve.open": 0,
    "dbm.open": 0,
}
SHELL = frozenset(
    words(
        """
    os.system os.popen subprocess.run subprocess.call subprocess.check_call
    subprocess.check_output subprocess.getoutput subprocess.Popen
    """
    )
)
# Name, which argument is the path, which the mode, and the mode where none is given.
OPENING = {
    "zipfile.ZipFile": (0, 1, "r"),
    "tarfile.open": (0, 1, "r"),
    "tarfile.TarFile": (0, 1, "r"),
    "gzip.GzipFile": (0, 1, "r"),
    "bz2.BZ2File": (0, 1, "r"),
    "lzma.LZMAFile": (0, 1, "r"),
    "io.FileIO": (0, 1, "r"),
    "wave.open": (0, 1, "r"),
    "numpy.memmap": (0, 2, "r+"),
    "numpy.lib.format.open_memmap": (0, 1, "r+"),
    "h5py.File": (0, 1, "r"),
    "pandas.HDFStore": (0, 1, "a"),
    "pandas.ExcelWriter": (0, 4, "w"),
    "netCDF4.Dataset": (0, 1, "r"),
    "zarr.open": (0, 2, "a"),
}
# Name, which argument is the path, and its keyword.
WRITING_METHODS = {
    **{
        f"to_{kind}": (0, name)
        for kind, name in (
            *(("csv", "path_or_buf"), ("json", "path_or_buf"), ("parquet", "path")),
            *(("excel", "excel_writer"), ("pickle", "path"), ("feather", "path")),
            *(
                ("hdf", "path_or_buf"),
                ("html", "buf"),
                ("stata", "path"),
                ("xml", "path_or_buffer"),
            ),
        )
    },
    "savefig": (0, "fname"),
    "tofile": (0, "fid"),
    "dump": (0, "file"),
    "save": (0, "fp"),
    "save_model": (0, "fname"),
    "save_pretrained": (0, "save_directory"),
    "save_weights": (0, "filepath"),
    "write_image": (0, "file"),
    "write_html": (0, "file"),
    "write_png": (0, "file"),
    "save_to_disk": (0, "path"),
    "export": (0, "out_f"),
}
WRITING_PATH_METHODS = frozenset(["write_text", "write_bytes", "unlink", "touch", "rmdir"])

# Functions that move on in the open file whose number they are given, or change it.
USING_OPEN_FILES = frozenset(
    words("os.read os.readv os.write os.writev os.pwrite os.pwritev os.lseek os.ftruncate")
)
# Functions that lock a file for all processes, until it is unlocked or closed.
LOCKING_FILES = frozenset(["fcntl.flock", "fcntl.lockf"])
UNLOCK = "LOCK_UN"
LOCKED_FILE = "a locked file"  # as what is held

# Methods that give a lock of a server's or a file's, as of redis, etcd, ZooKeeper.
GIVING_LOCKS = frozenset(
    words("lock Lock RLock ReadLock WriteLock Semaphore read_lock write_lock get_lock")
)

# --- databases -----------------------------------------------------------------------------------

STATEMENT_METHODS = frozenset(["execute", "executemany", "executescript"])
ENDING_TRANSACTION = frozenset(["commit", "rollback", "close"])
TRANSACTION = "a database's transaction"  # as what is held
# Methods of texts that leave a statement what it is.
SAME_STATEMENT = frozenset(["strip", "lstrip", "rstrip", "lower", "upper", "replace", "__str__"])
READING_TABLES = frozenset(["pandas.read_sql", "pandas.read_sql_query"])
DATABASE = "sqlite3.connect"
IN_MEMORY = ":memory:"

# --- calls in which another call may be let in --------------------------------------------------

PREDICTING = frozenset(
    words(
        """
    predict predict_proba predict_log_proba predict_on_batch predict_step decision_function
    score_samples transform inverse_transform fit_transform run forward generate encode
    embed classify infer inference score __call__ apply kneighbors staged_predict
    embed_documents predict_quantiles forecast detect estimate compute shap_values explain
    explain_instance
    """
    )
)

# Methods of the script's own classes that a library calls for it.
CALLED_BY_LIBRARIES = frozenset(
    words(
        """
    transform predict predict_proba predict_log_proba decision_function score_samples
    forward call __call__ inverse_transform get_feature_names_out encode decode tokenize
    preprocess postprocess build_analyzer build_tokenizer deserialize_input input_to_swagger
    load_context default __iter__ __next__ __len__ __getitem__ __getattr__ __array__ func
    kernel metric emit format filter
    """
    )
)

# And those that Python itself calls: len(), print(), sorted(), sum(), int() …
CALLED_BY_PYTHON = frozenset(
    words(
        """
    __str__ __repr__ __format__ __len__ __bool__ __hash__ __eq__ __lt__ __gt__ __iter__ __next__
    __contains__ __int__ __float__ __index__ __abs__ __round__ __add__ __radd__ __bytes__
    __reversed__ __call__ __copy__ __deepcopy__ default
    """
    )
)

# And those that Python calls for nearly anything that is done with an object: as a key, in a
# comparison, in a text, a copy, a look-up. They are gone through for each object that is there.
CALLED_BY_ANYTHING = words(
    """
    __hash__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __index__ __int__ __float__ __str__ __repr__
    __format__ __bytes__ __fspath__ __reduce__ __reduce_ex__ __getstate__ __copy__ __deepcopy__
    __missing__ __getattribute__ __array__ keys
    """
)
CALLED_AT_ITS_END = "__del__"

# Beginnings of methods that a class of Python's own calls of its subclasses, by what it finds.
DISPATCHED = ("visit_", "handle_", "do_")

# Attributes under which wrappers keep what they wrap.
WRAPPED = ("__wrapped__", "py_func", "python_function", "func", "_func", "fn")
