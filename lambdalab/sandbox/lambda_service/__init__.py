"""The Lambda service: its API over moto's state, and the one way into a function."""
