// The bar of menus and switches above the picture.

import { select } from "d3-selection";
import { headColor } from "./palette";
import type { State, View } from "./state";

/** controls builds the bar and keeps it true to the state. */
export function controls(state: State): void {
  buildExamples(state);
  const update = () => {
    const kinds = state.kinds.map((k) => k.name);
    segments("#kinds", kinds, state.kind, (i) => state.change((s) => (s.kind = i)));
    const layers = Array.from({ length: state.current.layers }, (_, i) => String(i + 1));
    segments("#layers", layers, state.layer, (i) => state.change((s) => (s.layer = i)));
    const views: View[] = ["lines", "heat map"];
    segments("#views", ["Lines", "Heat map"], views.indexOf(state.view), (i) =>
      state.change((s) => (s.view = views[i]!)),
    );
    heads(state);
  };
  state.onChange(update);
  update();
}

function buildExamples(state: State): void {
  select<HTMLSelectElement, unknown>("#example")
    .on("change", (event: Event) => {
      const menu = event.target as HTMLSelectElement;
      state.change((s) => (s.example = menu.selectedIndex));
    })
    .selectAll("option")
    .data(state.examples)
    .join("option")
    .text((e) => e.name);
  select("#example-field").attr("hidden", state.examples.length > 1 ? null : "");
}

/** segments shows a choice of one among a few as a row of buttons. */
function segments(id: string, names: string[], chosen: number, choose: (i: number) => void): void {
  select(id)
    .selectAll<HTMLButtonElement, string>("button")
    .data(names)
    .join("button")
    .attr("type", "button")
    .attr("aria-pressed", (_, i) => String(i === chosen))
    .text((name) => name)
    .on("click", (_event, name) => choose(names.indexOf(name)));
}

function heads(state: State): void {
  const all = Array.from({ length: state.current.heads }, (_, i) => i);
  select("#head-buttons")
    .selectAll<HTMLButtonElement, number>("button")
    .data(all)
    .join("button")
    .attr("type", "button")
    .attr("class", "head")
    .attr("aria-pressed", (h) => String(state.heads.has(h)))
    .attr("aria-label", (h) => `Head ${h + 1}`)
    .attr("title", "Click to switch on or off, double click to see it alone")
    .style("--head", (h) => headColor(h))
    .text((h) => h + 1)
    .on("click", (_event, h) => state.toggleHead(h))
    .on("dblclick", (_event, h) => state.soloHead(h));
  const everything = state.heads.size === all.length;
  select("#all-heads")
    .text(everything ? "None" : "All")
    .on("click", () => state.change((s) => (everything ? s.heads.clear() : s.showAllHeads())));
}
