/** A list of the server as a table: sorted, searched and cut into pages by the server, asked for anew by and by. */
import { get } from "./api.js";
import { button, element, field } from "./elements.js";
import { count, counted } from "./formats.js";

const PAGE_SIZE = 50;
const REFRESH_MS = 5000;
const TYPING_MS = 250;

/**
 * @param {{
 *   label: string,
 *   path: string,
 *   fields?: Record<string, string>,
 *   columns: { title: string, show(item: any): Node | string, sort?: string, number?: boolean }[],
 *   sort: string,
 *   searches?: Record<string, string>,
 *   keyOf(item: any): string,
 *   what: string,
 * }} options `searches`: the labels of search fields, by the field that each sends. `what`: one of the items.
 * @returns the table, and a function that ends its asking.
 */
export function listTable({ label, path, fields, columns, sort, searches = {}, keyOf, what }) {
  let offset = 0;
  let order = sort;
  let timer;
  let asking;
  /** The rows by key: one that stays keeps its elements, so that what has the focus keeps it. */
  let rows = new Map();

  const searchFields = Object.entries(searches).map(([name, text]) =>
    field(text, { type: "search", name })
  );
  const found = element("p", { class: "quiet", role: "status" });
  const previous = button("Previous", () => turnTo(offset - PAGE_SIZE));
  const next = button("Next", () => turnTo(offset + PAGE_SIZE));
  previous.hidden = next.hidden = true;
  const body = element("tbody");
  const headings = columns.map(headingOf);
  const node = element(
    "div",
    {},
    element("div", { class: "tools" }, ...searchFields, found),
    element(
      "div",
      { class: "scroll" },
      element(
        "table",
        { "aria-label": label },
        element("thead", {}, element("tr", {}, ...headings)),
        body,
      ),
    ),
    element("div", { class: "buttons" }, previous, next),
  );
  node.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => turnTo(0), TYPING_MS);
  });

  function headingOf({ title, sort: by, number }) {
    const heading = element("th", { scope: "col", class: number && "number" });
    if (by === undefined) heading.append(title);
    else {
      heading.append(button(title, () => {
        // What is most comes first, and names from A.
        const first = number ? `-${by}` : by;
        order = order === first ? (number ? by : `-${by}`) : first;
        showOrder();
        turnTo(0);
      }));
    }
    return heading;
  }

  function showOrder() {
    for (const [n, { sort: by }] of columns.entries()) {
      if (by === undefined || order.replace("-", "") !== by) {
        headings[n].removeAttribute("aria-sort");
      } else {
        headings[n].setAttribute("aria-sort", order.startsWith("-") ? "descending" : "ascending");
      }
    }
  }

  function turnTo(start) {
    offset = Math.max(0, start);
    return refresh();
  }

  async function refresh() {
    clearTimeout(timer);
    asking?.abort();
    const { signal } = asking = new AbortController();
    try {
      const searched = searchFields.map((one) => one.querySelector("input"))
        .map(({ name, value }) => [name, value.trim()]);
      const given = { ...fields, ...Object.fromEntries(searched) };
      const asked = { ...given, sort: order, limit: PAGE_SIZE, offset };
      const list = await get(path, asked, signal);
      if (signal.aborted) return;
      // The last page has gone.
      if (list.items.length === 0 && offset > 0) return turnTo(0);
      show(list);
    } catch (error) {
      if (signal.aborted) return;
      found.textContent = error.message;
    }
    timer = setTimeout(refreshIfSeen, REFRESH_MS);
  }

  function refreshIfSeen() {
    if (!document.hidden) return refresh();
    timer = setTimeout(refreshIfSeen, REFRESH_MS);
  }

  function show({ items, total, store }) {
    const end = offset + items.length;
    const text = total === 0
      ? `No ${what}s.`
      : total <= PAGE_SIZE
      ? counted(total, what)
      : `${count(offset + 1)} to ${count(end)} of ${counted(total, what)}`;
    const said = store === undefined ? text : `${text} (the store: ${store})`;
    // A text that is the same again would be read out again.
    if (found.textContent !== said) found.textContent = said;
    previous.hidden = next.hidden = total <= PAGE_SIZE;
    previous.disabled = offset === 0;
    next.disabled = end >= total;
    const focused = document.activeElement;
    const shown = new Map();
    for (const item of items) {
      const key = keyOf(item);
      const row = rows.get(key) ?? { node: element("tr"), cells: [] };
      fill(row, item);
      shown.set(key, row);
    }
    rows = shown;
    const nodes = [...shown.values()].map(({ node }) => node);
    if (
      nodes.some((made, n) => body.children[n] !== made) || body.children.length !== nodes.length
    ) {
      body.replaceChildren(...nodes);
      if (node.contains(focused)) focused.focus({ preventScroll: true });
    }
    node.querySelector("table").hidden = total === 0;
  }

  function fill(row, item) {
    for (const [n, { show, number }] of columns.entries()) {
      const content = show(item);
      const text = typeof content === "string" ? content : content.textContent;
      if (row.cells[n]?.textContent === text) continue;
      const cell = element("td", { class: number && "number" }, content);
      if (row.cells[n] === undefined) row.node.append(cell);
      else row.cells[n].replaceWith(cell);
      row.cells[n] = cell;
    }
  }

  showOrder();
  refresh();
  return {
    node,
    refresh,
    close() {
      clearTimeout(timer);
      asking?.abort();
    },
  };
}
