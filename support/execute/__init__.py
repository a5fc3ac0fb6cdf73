"""Runs notebooks headlessly: many at once, on this machine or on a Dask cluster, with one set of parameters or a sweep.

`python -m support.execute notebooks` is the command (`make run`). Its parts, in the order in which they work:
`parameters.py` reads what a notebook lets one set, `run.py` executes one notebook in a kernel of its own, `many.py`
keeps several going and collects what comes back, `report.py` and `sweep.py` write it down.
"""

import sys

# jsonschema, which nbformat imports, loads this if it is there, as with JupyterLab. While it is imported it makes 38
# parsers of addresses, and takes 2 s (https://github.com/python-jsonschema/jsonschema/pull/1521); no notebook needs it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
