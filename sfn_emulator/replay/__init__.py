"""Executions recorded as data, and run again on another definition: would they go another way, and where?"""
