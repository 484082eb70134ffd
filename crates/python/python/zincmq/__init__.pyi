# Also `__version__`, which is ours.
from zmq import *

SPIN: int
