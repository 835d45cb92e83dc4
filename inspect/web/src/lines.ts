// Two columns of tokens joined by lines whose opacity is the weight.

import { scalePoint } from "d3-scale";
import { select, type Selection } from "d3-selection";
import { linkHorizontal } from "d3-shape";
import type { Kind } from "./data";
import { headColor } from "./palette";
import type { State } from "./state";

/** How far the ends of the lines of neighbouring heads lie apart, in pixels. */
const spread = 2.4;

/** Weights below this share of attention are not drawn. */
const faintest = 0.02;

type Side = "query" | "key";

interface Line {
  head: number;
  query: number;
  key: number;
  weight: number;
}

interface Geometry {
  width: number;
  height: number;
  row: number;
  left: number; // where lines begin and end
  right: number;
  y: Record<Side, (i: number) => number>;
}

/** drawLines fills the element with the picture. */
export function drawLines(container: HTMLElement, state: State, report: (text: string) => void): void {
  const kind = state.current;
  const g = geometry(container, kind);
  const svg = select(container)
    .append("svg")
    .attr("class", "lines")
    .attr("viewBox", `0 0 ${g.width} ${g.height}`)
    .attr("width", g.width)
    .attr("height", g.height)
    .attr("role", "group")
    .attr("aria-label", `${kind.name} attention, layer ${state.layer + 1}`);

  svg.append("text").attr("class", "caption").attr("x", g.left - 12).attr("y", 16)
    .attr("text-anchor", "end").text("query");
  svg.append("text").attr("class", "caption").attr("x", g.right + 12).attr("y", 16).text("key");

  const rest = svg.append("g");
  const focus = svg.append("g");
  draw(rest, linesOf(state, () => true), g, state.shown, 0.8);
  const show = (side: Side, index: number) => {
    const lines = linesOf(state, (q, k) => (side === "query" ? q : k) === index);
    rest.attr("visibility", "hidden");
    focus.selectAll("*").remove();
    draw(focus, lines, g, state.shown, 1.8);
    strips(focus, lines, side === "query" ? "key" : "query", g, side === "query" ? keyWidth : queryWidth);
    report(summary(state, side, index));
  };
  const hide = () => {
    focus.selectAll("*").remove();
    rest.attr("visibility", null);
    report("");
  };
  const queryWidth = tokens(svg, kind.queries, "query", g, show, hide);
  const keyWidth = tokens(svg, kind.keys, "key", g, show, hide);
}

function geometry(container: HTMLElement, kind: Kind): Geometry {
  const rows = Math.max(kind.queries.length, kind.keys.length);
  const row = rows > 40 ? 18 : rows > 24 ? 22 : 30;
  const top = 34;
  const width = Math.min(Math.max(container.clientWidth, 340), 860);
  const column = Math.min(220, width * 0.3);
  const height = top + rows * row + 6;
  const scale = (count: number) => {
    const inset = ((rows - count) * row) / 2; // shorter columns are centred
    const point = scalePoint<number>()
      .domain(Array.from({ length: count }, (_, i) => i))
      .range([top + inset + row / 2, height - 6 - inset - row / 2]);
    return (i: number) => point(i) ?? 0;
  };
  return {
    width, height, row, left: column, right: width - column,
    y: { query: scale(kind.queries.length), key: scale(kind.keys.length) },
  };
}

function linesOf(state: State, wanted: (query: number, key: number) => boolean): Line[] {
  const kind = state.current;
  const lines: Line[] = [];
  for (const head of state.shown) {
    for (let query = 0; query < kind.queries.length; query++) {
      for (let key = 0; key < kind.keys.length; key++) {
        const weight = kind.weight(state.layer, head, query, key);
        if (weight >= faintest && wanted(query, key)) {
          lines.push({ head, query, key, weight });
        }
      }
    }
  }
  return lines;
}

/** draw joins queries and keys with lines at least as thin as given where heads are many. */
function draw(
  group: Selection<SVGGElement, unknown, null, undefined>,
  lines: Line[], g: Geometry, heads: number[], thinnest: number,
): void {
  const step = Math.min(spread, (0.7 * g.row) / Math.max(heads.length, 1));
  const shift = (head: number) => (heads.indexOf(head) - (heads.length - 1) / 2) * step;
  const path = linkHorizontal<Line, [number, number]>()
    .source((l) => [g.left, g.y.query(l.query) + shift(l.head)])
    .target((l) => [g.right, g.y.key(l.key) + shift(l.head)]);
  group
    .selectAll("path")
    .data(lines)
    .join("path")
    .attr("class", "line")
    .attr("d", path)
    .attr("stroke", (l) => headColor(l.head))
    .attr("stroke-width", Math.max(thinnest, Math.min(2, step)))
    .attr("stroke-opacity", (l) => l.weight);
}

/** strips puts a cell for each head beside the tokens at the other end, whose widest is as wide as given. */
function strips(
  group: Selection<SVGGElement, unknown, null, undefined>,
  lines: Line[], side: Side, g: Geometry, widest: number,
): void {
  const heads = [...new Set(lines.map((l) => l.head))].sort((a, b) => a - b);
  const beside = widest + 24;
  const cell = Math.max(3, Math.min(12, (g.left - beside) / Math.max(heads.length, 1)));
  const from = side === "key" ? g.right + beside : g.left - beside - heads.length * cell;
  group
    .selectAll("rect")
    .data(lines)
    .join("rect")
    .attr("class", "strip")
    .attr("x", (l) => from + heads.indexOf(l.head) * cell)
    .attr("y", (l) => g.y[side](side === "key" ? l.key : l.query) - g.row / 2 + 2)
    .attr("width", cell)
    .attr("height", g.row - 4)
    .attr("fill", (l) => headColor(l.head))
    .attr("fill-opacity", (l) => l.weight);
}

/** tokens writes a column of tokens and returns the width of the widest. */
function tokens(
  svg: Selection<SVGSVGElement, unknown, null, undefined>,
  words: string[], side: Side, g: Geometry,
  show: (side: Side, index: number) => void, hide: () => void,
): number {
  const x = side === "query" ? 0 : g.right;
  const token = svg
    .append("g")
    .attr("role", "list")
    .attr("aria-label", side === "query" ? "queries" : "keys")
    .selectAll("g")
    .data(words)
    .join("g")
    .attr("class", "token")
    .attr("role", "listitem")
    .attr("tabindex", 0)
    .attr("aria-label", (w, i) => `${side} ${i + 1}: ${w}`)
    .attr("transform", (_, i) => `translate(${x},${g.y[side](i)})`);
  token
    .append("rect")
    .attr("y", -g.row / 2 + 1)
    .attr("width", g.left)
    .attr("height", g.row - 2)
    .attr("rx", 6);
  const text = token
    .append("text")
    .attr("x", side === "query" ? g.left - 12 : 12)
    .attr("dy", "0.35em")
    .attr("text-anchor", side === "query" ? "end" : "start")
    .style("font-size", `${Math.min(16, g.row * 0.58)}px`)
    .text((w) => w);
  words.forEach((_, i) => {
    select(token.nodes()[i]!)
      .on("pointerenter focus", () => show(side, i))
      .on("pointerleave blur", hide);
  });
  return Math.max(...text.nodes().map((t) => t.getComputedTextLength()));
}

/** summary says in words where a token's attention goes or comes from. */
function summary(state: State, side: Side, index: number): string {
  const kind = state.current;
  const [own, other] = side === "query" ? [kind.queries, kind.keys] : [kind.keys, kind.queries];
  const heads = state.shown;
  if (heads.length === 0) {
    return "";
  }
  const means = other.map((token, i) => {
    const [query, key] = side === "query" ? [index, i] : [i, index];
    const sum = heads.reduce((s, h) => s + kind.weight(state.layer, h, query, key), 0);
    return { token, mean: sum / heads.length };
  });
  const strongest = means.sort((a, b) => b.mean - a.mean).slice(0, 3)
    .filter((m) => m.mean >= faintest)
    .map((m) => `${m.token} ${Math.round(100 * m.mean)} %`);
  const verb = side === "query" ? "attends to" : "is attended to by";
  return `${own[index]} ${verb} ${strongest.join(", ")} (mean of the heads shown)`;
}
