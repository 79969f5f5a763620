"""How fast the sandbox is, beside others that also run functions without Docker.

``python -m benchmarks --help`` says how to run it; docs/benchmarks.md says what is measured.
"""
