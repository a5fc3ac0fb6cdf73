"""What the notebooks lean on: the machine under them, the data, the figures, and running them all at once.

``import support`` is cheap: it loads neither TensorFlow nor Matplotlib.
"""

__version__ = "0.1.0"
