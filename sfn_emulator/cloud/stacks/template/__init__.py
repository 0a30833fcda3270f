"""A template: text, what it declares, and what its functions come to. No I/O but what macros are handed."""
