"""Corrections of moto where it differs from AWS and a Task or a function would see it. Each goes when moto mends it."""
