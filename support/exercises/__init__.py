"""Exercises that say what is wrong with an answer: an engine, and one module of exercises for each notebook.

`engine.py` judges an answer; it calls the learner's code with `call.py`, compares what comes with `compare.py`, and
says how a wrong result relates to the right one with `relate.py`. `progress.py` notes what is solved.
"""
