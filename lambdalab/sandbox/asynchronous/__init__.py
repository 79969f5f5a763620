"""Asynchronous invocation: Lambda's internal queue, and where it sends what became of events."""
