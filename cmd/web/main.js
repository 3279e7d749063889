// Entry: one store, one connection, one tree of views.
import { render } from "preact";

import { followDaemon } from "./daemon.js";
import { createStore } from "./store.js";
import { html } from "./view/html.js";
import { Page } from "./view/page.js";

const store = createStore();
const daemon = followDaemon(store);
const draw = (state) => render(html`<${Page} state=${state} daemon=${daemon} />`, document.getElementById("page"));
store.subscribe(draw);
draw(store.get());
