"""Application Insights, with the reference's tables, names and properties."""
