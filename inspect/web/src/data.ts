// The attention weights that the page carries, as package inspect writes them.

/** One kind of attention of one sentence pair. */
export interface Kind {
  name: string;
  queries: string[];
  keys: string[];
  layers: number;
  heads: number;
  /** weight returns the share of attention that a query gives to a key, 0 to 1. */
  weight(layer: number, head: number, query: number, key: number): number;
}

export interface Example {
  name: string;
  kinds: Kind[];
}

interface PackedKind {
  name: string;
  queries: string[];
  keys: string[];
  layers: number;
  heads: number;
  /** Base64 of little-endian 16-bit integers, 65535 for a weight of 1. */
  weights: string;
}

interface PackedExample {
  name: string;
  kinds: PackedKind[];
}

/** load reads the examples from the page. */
export function load(): Example[] {
  const text = document.getElementById("data")?.textContent ?? "[]";
  const packed = JSON.parse(text) as PackedExample[];
  return packed.map((e) => ({ name: e.name, kinds: e.kinds.map(unpack) }));
}

function unpack(k: PackedKind): Kind {
  const bytes = Uint8Array.from(atob(k.weights), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const [rows, columns] = [k.queries.length, k.keys.length];
  return {
    ...k,
    weight(layer, head, query, key) {
      const index = ((layer * k.heads + head) * rows + query) * columns + key;
      return view.getUint16(2 * index, true) / 65535;
    },
  };
}
