"""OpenTelemetry, read by opentelemetry-proto's own classes."""
