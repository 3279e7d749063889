// Calls of the daemon's API. A refusal is a value: {ok: false, problem}, as application/problem+json has it.
const TOKEN = "twobox-token";

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;
export const setToken = (token) => sessionStorage.setItem(TOKEN, token);

const asJson = (response, text) => (/[/+]json/.test(response.headers.get("Content-Type") ?? "") ? JSON.parse(text) : null);

/** fetch() with the token, if there is one. Rejects when the daemon can't be reached. */
export function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  return fetch(path, { ...options, headers, cache: "no-store", credentials: "same-origin" });
}

/** {ok, status, body, text, headers} or {ok: false, status, problem}; never rejects. */
export async function call(path, options) {
  try {
    const response = await ask(path, options);
    const text = await response.text();
    const { status, headers } = response;
    const body = asJson(response, text);
    if (response.ok) return { ok: true, status, body, text, headers };
    return { ok: false, status, problem: body ?? { title: response.statusText, detail: text } };
  } catch (error) {
    return { ok: false, status: 0, problem: { title: "No answer", detail: `the daemon did not answer: ${error.message}` } };
  }
}

export const put = (path, text, headers = {}) =>
  call(path, { method: "PUT", body: text, headers: { ...headers, "Content-Type": "application/json" } });
