"""How it flows: stages of Arrow batches, run by one of three engines."""
