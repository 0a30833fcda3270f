"""Text → compiled, frozen → apply. JSONPath, intrinsic functions, payload templates, conditions, JSONata.

Nothing here knows states, events or time: what an expression may read besides its input comes through ``Scope``.
"""
