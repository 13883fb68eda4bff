"""What users have where the server runs: their settings, files, scripts and images."""
