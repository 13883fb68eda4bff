// Shows the service's document in Swagger UI, with the score request open and ready to be sent. A
// file of its own, so that the page needs no inline script.

import {askForKey, fetchWithKey, KeyNeeded, savedKey} from "./api_key.js";

const RETRY_MS = 1000;

const message = document.getElementById("message");
const form = document.getElementById("key");
const darkness = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  document.documentElement.classList.toggle("dark-mode", darkness.matches);
}

async function load(tried = false) {
  let response;
  let told;
  try {
    response = await fetchWithKey("docs/openapi.json");
    told = await response.json();
  } catch (error) {
    if (error instanceof KeyNeeded) {
      message.textContent = "This service needs an API key, to show its API and to score.";
      askForKey(form, () => load(true), tried);
    } else {
      wait("The server does not answer. Trying again…");
    }
    return;
  }
  if (response.ok) {
    show(told);
  } else if (response.status === 404) {
    message.textContent = told.message;
  } else {
    wait(`${told.message} This page opens by itself.`);
  }
}

function wait(why) {
  message.textContent = why;
  setTimeout(load, RETRY_MS);
}

function show(spec) {
  document.getElementById("note").hidden = true;
  const title = spec.info?.title ?? "Scoring service";
  document.getElementById("title").textContent = title;
  document.getElementById("version").textContent = spec.info?.version ?? "";
  document.title = `${title} · API`;
  const bearer = (spec.components?.securitySchemes ?? spec.securityDefinitions)?.Bearer;
  const ui = SwaggerUIBundle({
    spec: placed(spec),
    dom_id: "#swagger-ui",
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    // By default the document's address is sent to a validator on the internet.
    validatorUrl: null,
    requestInterceptor: (request) => (bearer ? request : withKey(request)),
    onComplete: () => {
      if (savedKey() && bearer) {
        const value = bearer.type === "apiKey" ? `Bearer ${savedKey()}` : savedKey();
        ui.preauthorizeApiKey("Bearer", value);
      }
      const score = spec.paths?.["/score"]?.post;
      if (score) {
        const names = [score.tags?.[0] ?? "default", score.operationId ?? "post_score"];
        ui.layoutActions.show(["operations", ...names], true);
      }
    },
  });
}

// A document of the user's own may say nothing of keys.
function withKey(request) {
  if (savedKey() && new URL(request.url, location.href).origin === location.origin) {
    request.headers.Authorization ??= `Bearer ${savedKey()}`;
  }
  return request;
}

// Requests go where the page came from, whatever prefix a proxy adds to the path.
function placed(spec) {
  const base = location.pathname.replace(/\/docs\/?$/, "");
  if (!base || spec.servers || spec.basePath) {
    return spec;
  }
  return spec.swagger ? {...spec, basePath: base} : {...spec, servers: [{url: base}]};
}

paint();
darkness.addEventListener("change", paint);
load();
