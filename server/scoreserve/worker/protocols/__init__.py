"""Requests that come by another protocol than /score's: their arguments of run(), and its result in
their words.

    served          which protocol a job belongs to, and what it is made of   served.py
    signature       what run() takes, by its schemas                          signature.py
    arguments       values of any kind ─→ arguments of run()                  arguments.py
    tensors         names, datatypes, shapes; JSON and raw bytes              tensors.py
    v2              Open Inference Protocol: requests, responses, metadata    v2*.py
    v1, mlflow      TensorFlow Serving's and MLflow's JSON                    v1.py, mlflow.py
    formats         npy, Arrow, CSV and msgpack on /score                     formats.py
    inflate         bodies that are compressed                                inflate.py

All but `served` is pure: bytes and values in, bytes and values out. numpy is needed, pyarrow,
msgpack and pandas where a request or a schema is of theirs.
"""
