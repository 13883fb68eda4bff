"""Azure's deployment files, read into a Deployment."""
