// Colours of heads and of heat maps, for light and dark pages.

import { scaleLinear } from "d3-scale";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** headColor gives neighbouring heads hues far apart, alike in brightness. */
export function headColor(head: number): string {
  const hue = (250 + head * 137.508) % 360; // the golden angle
  const lightness = (dark.matches ? 74 : 58) - (head >= 8 ? 12 : 0);
  return `oklch(${lightness}% 0.17 ${hue.toFixed(1)})`;
}

/** heat returns the colour of a weight, 0 to 1, as [red, green, blue]. */
export function heat(): (weight: number) => [number, number, number] {
  const stops = dark.matches
    ? ["#141926", "#274a86", "#58a0e8", "#e9f5ff"]
    : ["#f5f8fd", "#9cc4f0", "#2f6fd0", "#0b2559"];
  const scale = scaleLinear<string>().domain([0, 0.3, 0.7, 1]).range(stops);
  return (weight) => {
    const channels = scale(weight).match(/\d+/g) ?? [];
    return [Number(channels[0]), Number(channels[1]), Number(channels[2])];
  };
}

/** heatGradient is the colour scale as a CSS image, from 0 to 1. */
export function heatGradient(): string {
  const color = heat();
  const stops = Array.from({ length: 11 }, (_, i) => `rgb(${color(i / 10).join(" ")})`);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** onSchemeChange calls back when the page turns dark or light. */
export function onSchemeChange(callback: () => void): void {
  dark.addEventListener("change", callback);
}
