"""Azure's deployment files → an image → a container."""
