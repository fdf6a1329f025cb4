"""The rooms stand at the root of the repository and install as ``lauter.<room>``.

Everything static is in pyproject.toml; only the list of packages is computed, so that a new
folder in a room can never be forgotten in the wheel.
"""

from setuptools import find_namespace_packages, setup

ROOMS = ("datasets", "teacher", "filters", "pipelines", "student", "orchestration")

setup(
    packages=[
        f"lauter.{package}"
        for room in ROOMS
        for package in (room, *(f"{room}.{inner}" for inner in find_namespace_packages(room)))
        if "__pycache__" not in package
    ]
)
