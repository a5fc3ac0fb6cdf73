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
      const retire = () => showNote({ model, el });
      if (!live || el.classList.contains("jupyter-widgets-disconnected")) return retire();
      el.classList.add("explorer");
      el.append(...panel(model, retire));
      model.on("comm_live_update", retire); // the kernel was restarted
    },
  };
};

function showNote({ model, el }) {
  el.classList.remove("jupyter-widgets-disconnected"); // it draws a red, broken link
  el.textContent = model.get("note");
}

// JupyterLab stores a notebook without its widgets, and then reports an error where they were. So it is given a widget
// that shows the note and no more, to store under the name of this one.
function storeNote(model) {
  const notebook = model.widget_manager?.context?.model;
  if (!notebook?.setMetadata) return; // not JupyterLab
  const name = model.get("name");
  const stored = notebook.getMetadata("widgets")?.[STATE]?.state ?? {};
  if (name in stored) return; // by what ran the notebook without a page
  const cells = JSON.stringify(notebook.toJSON().cells);
  for (const [id, { model_module }] of Object.entries(stored)) {
    if (model_module === "anywidget" && !cells.includes(id)) delete stored[id]; // of an earlier run
  }
  stored[name] = {
    model_name: "AnyModel",
    model_module: "anywidget",
    model_module_version: "*", // it is opened with other versions, too
    state: {
      _esm: `export default { render: ${showNote} };`,
      _view_name: "AnyView",
      _view_module: "anywidget",
      _view_module_version: "*",
      note: model.get("note"),
    },
  };
  const state = { version_major: 2, version_minor: 0, state: stored };
  notebook.setMetadata("widgets", { [STATE]: state });
}

function panel(model, retire) {
  const grid = element("div", { className: "explorer-controls" });
  const status = element("div", { className: "explorer-status", role: "status" });
  const inputs = model.get("controls").map((control) => add(control, grid, ask));
  let number = 0;
  let timer;

  function ask() {
    if (model.widget_manager?.kernel === null) return retire(); // it was shut down
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
