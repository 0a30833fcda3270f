"""A template: its text, its declarations, and the values of its functions. No I/O, except through what macros are
given.
"""
