"""The same models behind other servers. Each module here is what a user of that server writes."""
