package kernel

import (
	"sync/atomic"

	"github.com/kotoba-nlp/kotoba/internal/par"
)

// Matrix is a view of a matrix in row-major order: element (i, j) is
// Data[i*Stride+j], or Data[j*Stride+i] when Trans is set.
type Matrix struct {
	Data   []Float
	Stride int
	Trans  bool
}

// Epilogue is what happens to a product before it is stored, in this order.
type Epilogue struct {
	Add  bool    // add the value that C holds
	Bias []Float // add Bias[j] to column j; none when nil
	ReLU bool    // clamp at zero
}

// tileKernels computes tiles of C from packed panels. It is the part of the
// product that an instruction set has to supply.
type tileKernels struct {
	mr, nr int // largest tile
	// columns[i] and rows[i] compute an i x n tile, n <= nr: C = a·b by flags.
	// b holds k rows of nr elements; a holds k columns of i elements, or i rows
	// of k elements, lda apart.
	columns, rows []tileKernel
	// packRows copies up to lanes columns of k rows, packWide up to nr, and
	// packColumns transposes up to lanes rows of k columns into a panel.
	lanes                           int
	packRows, packWide, packColumns func(dst, src *Float, k, ld, n, stride int)
}

// tileKernel computes one tile of C.
type tileKernel = func(k int, a *Float, lda int, b, c *Float, ldc, n, flags int, bias *Float)

// Flags of a tile kernel; the assembly has the same.
const (
	flagAdd  = 1
	flagBias = 2
	flagReLU = 4
)

// Blocking. A panel of kcMax rows of B stays in the first-level cache while
// the tiles of a block of mcTiles tiles of A, in the second-level cache, pass
// over it; bMax floats of packed B are held at a time.
const (
	kcMax      = 512
	mcTiles    = 24
	bMax       = 4 << 20
	grabMin    = 3       // tiles of A that one worker takes at least
	columnsMax = 1 << 18 // floats of A up to which columns are split instead of rows
	serialMax  = 1 << 16 // multiply-adds below which one thread is faster
)

// Gemm computes C = A·B, A being m x k, B k x n and C m x n with rows ldc
// apart, and finishes it by e. C must not overlap A or B.
func Gemm(m, n, k int, a, b Matrix, c []Float, ldc int, e Epilogue) {
	if m == 0 || n == 0 {
		return
	}
	g := newGemm(m, n, k, a, c, ldc, e)
	g.b = b
	g.run()
	g.release()
}

// PackedB is a matrix B in the layout that the tile kernels read, for a
// product that is computed many times. It belongs to the path in use when it
// was made.
type PackedB struct {
	k, n int
	data []Float
}

// PackB packs a k x n matrix.
func PackB(k, n int, b Matrix) *PackedB {
	t := &active.tile
	p := &PackedB{k: k, n: n, data: Alloc(k * ceilDiv(n, t.nr) * t.nr)}
	g := newGemm(0, n, k, Matrix{}, nil, 0, Epilogue{})
	g.b, g.packed = b, p.data
	g.k1 = k
	g.phase = packPhase
	g.parallel(g.panels)
	g.packed = nil
	g.release()
	return p
}

// GemmPacked is [Gemm] with a B that is packed already.
func GemmPacked(m int, a Matrix, b *PackedB, c []Float, ldc int, e Epilogue) {
	if m == 0 || b.n == 0 {
		return
	}
	g := newGemm(m, b.n, b.k, a, c, ldc, e)
	g.prepacked = true
	g.packed = b.data
	g.run()
	g.packed = nil
	g.release()
}

type phase int

const (
	packPhase phase = iota // panels of B into g.packed
	rowPhase               // tiles of A, against all of g.packed
	packAPhase
	columnPhase // panels of B, against all of g.packedA
)

// gemm is one product on its way; it is reused by later ones.
type gemm struct {
	m, n, k   int
	a, b      Matrix
	c         []Float
	ldc       int
	e         Epilogue
	t         *tileKernels
	tiles     int // of A: heights differ by one at most, so that none is thin
	panels    int // of B, nr wide
	k0, k1    int // the part of k that g.packed holds
	prepacked bool
	packed    []Float // k1-k0 rows of B in blocks of panels
	own       []Float // memory of packed
	packedA   []Float
	phase     phase
	next      atomic.Int64 // next tile or panel to take
	total     int
}

var gemms freeList[gemm]

func newGemm(m, n, k int, a Matrix, c []Float, ldc int, e Epilogue) *gemm {
	g := gemms.get()
	t := &active.tile
	g.m, g.n, g.k, g.a, g.c, g.ldc, g.e, g.t = m, n, k, a, c, ldc, e, t
	g.tiles, g.panels = ceilDiv(m, t.mr), ceilDiv(n, t.nr)
	g.k0, g.k1 = 0, k
	g.prepacked = false
	return g
}

func (g *gemm) release() {
	g.a, g.b, g.c, g.e = Matrix{}, Matrix{}, nil, Epilogue{}
	gemms.put(g)
}

func (g *gemm) run() {
	if g.m*g.k <= columnsMax && g.panels > g.tiles {
		g.packedA = grow(g.packedA, g.m*(g.k+blocksOf(g.k)*rowGap))
		g.phase = packAPhase
		g.parallel(g.tiles)
		g.phase = columnPhase
		g.parallel(g.panels)
		return
	}
	if g.prepacked {
		g.phase = rowPhase
		g.parallel(g.tiles)
		return
	}
	// All of B at once when it fits, otherwise some whole blocks of k.
	width := g.panels * g.t.nr
	blocks := blocksOf(g.k)
	each := min(max(bMax/(width*ceilDiv(g.k, blocks)), 1), blocks)
	for first := 0; first < blocks; first += each {
		g.k0, g.k1 = blockStart(first, g.k), blockStart(min(first+each, blocks), g.k)
		g.own = grow(g.own, (g.k1-g.k0)*width)
		g.packed = g.own
		g.phase = packPhase
		g.parallel(g.panels)
		g.phase = rowPhase
		g.parallel(g.tiles)
	}
	g.packed = nil
}

// parallel lets all threads take tiles or panels of the phase until none is
// left.
func (g *gemm) parallel(total int) {
	g.total = total
	g.next.Store(0)
	if g.m*g.n*g.k < serialMax {
		g.Do(0)
		return
	}
	par.For(par.Threads(), g)
}

// Do is one thread's part of a phase. Shares shrink towards the end, so that
// the threads end together even when one is slowed down.
func (g *gemm) Do(int) {
	s := scratches.get()
	for {
		left := g.total - int(g.next.Load())
		if left <= 0 {
			break
		}
		share := min(max(left/(2*par.Threads()), grabMin), mcTiles)
		lo := int(g.next.Add(int64(share))) - share
		hi := min(lo+share, g.total)
		if lo >= hi {
			break
		}
		switch g.phase {
		case packPhase:
			g.packPanels(lo, hi)
		case rowPhase:
			g.rows(lo, hi, s)
		case packAPhase:
			g.packTiles(lo, hi)
		case columnPhase:
			g.columns(lo, hi, s)
		}
	}
	scratches.put(s)
}

// scratch is the memory that one thread packs into.
type scratch struct{ data []Float }

var scratches freeList[scratch]

func (g *gemm) tileStart(t int) int { return t * g.m / g.tiles }

// packPanels packs panels lo to hi of B, rows k0 to k1, block by block of k.
func (g *gemm) packPanels(lo, hi int) {
	nr := g.t.nr
	for blk := blockOf(g.k0, g.k); ; blk++ {
		ka, kb := blockStart(blk, g.k), blockStart(blk+1, g.k)
		if ka >= g.k1 || ka == kb {
			return
		}
		base := (ka - g.k0) * g.panels * nr
		for p := lo; p < hi; p++ {
			g.packPanel(g.packed[base+p*(kb-ka)*nr:], p, ka, kb)
		}
	}
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

func clearColumns(dst []Float, k, from, nr int) {
	for p := range k {
		clear(dst[p*nr+from : (p+1)*nr])
	}
}

// rowGap separates the rows of A in packed memory, so that rows whose length is
// a power of two do not compete for the same cache lines.
const rowGap = 16

// packedSize is the memory that rows of A, kc columns of them, take packed.
func packedSize(rows, kc int) int { return rows * (kc + rowGap) }

// packTile packs columns ka to kb of tile i of A: as they lie, so that rows
// stay rows and columns columns.
func (g *gemm) packTile(dst []Float, i, ka, kb int) {
	row := g.tileStart(i)
	h := g.tileStart(i+1) - row
	if !g.a.Trans {
		kc := kb - ka
		for r := range h {
			copy(dst[r*(kc+rowGap):][:kc], g.a.Data[(row+r)*g.a.Stride+ka:])
		}
		return
	}
	for r := 0; r < h; r += g.t.lanes {
		n := min(h-r, g.t.lanes)
		g.t.packRows(&dst[r], &g.a.Data[ka*g.a.Stride+row+r], kb-ka, g.a.Stride, n, h)
	}
}

// flags returns the tile flags of the block of k that starts at ka and ends
// at kb: the bias goes in with the first, the clamp comes with the last.
func (g *gemm) flags(ka, kb int) int {
	f := 0
	if g.e.Add || ka > 0 {
		f |= flagAdd
	}
	if ka == 0 && g.e.Bias != nil {
		f |= flagBias
	}
	if kb == g.k && g.e.ReLU {
		f |= flagReLU
	}
	return f
}

// tile computes tile i of panel p from packed a and b.
func (g *gemm) tile(i, p int, a, b []Float, kc, flags int) {
	row, col := g.tileStart(i), p*g.t.nr
	h := g.tileStart(i+1) - row
	var bias *Float
	if flags&flagBias != 0 {
		bias = &g.e.Bias[col]
	}
	run := g.t.rows[h]
	if g.a.Trans {
		run = g.t.columns[h]
	}
	run(kc, &a[0], kc+rowGap, &b[0], &g.c[row*g.ldc+col], g.ldc, min(g.n-col, g.t.nr), flags, bias)
}

// rows computes tiles lo to hi against every panel that is packed.
func (g *gemm) rows(lo, hi int, s *scratch) {
	nr := g.t.nr
	r0, r1 := g.tileStart(lo), g.tileStart(hi)
	for blk := blockOf(g.k0, g.k); ; blk++ {
		ka, kb := blockStart(blk, g.k), blockStart(blk+1, g.k)
		if ka >= g.k1 || ka == kb {
			return
		}
		kc, flags := kb-ka, g.flags(ka, kb)
		s.data = grow(s.data, packedSize(r1-r0, kc))
		for i := lo; i < hi; i++ {
			g.packTile(s.data[packedSize(g.tileStart(i)-r0, kc):], i, ka, kb)
		}
		base := (ka - g.k0) * g.panels * nr
		for p := range g.panels {
			b := g.packed[base+p*kc*nr:]
			for i := lo; i < hi; i++ {
				g.tile(i, p, s.data[packedSize(g.tileStart(i)-r0, kc):], b, kc, flags)
			}
		}
	}
}

// packedBlock returns the memory of block blk of all of A.
func (g *gemm) packedBlock(blk int) []Float {
	return g.packedA[g.m*(blockStart(blk, g.k)+blk*rowGap):]
}

// packTiles packs tiles lo to hi of A, all of k, block by block.
func (g *gemm) packTiles(lo, hi int) {
	for blk := range blocksOf(g.k) {
		ka, kb := blockStart(blk, g.k), blockStart(blk+1, g.k)
		block := g.packedBlock(blk)
		for i := lo; i < hi; i++ {
			g.packTile(block[packedSize(g.tileStart(i), kb-ka):], i, ka, kb)
		}
	}
}

// columns computes panels lo to hi against every tile of A.
func (g *gemm) columns(lo, hi int, s *scratch) {
	nr := g.t.nr
	for p := lo; p < hi; p++ {
		for blk := range blocksOf(g.k) {
			ka, kb := blockStart(blk, g.k), blockStart(blk+1, g.k)
			kc, flags := kb-ka, g.flags(ka, kb)
			var b []Float
			if g.prepacked {
				b = g.packed[ka*g.panels*nr+p*kc*nr:]
			} else {
				s.data = grow(s.data, kc*nr)
				b = s.data
				g.packPanel(b, p, ka, kb)
			}
			block := g.packedBlock(blk)
			for i := range g.tiles {
				g.tile(i, p, block[packedSize(g.tileStart(i), kc):], b, kc, flags)
			}
		}
	}
}

// blocksOf returns the number of blocks, equal up to one row, that k is split
// into. It depends on k alone: so do the rounding errors.
func blocksOf(k int) int { return max(ceilDiv(k, kcMax), 1) }

func blockStart(blk, k int) int { return min(blk, blocksOf(k)) * k / blocksOf(k) }

// blockOf returns the block that starts at row ka.
func blockOf(ka, k int) int {
	if ka == 0 {
		return 0
	}
	return ceilDiv(ka*blocksOf(k), k)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
