// Asks the server for what needs an API key, where keys are set. The key that a person gives is
// kept for both pages until the tab is closed.

const NAME = "scoreserve-api-key";
const SENDABLE = /^[\x21-\x7e]+$/;

export class KeyNeeded extends Error {}

export function savedKey() {
  return sessionStorage.getItem(NAME) ?? "";
}

// The response, unless it is a 401: then KeyNeeded is thrown, and the key is forgotten.
export async function fetchWithKey(address, options = {}) {
  const key = savedKey();
  const headers = key ? {Authorization: `Bearer ${key}`} : {};
  const response = await fetch(address, {...options, headers});
  if (response.status === 401) {
    sessionStorage.removeItem(NAME);
    throw new KeyNeeded();
  }
  return response;
}

// Shows the form; calls `given` each time a key is entered. `wrong`: the last one was not valid.
export function askForKey(form, given, wrong) {
  const input = form.querySelector("input");
  const message = form.querySelector(".wrong");
  form.hidden = false;
  message.hidden = !wrong;
  form.onsubmit = (event) => {
    event.preventDefault();
    const key = input.value.trim();
    message.hidden = SENDABLE.test(key);
    if (message.hidden) {
      sessionStorage.setItem(NAME, key);
      input.value = "";
      form.hidden = true;
      given();
    }
  };
}
