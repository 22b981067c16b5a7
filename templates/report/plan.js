"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const WORDS = { "+": "create", "~": "update", "-": "delete" };
  const BATCH = 200;
  const SVG = "http://www.w3.org/2000/svg";

  // Every text from outside goes in by textContent: it is never markup.
  function make(tag, properties, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name in node && name !== "list") node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  function human(kbps) {
    for (const [size, letter] of [[1e6, "G"], [1e3, "M"]]) {
      if (kbps >= size) return `${+(kbps / size).toFixed(2)} ${letter}bit/s`;
    }
    return `${kbps} kbit/s`;
  }

  function bar(before, after, most, over) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 100 10");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    [[before, "was", 0], [after, over ? "over" : "will", 5]].forEach(([value, name, y]) => {
      const rect = document.createElementNS(SVG, "rect");
      rect.setAttribute("x", "0");
      rect.setAttribute("y", String(y));
      rect.setAttribute("width", String(most ? (100 * value) / most : 0));
      rect.setAttribute("height", "4.5");
      rect.setAttribute("class", name);
      svg.append(rect);
    });
    return svg;
  }

  function chart(title, note, rows) {
    if (!rows.length) return null;
    const most = Math.max(...rows.flatMap((row) => [row.before, row.after]));
    const shown = rows.slice(0, 25);
    const list = make("dl", { className: "bars" });
    for (const row of shown) {
      list.append(
        make("dt", {}, row.name),
        make("dd", { className: "bar" }, bar(row.before, row.after, most, row.over)),
        make("dd", { className: "num" }, row.text),
      );
    }
    const rest = rows.length - shown.length;
    return make("figure", {}, make("figcaption", {}, title), make("p", { className: "quiet" },
      note + (rest ? ` The ${rest} smaller ones are left out.` : "")), list);
  }

  function charts(figures) {
    if (!figures) return null;
    const policies = Object.entries(figures.policies)
      .map(([name, pair]) => ({ name: name || "no policy", before: pair.before, after: pair.after, text: `${pair.before} → ${pair.after}` }))
      .sort((one, other) => other.after - one.after);
    const blocked = Object.entries(figures.blocked)
      .map(([name, pair]) => ({ name, before: pair.before, after: pair.after, text: `${pair.before} → ${pair.after}` }));
    const sold = (direction) => Object.entries(figures.groups).map(([name, load]) => {
      const capacity = load[`capacity_${direction}`];
      const ratio = capacity ? load[direction].after / capacity : 0;
      const times = capacity ? `, ${ratio.toFixed(1)} : 1` : "";
      return { name, before: load[direction].before, after: load[direction].after, over: ratio > 1, ratio,
        text: `${human(load[direction].before)} → ${human(load[direction].after)}${times}` };
    }).sort((one, other) => other.ratio - one.ratio || other.after - one.after);
    const both = "Above before, below after.";
    return make("div", { className: "charts" },
      chart("Subscribers by policy", both, policies),
      chart("Blocked subscribers by source", both, blocked),
      chart("Sold downlink by site", `${both} The ratio is what is sold to what group_capacity says it carries; red is oversold.`, sold("download")),
      chart("Sold uplink by site", both, sold("upload")));
  }

  function table(plan, number) {
    const columns = ["Change", "Kind", "Object", "What", "Service"];
    const state = { rows: plan.changes, column: null, descending: false, shown: 0 };
    const body = make("tbody");
    const count = make("p", { className: "quiet", role: "status" });
    const scroll = make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": `Changes of ${plan.name}` });

    function more(upTo) {
      const end = Math.min(state.rows.length, upTo);
      const part = document.createDocumentFragment();
      for (; state.shown < end; state.shown += 1) {
        const row = state.rows[state.shown];
        const line = make("tr", { className: WORDS[row[0]] });
        row.forEach((text, column) => line.append(make("td", {}, column === 0 ? `${text} ${WORDS[text]}` : text)));
        part.append(line);
      }
      body.append(part);
    }

    function show() {
      const wanted = search.value.trim().toLowerCase();
      const chosen = [action.value, kind.value, service.value];
      state.rows = plan.changes.filter((row) =>
        (!chosen[0] || row[0] === chosen[0]) && (!chosen[1] || row[1] === chosen[1]) && (!chosen[2] || row[4] === chosen[2]) &&
        (!wanted || row[2].toLowerCase().includes(wanted) || row[3].toLowerCase().includes(wanted)));
      if (state.column !== null) {
        const order = new Intl.Collator("en", { numeric: true }).compare;
        const sign = state.descending ? -1 : 1;
        state.rows = [...state.rows].sort((one, other) => sign * order(one[state.column], other[state.column]));
      }
      body.replaceChildren();
      state.shown = 0;
      scroll.scrollTop = 0;
      more(BATCH);
      count.textContent = `${state.rows.length} of ${plan.changes.length} changes`;
    }

    const heads = columns.map((title, column) => {
      const button = make("button", { type: "button" }, title);
      const head = make("th", { className: `c${column}`, scope: "col" }, button);
      button.addEventListener("click", () => {
        state.descending = state.column === column && !state.descending;
        state.column = column;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
        show();
      });
      return head;
    });

    const choice = (label, options) => {
      const select = make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
      select.addEventListener("change", show);
      return [select, make("label", {}, label, select)];
    };
    const search = make("input", { type: "search", id: `search-${number}` });
    search.addEventListener("input", show);
    const [action, actionLabel] = choice("Change", [["", "all"], ["+", "create"], ["~", "update"], ["-", "delete"]]);
    const [kind, kindLabel] = choice("Kind", [["", "all"], ["policy", "policies"], ["subscriber", "subscribers"], ["group", "groups"]]);
    const [service, serviceLabel] = choice("Service", [["", "all"], ["blocked", "newly blocked"], ["unblocked", "unblocked"]]);
    scroll.addEventListener("scroll", () => {
      if (scroll.scrollTop + scroll.clientHeight > scroll.scrollHeight - 400) more(state.shown + BATCH);
    }, { passive: true });
    window.addEventListener("beforeprint", () => more(state.rows.length));
    scroll.append(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body));
    show();
    return make("section", {}, make("h3", {}, "Changes"),
      make("div", { className: "tools" }, make("label", {}, "Search", search), actionLabel, kindLabel, serviceLabel), count, scroll);
  }

  function figure(number, words) {
    return make("li", {}, make("strong", {}, String(number)), words);
  }

  data.appliances.forEach((plan, number) => {
    const section = make("section", { "aria-labelledby": `bqn-${number}` }, make("h2", { id: `bqn-${number}` }, plan.name),
      make("p", { className: "quiet" }, `${plan.address}${plan.sources.length ? `, from ${plan.sources.join(", ")}` : ""}`));
    if (plan.error) section.append(make("p", { className: "notice" }, `Could not be planned: ${plan.error}`));
    plan.warnings.forEach((text) => section.append(make("p", { className: "notice" }, text)));
    plan.verdicts.filter((each) => each.refused).forEach((each) => section.append(make("p", { className: "notice" },
      `Refused: ${each.rule} ${each.count} of ${each.existing} ${each.kind} (${each.limit}). ${each.fix || ""}`)));
    const total = { "+": 0, "~": 0, "-": 0 };
    plan.changes.forEach((row) => { total[row[0]] += 1; });
    if (!plan.error) {
      section.append(make("ul", { className: "figures" }, figure(total["+"], "to create"), figure(total["~"], "to change"),
        figure(total["-"], "to delete"), figure(plan.blocked, "newly blocked"), figure(plan.unblocked, "unblocked"),
        figure(plan.requests, `requests, about ${Math.max(1, Math.round(plan.seconds))} s`)));
    }
    if (plan.changes.length) section.append(table(plan, number));
    const drawn = charts(plan.figures);
    if (drawn) section.append(make("h3", {}, "Before and after"), drawn);
    if (plan.left.length) section.append(make("h3", {}, "Left alone"), make("ul", {}, ...plan.left.map((text) => make("li", {}, text))));
    main.append(section);
  });
})();
