"""Sums the columns of {"data": [{"a": 1, "b": 2}, ...]}."""

import json

import pandas as pd


def init():
    pass


def run(raw_data):
    return pd.DataFrame(json.loads(raw_data)["data"]).sum().to_dict()
