/* What the pages of Sweepstake do in a browser beside htmx. */
"use strict";
(() => {
  const framed = window.parent !== window;

  /* In Airflow's frame the page looks as Airflow does. */
  const around = () => {
    try {
      return framed ? window.parent.document : null;
    } catch {
      return null;
    }
  };
  const outer = around();
  const follow = () => {
    const dark = outer.documentElement.classList.contains("dark");
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  if (outer) {
    follow();
    new MutationObserver(follow).observe(outer.documentElement, { attributeFilter: ["class"] });
  }

  /* A frame may open no window; the page around it may. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[target=_blank]");
    if (!link || !outer || !/^https?:$/.test(link.protocol)) return;
    event.preventDefault();
    const opener = outer.createElement("a");
    opener.href = link.href;
    opener.target = "_blank";
    opener.rel = "noopener";
    outer.body.append(opener);
    opener.click();
    opener.remove();
  });

  /* A chosen file becomes the text of the editor. */
  const told = () => document.getElementById("told");
  const say = (text) => {
    const line = document.createElement("p");
    line.className = "told bad";
    line.setAttribute("role", "alert");
    line.textContent = text;
    told().replaceChildren(line);
  };
  document.addEventListener("change", async (event) => {
    if (event.target.id !== "chosen" || !event.target.files.length) return;
    const [file] = event.target.files;
    if (file.size > 1000000) {
      say(`${file.name}: must have at most 1 MB, but has more. Use sweepstake submit.`);
      return;
    }
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
      document.getElementById("content").value = text;
      document.getElementById("file").value = file.name;
      told().replaceChildren();
    } catch {
      say(`${file.name}: must be text in UTF-8, but is not. Save it so, or use sweepstake submit.`);
    }
  });

  /* A mistake leads to its line in the editor. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-line]");
    const editor = document.getElementById("content");
    if (!button || !editor) return;
    const lines = editor.value.split("\n");
    const number = Number(button.dataset.line);
    const start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    editor.focus();
    editor.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
  });

  /* Answers that refuse something are shown as well; a failed look at what is live is left alone. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr.status >= 400 && target.id !== "live") {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });

  /* What is unfolded or scrolled stays so when the live part is drawn again. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    const live = event.target.id === "live" ? event.target : null;
    if (live && (live.querySelector("details[open]") || live.contains(document.activeElement))) {
      event.preventDefault();
    }
  });
})();
