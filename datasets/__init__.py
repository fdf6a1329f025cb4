"""The ground floor: what flows (records, audio, voices), and where it is kept."""
