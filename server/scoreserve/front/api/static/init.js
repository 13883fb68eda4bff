// A file of its own, so that the page needs no inline script. `validatorUrl`: by default the
// document's address is sent to a validator on the internet.
window.ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  urls: [
    {name: "OpenAPI 3.0", url: "swagger.json?version=3"},
    {name: "OpenAPI 3.1", url: "swagger.json?version=3.1"},
    {name: "Swagger 2.0", url: "swagger.json?version=2"},
  ],
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
  validatorUrl: null,
});
