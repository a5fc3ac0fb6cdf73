"""Runs notebooks headlessly: many at once, on this machine or on a Dask cluster, with one set of parameters or a sweep.

`python -m support.execute notebooks` is the command (`make run`). Its parts, in the order in which they work:
`parameters.py` reads what a notebook lets one set, `run.py` executes one notebook in a kernel of its own, `many.py`
keeps several going and collects what comes back, `report.py` and `sweep.py` write it down.
"""
