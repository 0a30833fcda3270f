"""Where something stands in a definition, and how AWS and RFC 6901 write it.

AWS writes ``/States/X/Choices[0]/Next`` (seen in its answers to CreateStateMachine). Tools that edit JSON want RFC
6901's ``/States/X/Choices/0/Next``. Both are made from the same tuple.
"""

from sfn_emulator.values import Place


def location(place: Place) -> str:
    """The place as AWS writes it; the root is ``/``."""
    if not place:
        return "/"
    return "".join(f"[{part}]" if isinstance(part, int) else f"/{part}" for part in place)


def pointer(place: Place) -> str:
    """The place as an RFC 6901 JSON pointer; the root is the empty string."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)
