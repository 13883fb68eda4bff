"""Requests that come by another protocol than /score's: their arguments of run(), and its result in
their words.

    job ─→ ServedProtocols ─→ a ProtocolRequest of its own      served.py, request.py
             read(head, body) ─→ arguments of run()             v2.py, v1.py, mlflow.py, formats.py
             result(value)    ─→ outcome

    body of V2 ─→ tensors ─→ arguments                          v2_request.py, tensors.py
    result ─→ tensors ─→ body of V2                             outputs.py, v2_response.py
    values by name, or one alone ─→ arguments                   inputs.py; arguments.py with a
                                                                schema, texts.py without
    schemas of run() ─→ Parameter; GET /v2/models/M             signature.py, metadata.py
    bytes ─→ arrays, frames                                     bodies/

All but `served` is pure: bytes and values in, bytes and values out. numpy is needed, pyarrow,
msgpack and pandas where a request or a schema is of theirs.
"""
