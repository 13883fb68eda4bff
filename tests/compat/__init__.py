"""What scripts import by the names of the Azure ML packages."""
