"""All that meets the user's code: loading it, calling it, its inputs and results."""
