"""Entry scripts that the clients talk to."""

_NUMPY = """
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init():
    pass
"""

# Gives back what it gets, of whatever datatype and shape.
ECHO = (
    _NUMPY
    + """
sample = NumpyParameterType(np.zeros(1), enforce_column_type=False, enforce_shape=False)

@input_schema("data", sample)
def run(data):
    return data
"""
)

# Adds up the four numbers of each row.
SUMS = (
    _NUMPY
    + """
@input_schema("data", NumpyParameterType(np.zeros((1, 4), np.float32)))
def run(data):
    return data.sum(axis=1)
"""
)

# The same for a column of bytes, as MLServer's codec sends them.
BYTES = (
    _NUMPY
    + """
@input_schema("data", NumpyParameterType(np.array([[b""]], dtype=object)))
def run(data):
    return data
"""
)

FRAMES = """
import pandas as pd
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

def init():
    pass

@input_schema("data", PandasParameterType(pd.DataFrame({"size": [1.5], "name": ["a"]})))
def run(data):
    return pd.DataFrame({"text": data["name"] + "!", "twice": data["size"] * 2})
"""
