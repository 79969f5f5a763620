"""Tests of lambdalab.grading."""
