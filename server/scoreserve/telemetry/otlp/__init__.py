"""OpenTelemetry: traces and metrics to an OTLP endpoint over HTTP."""
