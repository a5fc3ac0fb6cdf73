"""Explorers: figures with controls, in which a learner moves something and sees what it does.

Each module has `explore()`, which shows the explorer, and `frame()`, which gives the same picture and numbers for any
values of its controls.
"""

#: If this is set in the environment, `explore` shows picture and sentence without controls: for runs that no one looks
#: at.
STATIC = "CURRICULUM_STATIC"
