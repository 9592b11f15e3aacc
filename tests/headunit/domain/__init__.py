"""Tests of the driver's menu."""
