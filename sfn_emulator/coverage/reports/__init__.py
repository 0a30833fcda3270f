"""Coverage as text for people, and in the languages of the tools they have."""
