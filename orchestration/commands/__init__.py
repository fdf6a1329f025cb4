"""One command a file; each has ``run(settings, console) -> exit code``."""
