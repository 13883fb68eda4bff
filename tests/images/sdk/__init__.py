"""The real, unchanged SDKs of Azure ML, against images built here."""
