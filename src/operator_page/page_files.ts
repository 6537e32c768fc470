import elements from "./elements.js" with { type: "text" };
import formats from "./formats.js" with { type: "text" };
import api from "./api.js" with { type: "text" };
import rights from "./rights.js" with { type: "text" };
import charts from "./charts.js" with { type: "text" };
import listTable from "./list_table.js" with { type: "text" };
import tail from "./tail.js" with { type: "text" };
import streams from "./streams.js" with { type: "text" };
import channels from "./channels.js" with { type: "text" };
import overview from "./overview.js" with { type: "text" };
import send from "./send.js" with { type: "text" };
import explain from "./explain.js" with { type: "text" };
import main from "./main.js" with { type: "text" };
import html from "./operator_page.html" with { type: "text" };
import base from "./page_base.css" with { type: "text" };
import css from "./operator_page.css" with { type: "text" };

/** A script of the page, by the name that others import it by. */
export type PageScript = readonly [file: string, text: string];

/** The files of the operator's page. */
export const PAGE_FILES = {
  html,
  css: base + css,
  /** Each comes after those that it imports from. */
  scripts: [
    ["elements.js", elements],
    ["formats.js", formats],
    ["api.js", api],
    ["rights.js", rights],
    ["charts.js", charts],
    ["list_table.js", listTable],
    ["tail.js", tail],
    ["streams.js", streams],
    ["channels.js", channels],
    ["overview.js", overview],
    ["send.js", send],
    ["explain.js", explain],
    ["main.js", main],
  ] satisfies readonly PageScript[],
};
