"""Types made ready for msgspec before threads share them.

msgspec works a type out when it is first decoded, and is not safe while two threads do that for the same type: the
process ends with a segmentation fault (seen with 0.22 in a plan of three appliances). So types that threads decode
are worked out when their module is imported, or here, one at a time.
"""

import threading
from typing import Any

import msgspec

_lock = threading.Lock()
_ready: set[Any] = set()


def ready(*shapes: Any) -> None:
    """Have msgspec work out `shapes` and all that they hold, once, whichever thread asks first."""
    for shape in shapes:
        if shape not in _ready:
            with _lock:
                msgspec.json.Decoder(shape)
                _ready.add(shape)
