"use strict";
// Everything here adds to a page that is complete without it. Nodes are made one by one, from text: no markup is parsed.
(() => {
  const MOST = 200;
  const FILTERS = ["device", "plane", "class", "severity", "writer", "state"];
  const host = document.querySelector("[data-tools]");
  const rows = [...document.querySelectorAll("tbody.finding")];
  // What no line of this page has (a finding has no writer) narrows the settings alone.
  const carried = new Set(FILTERS.filter((name) => rows.some((row) => row.dataset[name])));
  const island = read();
  const chosen = Object.fromEntries(FILTERS.map((name) => [name, ""]));
  const controls = {};
  let query = "";

  function read() {
    const node = document.querySelector("script#data");
    if (!node) return null;
    const data = JSON.parse(node.textContent);
    const word = (at) => data.words[at];
    const knobs = data.knobs.map(([plane, name, cls]) => ({ plane: word(plane), name: word(name), class: word(cls) }));
    const cells = data.cells.map(([state, writer, ...values]) => (
      { state: word(state), writer: word(writer), values: values.map(word) }));
    for (const knob of knobs) knob.text = (knob.plane + " " + knob.name).toLowerCase();
    for (const cell of cells) cell.text = [cell.state, cell.writer, ...cell.values].join(" ").toLowerCase();
    return { heads: data.heads, knobs, cells, devices: data.devices, leftOut: data.left_out };
  }

  function make(tag, words, attributes = {}) {
    const node = document.createElement(tag);
    if (words !== undefined) node.textContent = words;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }

  const states = (value) => (value || "").split(" ").filter(Boolean);
  const fits = (name, value) => !chosen[name] || (value || "") === chosen[name] ||
    (name === "state" && states(value).includes(chosen.state));

  // Every setting that holds all words of the query, and fits what was chosen: up to MOST of them, and how many.
  function search() {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean).slice(0, 30);
    const hits = [];
    let count = 0;
    // One bit per word tells whether a part holds it: a setting is found where its parts hold all of them together.
    const bits = (text) => words.reduce((sum, word, at) => (text.includes(word) ? sum | (1 << at) : sum), 0);
    const all = bits(words.join(" "));
    const NONE = -1;
    const known = island.knobs.map((knob) => (
      fits("plane", knob.plane) && fits("class", knob.class) ? bits(knob.text) : NONE));
    const held = island.cells.map((cell) => (
      fits("writer", cell.writer) && fits("state", cell.state) ? bits(cell.text) : NONE));
    for (const [device, runs, cells] of island.devices) {
      if (!fits("device", device)) continue;
      const own = bits(device.toLowerCase());
      let at = 0;
      for (let run = 0; run < runs.length; run += 2) {
        const end = Math.min(runs[run] + runs[run + 1], known.length);
        for (let number = runs[run]; number < end; number += 1, at += 1) {
          const knob = known[number], cell = held[cells[at]];
          if (knob === NONE || cell === NONE || ((own | knob | cell) !== all)) continue;
          count += 1;
          if (hits.length === MOST) continue;
          const shown = island.cells[cells[at]];
          hits.push([device, island.knobs[number].plane, island.knobs[number].name, ...shown.values, shown.state, shown.writer]);
        }
      }
    }
    return { hits, count };
  }

  function showHits() {
    const { box, status, body } = controls;
    // A severity is a word about a difference or a finding: no setting has one.
    const asked = query.trim() || FILTERS.some((name) => chosen[name]);
    if (!island || !asked || chosen.severity) {
      box.hidden = true;
      body.replaceChildren();
      return "";
    }
    const { hits, count } = search();
    body.replaceChildren(...hits.map((cells) => {
      const row = make("tr");
      row.append(...cells.map((cell, at) => make(at === 2 ? "th" : "td", cell, at === 2 ? { scope: "row" } : {})));
      return row;
    }));
    box.hidden = false;
    return `${count} settings match` + (count > hits.length ? `, the first ${hits.length} are listed` : "");
  }

  function matches(row) {
    return FILTERS.every((name) => !carried.has(name) || fits(name, row.dataset[name]));
  }

  function apply() {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = words.length ? (row.textContent + " " + (row.dataset.device || "")).toLowerCase() : "";
      row.hidden = !matches(row) || !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    const narrowed = words.length > 0 || FILTERS.some((name) => chosen[name]);
    for (const group of document.querySelectorAll("details.group")) {
      const found = group.querySelector("tbody.finding:not([hidden])");
      group.hidden = group.querySelector("tbody.finding") && !found;
      if (narrowed && found) group.open = true;
    }
    const listed = `${shown} of ${rows.length} lines below`;
    controls.status.textContent = [listed, showHits()].filter(Boolean).join("; ");
  }

  function keep() {
    const words = new URLSearchParams();
    if (query) words.set("q", query);
    for (const name of FILTERS) if (chosen[name]) words.set(name, chosen[name]);
    history.replaceState(null, "", words.toString() ? `#?${words}` : "#");
  }

  function recall() {
    if (!location.hash.startsWith("#?")) return;
    const words = new URLSearchParams(location.hash.slice(2));
    query = controls.search.value = words.get("q") || "";
    for (const name of FILTERS) {
      const select = controls[name];
      chosen[name] = words.get(name) || "";
      if (!select) continue;
      if (chosen[name] && ![...select.options].some((option) => option.value === chosen[name])) {
        select.append(make("option", chosen[name], { value: chosen[name] }));
      }
      select.value = chosen[name];
    }
    apply();
  }

  function options(name) {
    const found = new Set(rows.map((row) => row.dataset[name]).filter(Boolean));
    if (island) {
      if (name === "device") for (const [device] of island.devices) found.add(device);
      if (name === "plane" || name === "class") for (const knob of island.knobs) found.add(knob[name]);
      if (name === "writer" || name === "state") for (const cell of island.cells) if (cell[name]) found.add(cell[name]);
    }
    return name === "state" ? [...new Set([...found].flatMap(states))].sort() : [...found].sort();
  }

  function choice(name, label, values, act) {
    const select = make("select");
    select.append(make("option", "all", { value: "" }), ...values.map((value) => make("option", value, { value })));
    select.addEventListener("change", () => act(select.value));
    const holder = make("label", `${label} `);
    holder.append(select);
    controls[name] = select;
    return holder;
  }

  function tools() {
    const search = make("input", undefined, { type: "search", id: "search", autocomplete: "off", spellcheck: "false" });
    const label = make("label", island ? "Search all settings (press /) " : "Search (press /) ");
    label.append(search);
    controls.search = search;
    search.addEventListener("input", () => { query = search.value; apply(); keep(); });
    const more = make("details");
    more.append(make("summary", "Filter and sort"));
    for (const name of FILTERS) {
      const values = options(name);
      if (values.length > 1) {
        more.append(choice(name, name, values, (value) => { chosen[name] = value; apply(); keep(); }));
      }
    }
    const heads = [...new Set([...document.querySelectorAll("table.sortable thead th")].map((head) => head.textContent))];
    const order = choice("sort", "sort by", heads, (value) => sortBy(value, "ascending"));
    order.querySelector("option").textContent = "as written";
    const clear = make("button", "Clear", { type: "button" });
    clear.addEventListener("click", () => {
      query = search.value = "";
      for (const name of FILTERS) { chosen[name] = ""; if (controls[name]) controls[name].value = ""; }
      apply(); keep(); search.focus();
    });
    more.append(order, clear);
    controls.status = make("p", "", { role: "status" });
    controls.box = make("div", undefined, { class: "wide", tabindex: "0", role: "region", "aria-label": "Settings found" });
    const table = make("table"), head = make("tr");
    const names = ["Device", "Plane", "Name", ...(island ? island.heads : []), "State", "Writer, as claimed"];
    head.append(...names.map((name) => make("th", name, { scope: "col" })));
    const top = make("thead");
    top.append(head);
    controls.body = make("tbody");
    table.append(top, controls.body);
    controls.box.append(table);
    controls.box.hidden = true;
    host.append(label, more, controls.status, controls.box);
    if (island && island.leftOut) host.append(make("p", `${island.leftOut} settings are not in this page; the JSON document has them.`));
  }

  function sortBy(head, direction) {
    for (const table of document.querySelectorAll("table.sortable")) {
      const heads = [...table.tHead.rows[0].cells];
      const at = heads.findIndex((cell) => cell.textContent === head);
      for (const cell of heads) cell.removeAttribute("aria-sort");
      const bodies = [...table.tBodies];
      bodies.forEach((body, number) => { if (!body.dataset.at) body.dataset.at = String(number); });
      if (at >= 0) heads[at].setAttribute("aria-sort", direction);
      const sign = direction === "descending" ? -1 : 1;
      const rank = ["critical", "high", "medium", "low", "info"];
      const key = (body) => (at < 0 ? "" : body.rows[0].cells[at].textContent.trim());
      bodies.sort((one, other) => {
        const [left, right] = [key(one), key(other)];
        const levels = [rank.indexOf(left), rank.indexOf(right)];
        const order = Math.min(...levels) >= 0 ? levels[0] - levels[1] : left.localeCompare(right, "en", { numeric: true });
        return sign * order || one.dataset.at - other.dataset.at;
      });
      table.append(...bodies);
    }
    if (controls.sort && [...controls.sort.options].some((option) => option.value === head)) controls.sort.value = head;
  }

  function sortable() {
    document.body.classList.add("sorts");
    for (const head of document.querySelectorAll("table.sortable thead th")) {
      // With the keyboard, the choice "sort by" does the same: a button in each head would stand before each finding.
      head.addEventListener("click", () => {
        sortBy(head.textContent, head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending");
      });
    }
  }

  function copies() {
    for (const text of document.querySelectorAll("pre[data-copy]")) {
      const button = make("button", text.dataset.copy, { type: "button" });
      button.addEventListener("click", () => copy(text, button));
      text.before(button);
    }
  }

  async function copy(text, button) {
    const said = button.textContent;
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(text);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected: copy it with the keyboard";
      return;
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = said; }, 2000);
  }

  function keys(event) {
    const typing = /^(input|select|textarea)$/i.test(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing && controls.search) {
      event.preventDefault();
      controls.search.focus();
    }
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !/^select$/i.test(event.target.tagName)) {
      const links = [...document.querySelectorAll("tbody.finding:not([hidden]) th a")]
        .filter((link) => link.checkVisibility());
      const at = links.indexOf(document.activeElement);
      if (at < 0 && event.target !== controls.search) return;
      const next = links[event.key === "ArrowDown" ? at + 1 : at - 1];
      if (next) { event.preventDefault(); next.focus(); }
    }
  }

  function reveal() {
    if (location.hash.startsWith("#?")) return recall();
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let node = target; node; node = node.parentElement) {
      node.hidden = false;
      if (node.tagName === "DETAILS") node.open = true;
    }
    target.scrollIntoView();
  }

  function printing() {
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll("details:not([open])")];
      for (const part of closed) part.open = true;
    });
    addEventListener("afterprint", () => { for (const part of closed) part.open = false; });
  }

  if (host) { tools(); sortable(); }
  copies();
  printing();
  addEventListener("keydown", keys);
  addEventListener("hashchange", reveal);
  if (host) { apply(); }
  reveal();
})();
