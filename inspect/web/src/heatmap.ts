// One heat map for each head: rows are queries and columns are keys.

import { select } from "d3-selection";
import type { Kind } from "./data";
import { headColor, heat, heatGradient } from "./palette";
import type { State } from "./state";

/** Beyond this many tokens, small maps leave their labels to the pointer. */
const labelled = 24;

/** drawHeatMaps fills the element with the maps of the heads shown. */
export function drawHeatMaps(container: HTMLElement, state: State, report: (text: string) => void): void {
  legend(container);
  const grid = select(container)
    .append("div")
    .attr("class", state.shown.length === 1 ? "maps single" : "maps");
  for (const head of state.shown) {
    const card = grid.append("figure").attr("class", "map");
    card
      .append("figcaption")
      .style("--head", headColor(head))
      .text(`Head ${head + 1}`);
    drawMap(card.append("div").node()!, state, head, report);
  }
}

function legend(container: HTMLElement): void {
  const box = select(container).append("div").attr("class", "legend").attr("aria-hidden", "true");
  box.append("span").text("0");
  box.append("span").attr("class", "ramp").style("background", heatGradient());
  box.append("span").text("1");
}

function drawMap(box: HTMLElement, state: State, head: number, report: (text: string) => void): void {
  const kind = state.current;
  const single = state.shown.length === 1;
  const many = Math.max(kind.queries.length, kind.keys.length) > labelled;
  const size = cellSize(kind, single);
  const [rows, columns] = [kind.queries.length, kind.keys.length];

  const frame = select(box).attr("class", "frame");
  if (single || !many) {
    labels(box, kind, size);
  }
  const canvas = frame
    .append("canvas")
    .attr("width", columns)
    .attr("height", rows)
    .attr("role", "img")
    .attr("aria-label", `Weights of head ${head + 1}, layer ${state.layer + 1}: ${rows} queries by ${columns} keys`)
    .style("width", `${columns * size}px`)
    .style("height", `${rows * size}px`)
    .on("pointermove", (event: PointerEvent) => {
      const query = Math.min(rows - 1, Math.max(0, Math.floor(event.offsetY / size)));
      const key = Math.min(columns - 1, Math.max(0, Math.floor(event.offsetX / size)));
      const weight = kind.weight(state.layer, head, query, key);
      report(`Head ${head + 1}: ${kind.queries[query]} → ${kind.keys[key]} ${weight.toFixed(3)}`);
    })
    .on("pointerleave", () => report(""));
  paint(canvas.node()!, state, head);
}

function cellSize(kind: Kind, single: boolean): number {
  const tokens = Math.max(kind.queries.length, kind.keys.length);
  const room = single ? 720 : 260;
  return Math.max(single ? 11 : 4, Math.min(single ? 34 : 22, Math.floor(room / tokens)));
}

/** paint sets one pixel of the canvas for each weight. */
function paint(canvas: HTMLCanvasElement, state: State, head: number): void {
  const kind = state.current;
  const [rows, columns] = [kind.queries.length, kind.keys.length];
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(columns, rows);
  const color = heat();
  for (let query = 0; query < rows; query++) {
    for (let key = 0; key < columns; key++) {
      const rgb = color(kind.weight(state.layer, head, query, key));
      image.data.set([...rgb, 255], 4 * (query * columns + key));
    }
  }
  context.putImageData(image, 0, 0);
}

/** labels writes the keys above the map and the queries left of it. */
function labels(box: HTMLElement, kind: Kind, size: number): void {
  const font = `${Math.max(9, Math.min(14, size * 0.72))}px`;
  const frame = select(box).classed("labelled", true);
  const list = (name: string, tokens: string[]) =>
    frame
      .append("div")
      .attr("class", name)
      .style("font-size", font)
      .selectAll("span")
      .data(tokens)
      .join("span")
      .style(name === "keys" ? "width" : "height", `${size}px`)
      .append("span")
      .text((token) => token);
  list("keys", kind.keys);
  list("queries", kind.queries);
}
