"""The dual codebook: from speech to codes and back."""
