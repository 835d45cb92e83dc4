// What the page shows, and who wants to know when it changes.

import type { Example, Kind } from "./data";

export type View = "lines" | "heat map";

export class State {
  example = 0;
  kind = 0;
  layer = 0;
  view: View = "lines";
  heads = new Set<number>();
  private listeners: (() => void)[] = [];

  constructor(readonly examples: Example[]) {
    this.showAllHeads();
    const cross = this.kinds.findIndex((k) => k.name === "Encoder–decoder");
    this.kind = Math.max(cross, 0);
    this.layer = this.current.layers - 1;
    this.showAllHeads();
  }

  get kinds(): Kind[] {
    return this.examples[this.example]!.kinds;
  }

  get current(): Kind {
    return this.kinds[this.kind]!;
  }

  /** shown is the heads that are switched on, in order. */
  get shown(): number[] {
    return [...this.heads].sort((a, b) => a - b);
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** change applies an update, mends what no longer exists and tells all. */
  change(update: (s: State) => void): void {
    const headsBefore = this.current.heads;
    update(this);
    this.kind = Math.min(this.kind, this.kinds.length - 1);
    this.layer = Math.min(this.layer, this.current.layers - 1);
    if (this.current.heads !== headsBefore) {
      this.showAllHeads();
    }
    this.listeners.forEach((listener) => listener());
  }

  toggleHead(head: number): void {
    this.change((s) => {
      if (!s.heads.delete(head)) {
        s.heads.add(head);
      }
    });
  }

  /** soloHead shows one head alone, or all when it is alone already. */
  soloHead(head: number): void {
    this.change((s) => {
      const alone = s.heads.size === 1 && s.heads.has(head);
      s.heads = new Set([head]);
      if (alone) {
        s.showAllHeads();
      }
    });
  }

  showAllHeads(): void {
    this.heads = new Set(Array.from({ length: this.current.heads }, (_, i) => i));
  }
}
