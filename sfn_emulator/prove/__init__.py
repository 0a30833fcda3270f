"""Proofs about sagas: claims, a walk through every outcome without handlers, and faults on the real ones."""
