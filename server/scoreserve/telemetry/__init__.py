"""The telemetry process, which alone imports what talks to Application Insights and OTLP."""
