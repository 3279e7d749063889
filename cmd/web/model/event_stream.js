// Server-sent events, as the HTML standard's section 9.2 has them, so far as our daemon uses them.

/** A function to feed with pieces of text, cut anywhere; calls heard({event, data}) with data read as JSON. */
export function createParser(heard) {
  let rest = "";
  let event = "";
  let data = [];
  const line = (text) => {
    if (text === "") {
      if (data.length > 0) heard({ event: event || "message", data: JSON.parse(data.join("\n")) });
      event = "";
      data = [];
      return;
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(text);
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  };
  return (piece) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop();
    for (const text of lines) line(text.replace(/\r$/, ""));
  };
}
