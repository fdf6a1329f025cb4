"""Step-Audio checkpoints, and students in their layout, as teachers: ids in, speech codes out."""
