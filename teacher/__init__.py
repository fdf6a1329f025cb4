"""Who speaks: voices behind one protocol."""
