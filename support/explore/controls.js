// The controls of an explorer. They send what is wanted, under a running number; the kernel draws, and answers with it.

const PATIENCE = 300; // milliseconds, after which a learner is told what is waited for
const WAITING = "Waiting for the kernel, which is busy.";
const STATE = "application/vnd.jupyter.widget-state+json";

export default () => {
  let live = false; // whether this page has the displays that the kernel updates
  return {
    initialize({ model }) {
      live = !model.get("taken");
      if (!live) return;
      model.set("taken", true);
      model.save_changes();
      storeNote(model);
    },
    render({ model, el }) {
      const retire = () => el.replaceChildren(model.get("note"));
      if (!live) return retire();
      el.classList.add("explorer");
      el.append(...panel(model, retire));
      model.on("comm_live_update", retire); // the kernel was restarted
    },
  };
};

// JupyterLab stores a notebook without its widgets, and then reports an error where they were. So it is given a widget
// that shows the note alone, without the broken link that marks one without a kernel, to store under this one's name.
function storeNote(model) {
  const notebook = model.widget_manager.context?.model;
  if (!notebook?.setMetadata) return; // not JupyterLab
  const show = `el.classList.remove("jupyter-widgets-disconnected"); el.textContent = ${JSON.stringify(model.get("note"))};`;
  const widget = {
    model_name: "AnyModel",
    model_module: "anywidget",
    model_module_version: model.get("_model_module_version"),
    state: { _esm: `export default { render({ el }) { ${show} } };` },
  };
  for (const key of ["_view_name", "_view_module", "_view_module_version"]) {
    widget.state[key] = model.get(key);
  }
  const cells = JSON.stringify(notebook.toJSON().cells);
  const stored = Object.entries(notebook.getMetadata("widgets")?.[STATE]?.state ?? {});
  const kept = stored.filter(([id, { model_module }]) => model_module !== "anywidget" || cells.includes(id));
  const state = { ...Object.fromEntries(kept), [model.get("name")]: widget };
  notebook.setMetadata("widgets", { [STATE]: { version_major: 2, version_minor: 0, state } });
}

function panel(model, retire) {
  const grid = element("div", { className: "explorer-controls" });
  const status = element("div", { className: "explorer-status", role: "status" });
  const inputs = model.get("controls").map((control) => add(control, grid, ask));
  let number = 0;
  let timer;

  function ask() {
    if (model.widget_manager.kernel === null) return retire(); // it was shut down
    number += 1;
    model.set("wanted", { number, values: inputs.map((read) => read()) });
    model.save_changes(); // while the kernel has not taken the last one, this keeps only the latest
    timer ??= setTimeout(say, PATIENCE, WAITING, true);
  }

  function say(words, waits) {
    status.textContent = words;
    status.classList.toggle("explorer-waits", waits);
  }

  model.on("change:drawn", () => {
    const drawn = model.get("drawn");
    clearTimeout(timer);
    timer = drawn.number < number ? setTimeout(say, PATIENCE, WAITING, true) : undefined;
    say(drawn.words, false);
  });

  return [grid, status];
}

// Adds a labeled control to the grid; returns a function that reads it.
function add({ label, kind, texts, start }, grid, ask) {
  const input = element(kind === "list" ? "select" : "input");
  const text = element("span", { className: "explorer-text", ariaHidden: "true" });
  if (kind === "slider") {
    Object.assign(input, { type: "range", min: 0, max: texts.length - 1, value: start });
  } else if (kind === "list") {
    input.append(...texts.map((each, place) => new Option(each, place, false, place === start)));
  } else {
    Object.assign(input, { type: "text", value: start, spellcheck: false });
  }

  // Plain keys, such as arrows, would else be commands of JupyterLab, too. Those with Ctrl or Shift are left to it.
  input.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey || event.shiftKey)) event.stopPropagation();
  });
  const show = () => {
    text.textContent = texts[input.value];
    input.setAttribute("aria-valuetext", texts[input.value]);
  };
  if (kind === "slider") {
    show();
    input.addEventListener("input", show);
    input.addEventListener("input", ask);
  } else {
    input.addEventListener("change", ask);
    input.addEventListener("keydown", ({ key }) => kind === "field" && key === "Enter" && ask());
  }

  const name = element("label");
  name.append(element("span", { textContent: label }), input);
  grid.append(name, text);
  return () => (kind === "field" ? input.value : Number(input.value));
}

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
