"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const record = (id) => JSON.parse(find(id).textContent);
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  // Figures: drawn when they come near, in the colours of the page.
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const looks = (layout) => {
    const ink = color("--ink"), line = color("--line");
    const axis = (given) => ({ ...given, gridcolor: line, linecolor: line, tickcolor: line });
    const phone = innerWidth < 640;
    return {
      ...layout,
      xaxis: axis(layout.xaxis),
      yaxis: axis(layout.yaxis),
      font: { color: ink, size: 12, family: "system-ui, sans-serif" },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      dragmode: phone ? false : "zoom",
      hoverlabel: { bgcolor: color("--card"), bordercolor: line, font: { color: ink }, align: "left" },
    };
  };
  const drawn = new Map();
  const draw = (place) => {
    const figure = drawn.get(place) || record(place.dataset.figure);
    drawn.set(place, figure);
    const data = figure.data.map((trace) => trace.type === "parcoords"
      ? { ...trace, labelfont: { color: color("--ink") }, tickfont: { color: color("--ink") } }
      : trace);
    const layout = looks(figure.layout);
    if (data.some((trace) => trace.type === "parcoords")) { delete layout.xaxis; delete layout.yaxis; }
    const settings = { displayModeBar: false, responsive: true, scrollZoom: false };
    return Plotly.react(place, data, layout, settings).catch(() => {
      place.textContent = "This browser cannot draw this figure.";
    });
  };
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { near.unobserve(entry.target); draw(entry.target); }
    }
  }, { rootMargin: "400px" });
  document.querySelectorAll(".plot").forEach((place) => near.observe(place));
  const redraw = () => drawn.forEach((_, place) => draw(place));
  system.addEventListener("change", redraw);
  addEventListener("beforeprint", () => document.querySelectorAll(".plot").forEach(draw));

  const theme = find("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    root.dataset.theme = dark ? "light" : "dark";
    redraw();
  });

  // The leaderboard: sorted, filtered and in pages.
  const { heads, rows, page: size } = record("table");
  const best = rows.length && rows[0][0] === 1 ? rows[0] : null;
  const texts = new Map(rows.map((row) => [row, row.map((cell, at) =>
    cell === null ? "" : `${heads[at]}=${cell}`).join(" ").toLowerCase()]));
  const body = document.querySelector("#board tbody");
  const headings = [...document.querySelectorAll("#board th")];
  const words = new Intl.Collator(undefined, { numeric: true }).compare;
  let kept = rows, first = 0, by = -1, sign = 1;
  const compare = (a, b) => {
    if (a === b) return 0;
    if (a === null || a === "") return 1;
    if (b === null || b === "") return -1;
    return sign * (typeof a === "number" && typeof b === "number" ? a - b : words(String(a), String(b)));
  };
  const show = () => {
    const part = kept.slice(first, first + size);
    body.replaceChildren(...part.map((row) => {
      const line = document.createElement("tr");
      if (row === best) line.className = "best";
      line.append(...row.map((cell) => {
        const place = document.createElement("td");
        place.textContent = cell === null ? "" : cell;
        if (String(cell).length > 40) place.title = cell;
        return place;
      }));
      return line;
    }));
    find("shown").textContent = kept.length
      ? `${first + 1} to ${first + part.length} of ${kept.length} trials` : "No trial is like this.";
    find("back").disabled = first === 0;
    find("forth").disabled = first + size >= kept.length;
  };
  const select = () => {
    const asked = find("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    kept = rows.filter((row) => asked.every((word) => texts.get(row).includes(word)));
    if (by >= 0) kept.sort((a, b) => compare(a[by], b[by]));
    first = 0;
    show();
  };
  headings.forEach((heading, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      sign = by === at ? -sign : 1;
      by = at;
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      headings.forEach((each, place) => {
        each.firstChild.textContent = heads[place] + (place === at ? (sign > 0 ? " ▲" : " ▼") : "");
      });
      select();
    });
  });
  find("filter").addEventListener("input", select);
  find("back").addEventListener("click", () => { first = Math.max(0, first - size); show(); });
  find("forth").addEventListener("click", () => { first += size; show(); });
  document.querySelector(".tools").hidden = false;
  show();

  // The next grid file: a frame without rights to the clipboard copies by the selection.
  const copy = find("copy");
  if (copy) {
    copy.hidden = false;
    copy.addEventListener("click", () => {
      getSelection().selectAllChildren(find("grid"));
      const done = document.execCommand("copy");
      find("copied").textContent = done ? "Copied." : "It is marked: copy it by Ctrl+C.";
    });
  }
})();
