"""Execution environments: processes that run handlers under the Lambda Runtime API."""
