"""What is kept: scorers measure speech, gates judge the figures."""
