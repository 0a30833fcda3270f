"""Where something stands in a definition, and how AWS and RFC 6901 write it.

AWS writes a place as ``/States/X/Choices[0]/Next`` (seen in its answers
to CreateStateMachine), tools that edit JSON want RFC 6901's ``/States/X/Choices/0/Next``; both come from the tuple.
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
