// The attention page: two views of the weights under one bar of controls.

import { controls } from "./controls";
import { load } from "./data";
import { drawHeatMaps } from "./heatmap";
import { drawLines } from "./lines";
import { onSchemeChange } from "./palette";
import { State } from "./state";

function main(): void {
  const container = document.getElementById("view")!;
  const readout = document.getElementById("readout")!;
  const state = new State(load());
  const hint = "Point at a token to see its weights only.";
  const report = (text: string) => {
    readout.textContent = text || (state.view === "lines" ? hint : "Point at a cell to read its weight.");
  };
  const redraw = () => {
    container.replaceChildren();
    report("");
    (state.view === "lines" ? drawLines : drawHeatMaps)(container, state, report);
  };
  controls(state);
  state.onChange(redraw);
  let width = container.clientWidth;
  window.addEventListener("resize", () => {
    if (container.clientWidth !== width) {
      width = container.clientWidth;
      redraw();
    }
  });
  onSchemeChange(() => state.change(() => undefined));
  redraw();
}

main();
