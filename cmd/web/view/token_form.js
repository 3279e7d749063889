import { html } from "./html.js";

export function TokenForm({ use, refused }) {
  const submit = (event) => {
    event.preventDefault();
    use(new FormData(event.target).get("token"));
  };
  return html`<form class="token" onSubmit=${submit}>
    <label for="token">Token</label>
    <input id="token" name="token" type="password" autocomplete="current-password" required />
    <button>Use</button>
    <p role="status" class="bad-text">${refused}</p>
    <p class="note">It is kept by this tab alone, until the tab is closed.</p>
  </form>`;
}
