"""The frame around a script's schemas: what every Azure ML service's Swagger document says."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

_HEALTH = "Simple health check endpoint to ensure the service is up at any given point."
_HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"
_SCORE = "Run web service's model and get the prediction output"
_SCORED = (
    "The service processed the input correctly and provided a result prediction, if applicable."
)
_PAYLOAD = "The input payload for executing the real-time machine learning service."
_SPECIFICATION = "The Swagger specification."
_FAILED = "The service failed to execute due to an error."
_BEARER = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "For example: Bearer abc123",
}
_ERROR = {"type": "object", "properties": {"message": {"type": "string"}}}
_STRING = {"type": "string"}


def swagger2(name: str, version: str, prefix: str, inputs: Any, results: Any) -> Document:
    """A Swagger 2.0 document. `prefix` is empty or begins with a slash."""

    def responses(content: Document) -> Document:
        error = {"description": _FAILED, "schema": {"$ref": "#/definitions/ErrorResponse"}}
        return {"200": content, "default": error}

    healthy = {
        "description": _HEALTHY,
        "schema": _STRING,
        "examples": {"application/json": "Healthy"},
    }
    scored = {"description": _SCORED, "schema": {"$ref": "#/definitions/ServiceOutput"}}
    payload = {
        "name": "serviceInputPayload",
        "in": "body",
        "description": _PAYLOAD,
        "schema": {"$ref": "#/definitions/ServiceInput"},
    }
    asked = {"name": "version", "in": "query", "required": False, "type": "integer", "enum": [2, 3]}
    operations = _operations(
        responses(healthy),
        {"parameters": [payload], "responses": responses(scored)},
        [asked],
        responses({"description": _SPECIFICATION, "schema": _STRING}),
    )
    return {
        "swagger": "2.0",
        "info": _info(name, version),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": _BEARER},
        "paths": {f"{prefix}{path}": operation for path, operation in operations.items()},
        "definitions": {
            "ServiceInput": inputs,
            "ServiceOutput": results,
            "ErrorResponse": _ERROR,
        },
    }


def openapi3(name: str, version: str, prefix: str, inputs: Any, results: Any) -> Document:
    """An OpenAPI 3.0.3 document. `prefix` is empty or begins with a slash."""

    def content(media_type: str, schema: Document) -> Document:
        return {"content": {media_type: {"schema": schema}}}

    def component(kind: str) -> Document:
        return content("application/json", {"$ref": f"#/components/schemas/{kind}"})

    def responses(description: str, body: Document) -> Document:
        return {
            "200": {"description": description, **body},
            "default": {"description": _FAILED, **component("ErrorResponse")},
        }

    asked = {
        "name": "version",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "enum": [2, 3]},
    }
    operations = _operations(
        responses(_HEALTHY, content("text/plain", {**_STRING, "example": "Healthy"})),
        {
            "requestBody": {"description": _PAYLOAD, **component("ServiceInput")},
            "responses": responses(_SCORED, component("ServiceOutput")),
        },
        [asked],
        responses(_SPECIFICATION, content("text/plain", _STRING)),
    )
    return {
        "openapi": "3.0.3",
        "info": _info(name, version),
        "security": [{"Bearer": []}],
        "paths": {f"{prefix}{path}": operation for path, operation in operations.items()},
        "components": {
            "schemas": {
                "ServiceInput": inputs,
                "ServiceOutput": results,
                "ErrorResponse": _ERROR,
            },
            "securitySchemes": {"Bearer": _BEARER},
        },
    }


def _operations(
    health: Document, score: Document, parameters: list[Document], specification: Document
) -> Document:
    return {
        "/": {
            "get": {
                "operationId": "ServiceHealthCheck",
                "description": _HEALTH,
                "responses": health,
            }
        },
        "/score": {
            "post": {
                "operationId": "RunMLService",
                "description": _SCORE,
                "security": [{"Bearer": []}],
                **score,
            }
        },
        "/swagger.json": {
            "get": {
                "operationId": "GetSwaggerSpec",
                "description": "Get the Swagger specification.",
                "parameters": parameters,
                "responses": specification,
            }
        },
    }


def _info(name: str, version: str) -> Document:
    return {
        "title": name,
        "description": f"API specification for the Azure Machine Learning service {name}",
        "version": version,
    }
