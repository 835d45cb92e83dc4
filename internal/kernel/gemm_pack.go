package kernel

import (
	"unsafe"

	"github.com/kotoba-nlp/kotoba/internal/freelist"
)

// packGrain is the number of panels that a task packs: neighbours share cache
// lines and pages.
const packGrain = 4

// panelPacking packs all panels of B, in parallel.
type panelPacking struct {
	g   *gemm
	dst []Float
}

var packings freelist.List[panelPacking]

// Do implements par.Task.
func (p *panelPacking) Do(i int) {
	g := p.g
	lo, hi := i*packGrain, min((i+1)*packGrain, g.panels)
	for blk := range g.b1 {
		g.packBlock(packedPanels{p.dst, 0, 0, g.panels}, blk, lo, hi)
	}
}

// packPanels packs panels lo to hi of B into dst, block by block of k.
func (g *gemm) packPanels(dst []Float, lo, hi int) {
	for blk := g.b0; blk < g.b1; blk++ {
		g.packBlock(packedPanels{dst, g.b0, lo, hi - lo}, blk, lo, hi)
	}
}

// packBlock packs block blk of panels lo to hi of B, which are among to.
func (g *gemm) packBlock(to packedPanels, blk, lo, hi int) {
	ka, kb := g.start(blk), g.start(blk+1)
	depth := kb - ka
	if !g.b.Trans {
		depth = packDepth
	}
	for k := ka; k < kb; k += depth {
		for p := lo; p < hi; p++ {
			if g.inPlace(p, ka, kb) {
				continue
			}
			g.packPanel(to.data[g.panelAt(blk, p-to.panel, to.block, to.n)+(k-ka)*g.t.nr:], p, k, min(k+depth, kb))
		}
	}
}

// panelAt returns where block blk of panel p of the given number is in packed
// memory that begins with block first.
func (g *gemm) panelAt(blk, p, first, panels int) int {
	ka := g.start(blk)
	return g.t.nr * ((ka-g.start(first))*panels + p*(g.start(blk+1)-ka))
}

// packPanel packs rows ka to kb of panel p of B.
func (g *gemm) packPanel(dst []Float, p, ka, kb int) {
	t := g.t
	if !g.b.Trans {
		col := p * t.nr
		t.packWide(&dst[0], &g.b.Data[ka*g.b.Stride+col], kb-ka, g.b.Stride, min(g.n-col, t.nr), t.nr)
		return
	}
	for j := 0; j < t.nr; j += t.lanes {
		col := p*t.nr + j
		n := min(max(g.n-col, 0), t.lanes)
		if n == 0 {
			clearColumns(dst, kb-ka, j, t.nr)
			continue
		}
		t.packColumns(&dst[j], &g.b.Data[col*g.b.Stride+ka], kb-ka, g.b.Stride, n, t.nr)
	}
}

// nextRows returns how far after b the rows begin that the next panel is packed from, 0 where
// they are not one piece of memory.
func (g *gemm) nextRows(p, kc int, b []Float) int {
	first := (p + 1) * g.t.nr * g.b.Stride
	if !g.b.Trans || g.b.Stride != kc || first >= len(g.b.Data) {
		return 0
	}
	return (int(uintptr(unsafe.Pointer(&g.b.Data[first]))) - int(uintptr(unsafe.Pointer(&b[0])))) / size
}

func clearColumns(dst []Float, k, from, nr int) {
	for p := range k {
		clear(dst[p*nr+from : (p+1)*nr])
	}
}

// rowGap separates the rows of A in packed memory, so that they do not compete
// for the same cache lines.
const rowGap = 16

// packDepth is the number of rows that are packed of one panel before the next
// panel's: neighbours share cache lines and pages.
const packDepth = 64

// packedSize is the memory that rows of A take packed, from block from up to block to of k.
func (g *gemm) packedSize(rows, from, to int) int {
	return rows * (g.start(to) - g.start(from) + (to-from)*rowGap)
}

// packTile packs columns ka to kb of tile i of A: as they lie, so that rows
// stay rows and columns columns.
func (g *gemm) packTile(dst []Float, i, ka, kb, kc int) {
	row := g.starts[i]
	h := g.starts[i+1] - row
	if !g.a.Trans {
		for r := range h {
			copy(dst[r*(kc+rowGap):][:kb-ka], g.a.Data[(row+r)*g.a.Stride+ka:])
		}
		return
	}
	for r := 0; r < h; r += g.t.lanes {
		n := min(h-r, g.t.lanes)
		g.t.packRows(&dst[r], &g.a.Data[ka*g.a.Stride+row+r], kb-ka, g.a.Stride, n, h)
	}
}

// packTiles packs tiles lo to hi of A, from block from up to block to of k, into
// dst, which it returns grown to what they need. Where A is read where it lies it
// does nothing.
func (g *gemm) packTiles(dst []Float, lo, hi, from, to int) []Float {
	if g.direct {
		return dst
	}
	first := g.starts[lo]
	rows := g.starts[hi] - first
	dst = grow(dst, g.packedSize(rows, from, to))
	for blk := from; blk < to; blk++ {
		ka, kb := g.start(blk), g.start(blk+1)
		block, kc := dst[g.packedSize(rows, from, blk):], kb-ka
		if !g.a.Trans {
			for i := lo; i < hi; i++ {
				g.packTile(block[(g.starts[i]-first)*(kc+rowGap):], i, ka, kb, kc)
			}
			continue
		}
		for k := ka; k < kb; k += packDepth {
			for i := lo; i < hi; i++ {
				h := g.starts[i+1] - g.starts[i]
				g.packTile(block[(g.starts[i]-first)*(kc+rowGap)+(k-ka)*h:], i, k, min(k+packDepth, kb), kc)
			}
		}
	}
	return dst
}
