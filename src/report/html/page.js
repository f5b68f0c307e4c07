// What the page can do beyond being read: sort, search, open what has no article, zoom. Text from the log is only ever put
// in as text.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const main = document.getElementById("main");
  const SVG = "http://www.w3.org/2000/svg";
  const ROWS = 50;
  root.classList.add("js");

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }
  const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

  // Numbers and times, as the rest of the page prints them.
  function bytes(n) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = 0;
    if (n < 1024) return `${Math.round(n)} B`;
    while (n >= 1023.995 && unit + 1 < units.length) { n /= 1024; unit += 1; }
    return `${n.toFixed(2)} ${units[unit]}`;
  }
  function ratio(n) {
    if (n === null) return "-";
    return n >= 1e6 ? n.toExponential(1).replace("+", "") : n >= 100 ? n.toFixed(1) : n.toFixed(3);
  }
  const print = { bytes, ratio, count: (n) => String(n) };
  const exact = {
    bytes: (n) => `${bytes(n)} (${n.toLocaleString("en")} B)`,
    ratio: (n) => (n === null ? "-" : String(Number(n.toPrecision(6)))),
    count: (n) => n.toLocaleString("en"),
  };
  const mark = (unit, n) => print[unit](n).replace(/(\.\d*?)0+( |$)/, "$1$2").replace(/\.( |$)/, "$1");
  const iso = (second) => new Date(second * 1000).toISOString().slice(0, 19).replace("T", " ");

  // Light, dark, or as the system has it.
  function theme() {
    const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const button = el("button", { type: "button", id: "theme", click: () => {
      root.dataset.theme = dark() ? "light" : "dark";
      name();
    } });
    const name = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", `${button.textContent} colours`); };
    name();
    document.querySelector("nav").append(button);
  }

  // Tables ----------------------------------------------------------------------------------------------------------------

  const signs = { "likely-faked": "✖", unexplained: "▲", "client-mismatch": "◆", clear: "✓", unknown: "?" };
  const severest = ["likely-faked", "unexplained", "client-mismatch", "unknown", "clear"];
  const badge = (verdict) =>
    el("span", { class: `badge ${verdict}` }, el("span", { "aria-hidden": "true" }, signs[verdict] ?? "?"), ` ${verdict}`);
  const numeric = (kind) => kind === "bytes" || kind === "ratio" || kind === "count";

  function spark(digits) {
    if (!digits) return "";
    const points = [...digits].map((digit, x) => `${x},${(9 - (parseInt(digit, 36) / 35) * 8).toFixed(1)}`);
    return svg("svg", { class: "spark", viewBox: `0 0 ${Math.max(points.length, 2) - 1} 10`, preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("polyline", { points: points.join(" ") }));
  }

  function cell(column, to, value) {
    const room = column.room;
    if (column.kind === "name") return el("th", { class: "name", scope: "row" }, el("a", { href: `#${to}` }, value));
    if (column.kind === "verdict") return el("td", { class: room }, badge(value));
    if (column.kind === "spark") return el("td", { class: room }, spark(value));
    if (numeric(column.kind)) return el("td", { class: `num ${room}` }, print[column.kind](value));
    return el("td", { class: room }, el("bdi", {}, value));
  }

  class Rows {
    constructor(name, { columns, rows }) {
      Object.assign(this, { name, columns, rows, found: rows, page: 0, sorted: null, down: false, wanted: new Set(), words: [] });
      this.table = document.getElementById(`${name.slice(0, -1)}-table`);
      this.verdict = columns.findIndex((column) => column.kind === "verdict");
      this.tools();
      this.table.querySelectorAll("thead th").forEach((th, at) => {
        if (columns[at].kind === "spark") return;
        th.replaceChildren(el("button", { type: "button", click: () => this.sort(at) }, columns[at].label));
      });
      this.draw();
    }

    tools() {
      this.count = el("output", { "aria-live": "polite" });
      this.before = el("button", { type: "button", click: () => this.turn(-1), "aria-label": `Earlier ${this.name}` }, "‹");
      this.after = el("button", { type: "button", click: () => this.turn(1), "aria-label": `Further ${this.name}` }, "›");
      const search = el("input", {
        type: "search", placeholder: `Search ${this.name}`, "aria-label": `Search ${this.name}`,
        input: (event) => { this.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean); this.find(); },
      });
      const verdicts = this.verdict < 0 ? [] : severest.map((verdict) => {
        const count = this.rows.filter(([, row]) => row[this.verdict] === verdict).length;
        return count && el("button", { type: "button", "aria-pressed": "false", "data-verdict": verdict, click: (event) => {
          const on = this.wanted.has(verdict) ? !this.wanted.delete(verdict) : this.wanted.add(verdict);
          event.currentTarget.setAttribute("aria-pressed", String(Boolean(on)));
          this.find();
        } }, `${signs[verdict]} ${verdict} ${count}`);
      }).filter(Boolean);
      this.search = search;
      this.table.parentNode.before(el("div", { class: "tools" }, search, ...verdicts, el("span", { class: "grow" }), this.count, this.before, this.after));
    }

    find() {
      this.texts ??= this.rows.map(([to, row]) => `${to} ${row.filter((_, at) => !numeric(this.columns[at].kind) && this.columns[at].kind !== "spark").join(" ")}`.toLowerCase());
      this.found = this.rows.filter(([, row], at) =>
        (!this.wanted.size || this.wanted.has(row[this.verdict])) && this.words.every((word) => this.texts[at].includes(word)));
      this.order();
    }

    sort(at) {
      const first = numeric(this.columns[at].kind);
      this.down = this.sorted === at ? !this.down : first;
      this.sorted = at;
      this.order();
    }

    order() {
      const at = this.sorted;
      if (at !== null) {
        const kind = this.columns[at].kind;
        const key = kind === "verdict" ? (row) => severest.indexOf(row[1][at]) : numeric(kind) ? (row) => row[1][at] ?? -1 : (row) => row[1][at];
        const sign = this.down ? -1 : 1;
        this.found = [...this.found].sort((a, b) => { const [x, y] = [key(a), key(b)]; return x < y ? -sign : x > y ? sign : 0; });
      }
      this.page = 0;
      this.draw();
    }

    turn(pages) { this.page += pages; this.draw(); }

    draw() {
      const first = this.page * ROWS;
      const rows = this.found.slice(first, first + ROWS);
      this.table.tBodies[0].replaceChildren(...rows.map(([to, row]) => el("tr", {}, ...row.map((value, at) => cell(this.columns[at], to, value)))));
      this.table.querySelectorAll("thead th").forEach((th, at) => {
        if (at === this.sorted) th.setAttribute("aria-sort", this.down ? "descending" : "ascending");
        else th.removeAttribute("aria-sort");
      });
      this.count.textContent = rows.length ? `${first + 1}–${first + rows.length} of ${this.found.length}` : "none";
      this.before.disabled = this.page === 0;
      this.after.disabled = first + ROWS >= this.found.length;
    }
  }

  // Charts ----------------------------------------------------------------------------------------------------------------

  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2419200, 9676800, 31536000];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  function marks([from, to]) {
    const span = Math.max(to - from, 1e-3);
    const step = STEPS.find((step) => span / step <= 6) ?? Math.ceil(span / 6);
    const found = [];
    for (let at = Math.ceil(from / step) * step; at <= to && found.length < 12; at += step) found.push([at, clock(at, step)]);
    return found;
  }
  function clock(second, step) {
    if (!data.timed) return String(second);
    const date = new Date(second * 1000);
    if (second % 86400 === 0) return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
    return date.toISOString().slice(11, step < 60 ? 19 : 16);
  }
  function values(unit, low, top, log) {
    if (log) {
      const base = unit === "bytes" ? 1024 : 10;
      const found = [];
      for (let value = 2 ** -40; value <= top; value *= 2) {
        const power = Math.log(value) / Math.log(base);
        if (base === 1024 && value >= low && Math.abs(power - Math.round(power)) < 1e-9) found.push(value);
      }
      if (base === 10) for (let power = Math.ceil(Math.log10(low)); 10 ** power <= top; power += 1) found.push(10 ** power);
      return found.length > 5 ? found.filter((_, at) => (found.length - 1 - at) % Math.ceil(found.length / 5) === 0) : found;
    }
    let scale = 1;
    if (unit === "bytes") while (top / scale >= 1024) scale *= 1024;
    const rough = top / scale / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    let step = ([1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999) ?? 10 * power) * scale;
    if (unit !== "ratio") step = Math.max(step, 1);
    return Array.from({ length: 9 }, (_, n) => n * step).filter((value) => value <= top);
  }

  /** Charts and lanes over one axis of time. */
  class Group {
    constructor(section) {
      this.log = false;
      this.tracks = [...section.querySelectorAll(".track")];
      this.charts = [...section.querySelectorAll("figure.chart")].filter((figure) => data.charts[figure.id]).map((figure) => new Chart(figure, data.charts[figure.id], this));
      if (!this.charts.length) return;
      this.whole = this.charts[0].data.span;
      this.range = this.whole;
      const logs = el("button", { type: "button", "aria-pressed": "false", class: "log", click: () => {
        this.log = !this.log;
        logs.setAttribute("aria-pressed", String(this.log));
        this.draw();
      } }, "Log scale");
      const button = (label, name, click) => el("button", { type: "button", "aria-label": name, title: name, click }, label);
      this.reset = button("Whole time", "Show the whole time", () => this.zoom(this.whole));
      this.hint = el("output", {}, "");
      const tools = el("div", { class: "tools" }, logs, button("+", "Zoom in", () => this.scale(0.5)), button("−", "Zoom out", () => this.scale(2)),
        button("‹", "Earlier", () => this.move(-0.5)), button("›", "Later", () => this.move(0.5)), this.reset, this.hint);
      (section.querySelector("h3") ?? section.firstElementChild).after(tools);
      if (section.firstElementChild.tagName === "FIGURE") section.prepend(tools);
      this.draw();
    }
    zoom([from, to]) {
      const [least, most] = this.whole;
      const width = Math.min(Math.max(to - from, 2), most - least);
      from = Math.min(Math.max(from, least), most - width);
      this.range = [from, from + width];
      this.draw();
    }
    scale(by) {
      const [from, to] = this.range;
      const [middle, half] = [(from + to) / 2, ((to - from) / 2) * by];
      this.zoom([middle - half, middle + half]);
    }
    move(by) {
      const [from, to] = this.range;
      this.zoom([from + (to - from) * by, to + (to - from) * by]);
    }
    draw() {
      const [from, to] = this.range;
      const place = (second) => ((second - data.span[0]) * 1000) / (data.span[1] - data.span[0]);
      this.reset.disabled = from <= this.whole[0] && to >= this.whole[1];
      this.hint.textContent = this.reset.disabled ? "Drag over a chart to zoom." : data.timed ? `${iso(from)} to ${iso(to)}` : "";
      this.charts.forEach((chart) => chart.draw());
      this.tracks.forEach((track) => track.setAttribute("viewBox", `${place(from)} 0 ${place(to) - place(from)} 20`));
    }
  }

  class Chart {
    constructor(figure, chart, group) {
      Object.assign(this, { figure, data: chart, group });
      this.frame = figure.querySelector(".frame");
      this.plot = figure.querySelector(".plot");
      this.tip = el("div", { class: "tip", hidden: true });
      figure.append(this.tip);
      fill(this.frame, {
        tabindex: "0",
        pointermove: (event) => this.point(event),
        pointerleave: () => this.leave(),
        pointerdown: (event) => this.press(event),
        pointerup: (event) => this.release(event),
        pointercancel: () => { this.pressed = null; this.leave(); },
        dblclick: () => group.zoom(group.whole),
        keydown: (event) => this.key(event),
        blur: () => this.leave(),
      }, []);
    }
    second(event) {
      const box = this.box();
      const part = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      return this.group.range[0] + part * (this.group.range[1] - this.group.range[0]);
    }
    box() { return this.area.getBoundingClientRect(); }
    press(event) {
      if (event.button !== 0) return;
      this.pressed = this.second(event);
      if (event.pointerType === "mouse") this.frame.setPointerCapture(event.pointerId);
    }
    release(event) {
      const [from, to] = [this.pressed, this.second(event)].sort((a, b) => a - b);
      const wide = this.pressed !== null && this.pressed !== undefined && to - from > (this.group.range[1] - this.group.range[0]) / 80;
      this.pressed = null;
      this.selection.setAttribute("width", "0");
      if (wide) this.group.zoom([from, to]);
    }
    point(event) {
      const second = this.second(event);
      if (this.pressed !== null && this.pressed !== undefined) {
        const [from, to] = [this.pressed, second].sort((a, b) => a - b).map((s) => this.x(s));
        this.selection.setAttribute("x", `${from}%`);
        this.selection.setAttribute("width", `${to - from}%`);
      }
      this.show(this.nearest(second));
    }
    leave() { this.tip.hidden = true; this.cursor.setAttribute("visibility", "hidden"); }
    nearest(second) {
      const at = this.data.at;
      let [low, high] = [0, at.length - 1];
      while (low < high) { const middle = (low + high) >> 1; if (at[middle] < second) low = middle + 1; else high = middle; }
      return low > 0 && second - at[low - 1] < at[low] - second ? low - 1 : low;
    }
    show(place) {
      const { at, series, unit } = this.data;
      if (place < 0 || place >= at.length) return;
      this.place = place;
      const x = Math.min(Math.max(this.x(at[place]), 0), 100);
      this.cursor.setAttribute("x1", `${x}%`);
      this.cursor.setAttribute("x2", `${x}%`);
      this.cursor.setAttribute("visibility", "visible");
      this.tip.replaceChildren(el("div", {}, data.timed ? iso(at[place]) : `announce ${at[place]}`),
        ...series.map((each) => el("div", {}, el("span", { class: "key" }, el("i", { class: each.class })), `${each.name} ${each.values[place] === null ? "-" : exact[unit](each.values[place])}`)));
      this.tip.hidden = false;
      const box = this.box();
      const left = box.left - this.figure.getBoundingClientRect().left + (x / 100) * box.width;
      const room = this.figure.clientWidth - this.tip.offsetWidth - 4;
      this.tip.style.left = `${Math.max(0, left + 14 > room ? left - this.tip.offsetWidth - 14 : left + 14)}px`;
    }
    key(event) {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (move) this.show(Math.min(Math.max((this.place ?? this.nearest(this.group.range[0])) + move, 0), this.data.at.length - 1));
      else if (event.key === "+") this.group.scale(0.5);
      else if (event.key === "-") this.group.scale(2);
      else if (event.key === "0") this.group.zoom(this.group.whole);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }
    x(second) { const [from, to] = this.group.range; return ((second - from) * 100) / (to - from); }

    draw() {
      const { at, series, unit } = this.data;
      const [from, to] = this.group.range;
      // What lies in the range, and a neighbour on each side: lines lead there.
      let first = at.findIndex((second) => second >= from);
      first = Math.max((first < 0 ? at.length : first) - 1, 0);
      let last = at.findIndex((second) => second > to);
      last = last < 0 ? at.length - 1 : last;
      const seen = series.flatMap((each) => each.values.slice(first, last + 1)).filter((value) => value !== null);
      const top = Math.max(...seen, 0) * 1.04 || 1;
      const least = Math.min(...seen.filter((value) => value > 0), top);
      const log = this.group.log;
      const low = log ? Math.max(Math.min(least, top / 10), top / 1e9) : 0;
      const y = (value) => log ? (value <= low ? 100 : 100 - (Math.log(value / low) * 100) / Math.log(top / low)) : 100 - (value * 100) / top;
      const path = (each) => {
        let [text, pen] = ["", "M"];
        for (let place = first; place <= last; place += 1) {
          const value = each.values[place];
          if (value === null) { pen = "M"; continue; }
          text += `${pen}${(this.x(at[place]) * 10).toFixed(2)} ${(y(value) * 10).toFixed(2)}`;
          pen = "L";
        }
        return svg("path", { class: each.class, d: text });
      };
      this.lines = svg("svg", { class: "lines", width: "100%", height: "100%", viewBox: "0 0 1000 1000", preserveAspectRatio: "none" }, ...series.map(path));
      this.cursor = svg("line", { class: "cursor", y1: "0", y2: "100%", visibility: "hidden" });
      this.selection = svg("rect", { class: "selection", y: "0", height: "100%", width: "0" });
      this.area = svg("rect", { width: "100%", height: "100%", fill: "transparent" });
      this.plot.replaceChildren(this.area,
        ...values(unit, low, top, log).flatMap((value) => [
          svg("line", { class: "grid", x1: "0", x2: "100%", y1: `${y(value)}%`, y2: `${y(value)}%` }),
          svg("text", { class: "y", x: "-8", y: `${y(value)}%` }, mark(unit, value)),
        ]),
        ...marks([from, to]).map(([second, text]) => svg("text", { class: "x", x: `${this.x(second)}%`, y: "100%", dy: "18" }, text)),
        this.lines, this.selection, this.cursor);
    }
  }

  // Articles --------------------------------------------------------------------------------------------------------------

  const tables = {};

  /** What a row and a timeline tell, of who has no article. */
  function brief(id) {
    const name = id.startsWith("swarm-") ? "swarms" : "users";
    const rows = data.tables[name];
    const row = rows?.rows.find(([to]) => to === id)?.[1];
    if (!row) return null;
    const tiles = rows.columns.map((column, at) => numeric(column.kind) ? el("div", { class: "tile" }, el("dt", {}, column.label), el("dd", {}, print[column.kind](row[at]))) : null);
    const verdict = rows.columns.findIndex((column) => column.kind === "verdict");
    const why = rows.columns.findIndex((column) => column.label === "why");
    const section = el("section", { class: "linked" });
    grow(id);
    if (data.timelines[id]) section.append(el("h3", {}, "Over time"), figure(`${id}-ratio`, "Ratio"), figure(`${id}-bytes`, "Bytes so far"));
    const command = name === "users" ? `swarmtrail case ${row[0]} -o html FILE` : `swarmtrail report --torrent ${row[0]} -o html FILE`;
    return el("article", { class: "detail", id, tabindex: "-1", "aria-labelledby": `${id}-name` },
      el("a", { class: "close", href: `#${name}` }, "Close"),
      el("h2", { id: `${id}-name` }, name === "users" ? "User " : "Swarm ", el("bdi", { class: name === "users" ? null : "hash" }, row[0]), " ", verdict < 0 ? "" : badge(row[verdict])),
      why < 0 || !row[why] ? null : el("p", { class: "lead" }, row[why]),
      el("dl", { class: "tiles" }, ...tiles), section,
      el("p", { class: "note" }, "This page has no room for more of this one. Everything: ", el("code", {}, command)));
  }

  /** What a user's charts show, from how the sums grew. */
  function grow(id) {
    const timeline = data.timelines[id];
    if (!timeline || data.charts[`${id}-ratio`]) return;
    const sums = (sum, growth) => growth.map((more) => (sum += more));
    const [at, up, down] = [sums(timeline[0], timeline[1]), sums(0, timeline[2]), sums(0, timeline[3])];
    const span = data.timed ? data.span : [0, Math.max(at.length - 1, 1)];
    const chart = (unit, series) => ({ unit, span, at, series });
    data.charts[`${id}-ratio`] = chart("ratio", [{ name: "ratio", class: "ratio", values: up.map((sum, at) => (down[at] > 0 ? sum / down[at] : null)) }]);
    data.charts[`${id}-bytes`] = chart("bytes", [{ name: "uploaded", class: "up", values: up }, { name: "downloaded", class: "down", values: down }]);
  }

  function figure(id, title) {
    return el("figure", { class: "chart", id },
      el("figcaption", {}, el("span", { class: "title" }, title), ...data.charts[id].series.map((each) => el("span", { class: "key" }, el("i", { class: each.class }), each.name))),
      el("div", { class: "frame" }, svg("svg", { class: "plot", width: "100%", height: "100%", role: "img", "aria-label": title })));
  }

  let opener = null;
  function show() {
    const id = decodeURIComponent(location.hash.slice(1));
    const known = document.getElementById(id);
    if (!known) {
      const article = id && brief(id);
      if (!article) return;
      main.append(article);
      // The address must change for the style sheet to see its target.
      history.replaceState(null, "", "#");
      location.replace(`#${id}`);
      return;
    }
    if (known.matches("details")) known.open = true;
    if (!known.matches(".detail")) return;
    explore(known);
    known.focus({ preventScroll: true });
    known.scrollTop = 0;
  }

  function explore(part) {
    if (part.dataset.explored) return;
    part.dataset.explored = "yes";
    grow(part.id);
    part.querySelectorAll(".linked").forEach((section) => new Group(section));
    const rows = tables[part.id.startsWith("swarm-") ? "swarms" : "users"];
    if (part.matches(".detail") && rows) {
      const step = (by, label) => el("button", { type: "button", click: () => go(part.id, by) }, label);
      part.querySelector("h2").before(el("div", { class: "tools" }, step(-1, "← Previous"), step(1, "Next →")));
    }
  }

  /** The next or the one before, in the order of the table as it is sorted and searched. */
  function go(id, by) {
    const { found } = tables[id.startsWith("swarm-") ? "swarms" : "users"] ?? {};
    const at = found?.findIndex(([to]) => to === id) ?? -1;
    const next = found?.[at + by];
    if (at >= 0 && next) location.replace(`#${next[0]}`);
  }

  function close(article) {
    const place = scrollY;
    location.hash = article.querySelector(".close").hash;
    scrollTo(0, place);
    opener?.isConnected && opener.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a");
    if (!link) return;
    if (link.matches(".close")) {
      event.preventDefault();
      close(link.closest("article"));
    } else if (link.hash.length > 1 && !link.closest(".detail")) {
      opener = link;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches?.("input") && event.key !== "Escape") return;
    const open = document.querySelector(".report .detail:target");
    if (event.key === "Escape" && open) close(open);
    else if (event.key === "ArrowLeft" && open) go(open.id, -1);
    else if (event.key === "ArrowRight" && open) go(open.id, 1);
    else if (event.key === "/" && !open && tables.users) { event.preventDefault(); tables.users.search.focus(); }
  });
  document.addEventListener("toggle", (event) => {
    const part = event.target;
    const check = part.dataset?.check;
    if (!check || !part.open || part.querySelector("dl")) return;
    const meaning = document.getElementById(`check-${check}`)?.querySelector("dl");
    if (meaning) part.querySelector("p").replaceWith(meaning.cloneNode(true));
  }, true);
  addEventListener("beforeprint", () => {
    document.querySelectorAll(".detail:target details, .case .detail:first-child details").forEach((part) => { part.open = true; });
  });
  addEventListener("hashchange", show);

  theme();
  for (const [name, rows] of Object.entries(data.tables)) tables[name] = new Rows(name, rows);
  document.querySelectorAll("#overview, .case .detail:first-child").forEach(explore);
  show();
})();
