package kernel

import (
	"sync/atomic"
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"github.com/kotoba-nlp/kotoba/internal/freelist"
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
	Add        bool    // add the value that C holds
	Bias       []Float // add Bias[j] to column j; none when nil
	Activation Activation
	// Activated, if set, receives the result of GELU and GELUTanh, in rows as those of
	// C, which keeps what they are of.
	Activated []Float
}

// Activation is a function of each element of a product.
type Activation int

// The activations.
const (
	Identity   Activation = iota
	ReLU                  // max(x, 0)
	GELUExact             // [GELU]
	GELUApprox            // [GELUTanh]
)

// tileKernels computes tiles of C from packed panels. It is the part of the
// product that an instruction set has to supply.
type tileKernels struct {
	mr, nr int // largest tile
	kc     int // rows of B at most that a panel has at a time
	// columns[i] and rows[i] compute an i x n tile, n <= nr: C = a·b by flags.
	// b holds k rows of nr elements, or of lanes where n is no more, ldb apart; a holds
	// k columns of i elements, or i rows of k elements, lda apart.
	columns, rows []tileKernel
	// packRows copies up to lanes columns of k rows, packWide up to nr, and
	// packColumns transposes up to lanes rows of k columns into a panel. They may
	// write lanes elements of a row whatever its stride: the next row's, which
	// follow, and room after the last.
	lanes                           int
	packRows, packWide, packColumns func(dst, src *Float, k, ld, n, stride int)
}

// Sizes in floats, of a second-level cache l2.
var (
	l2       = secondLevelCache() / size
	aMax     = l2 / 4 // of a block of A, which is read again for every panel
	bMax     = l2     // of what a thread packs of B at a time, unless a block of k is more
	wholeMax = 2 * l2 // of A where a thread packs it whole
	nearMax  = l2 / 2 // the same where B is packed already
)

// secondLevelCache returns the size of a core's second-level cache in bytes, a
// usual one where the processor does not tell.
func secondLevelCache() int {
	if n := cpuid.CPU.Cache.L2; n > 0 {
		return n
	}
	return 1 << 20
}

// tileKernel computes one tile of C from rows of B that are ldb apart, and meanwhile
// fetches what lies ahead bytes after b.
type tileKernel = func(k int, a *Float, lda int, b *Float, ldb, ahead int, c *Float, ldc, n, flags int, bias *Float)

// Flags of a tile kernel; the assembly has the same.
const (
	flagAdd  = 1
	flagBias = 2
	flagReLU = 4
)

// Blocking. A panel of kc rows of B stays near the core while the tiles of a
// block of A, a quarter of the second-level cache, pass over it; then comes the same
// panel's next part along k, so that the elements of C are still near.
//
// Every thread packs what it reads itself, the smaller operand whole: to fetch
// lines that another core has just written costs more than to pack twice. Rows are
// read where they lie, of A and of B, unless they compete for lines. Where
// A needs no packing and B is wide, threads share out groups of B's panels, so
// that nothing is packed twice.
const (
	superMax  = 2       // blocks of k that a block of A has at most
	rowsMax   = 448     // rows of a block of A at most
	groupMin  = 16      // panels of a group; fewer would not repay reading A again
	serialMax = 1 << 16 // multiply-adds below which one thread is faster
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
	p := new(PackedB)
	p.Pack(k, n, b)
	return p
}

// Pack packs a k x n matrix into the memory that p has, which grows as needed.
func (p *PackedB) Pack(k, n int, b Matrix) {
	g := newGemm(0, n, k, Matrix{}, nil, 0, Epilogue{})
	g.b = b
	p.k, p.n, p.data = k, n, grow(p.data, k*g.panels*g.t.nr)
	packing := packings.Get()
	packing.g, packing.dst = g, p.data
	par.For(ceilDiv(g.panels, packGrain), packing)
	*packing = panelPacking{}
	packings.Put(packing)
	g.release()
}

// GemmPacked is [Gemm] with a B that is packed already.
func GemmPacked(m int, a Matrix, b *PackedB, c []Float, ldc int, e Epilogue) {
	if m == 0 || b.n == 0 {
		return
	}
	g := newGemm(m, b.n, b.k, a, c, ldc, e)
	g.prepacked = b.data
	g.run()
	g.release()
}

// gemm is one product on its way; it is reused by later ones.
type gemm struct {
	m, n, k   int
	a, b      Matrix
	c         []Float
	ldc       int
	e         Epilogue
	t         *tileKernels
	tiles     int     // of A: heights differ by one at most, so that none is thin
	starts    []int   // first row of each tile, and the number of rows
	panels    int     // of B, nr wide
	b0, b1    int     // the blocks of k that a pass works on
	prepacked []Float // all of B, nil to pack it
	share     sharing
	direct    bool         // A is read where it lies, not packed
	directB   bool         // the same of B, but for panels that end beyond it
	block     int          // tiles of a block of A
	next      atomic.Int64 // next panel or cell to take
	total     int
}

// sharing is what threads share out.
type sharing int

const (
	cells   sharing = iota // a panel of B against a block of A
	columns                // a panel of B against all of A
	groups                 // panels of B that one thread packs, against all of A
)

var gemms freelist.List[gemm]

// size is that of a Float in bytes.
const size = int(unsafe.Sizeof(Float(0)))

// conflict is a stride in bytes at which the rows or columns of a tile of A compete for
// the same lines of the first-level cache, and conflictB one at which the rows of a panel of B do.
const (
	conflict  = 4096
	conflictB = 2048
)

func newGemm(m, n, k int, a Matrix, c []Float, ldc int, e Epilogue) *gemm {
	g := gemms.Get()
	t := &active.tile
	g.m, g.n, g.k, g.a, g.c, g.ldc, g.e, g.t = m, n, k, a, c, ldc, e, t
	g.tiles, g.panels = ceilDiv(m, t.mr), ceilDiv(n, t.nr)
	g.b0, g.b1, g.directB = 0, t.blocks(k), false
	g.starts = g.starts[:0]
	for i := range g.tiles + 1 {
		g.starts = append(g.starts, i*m/max(g.tiles, 1))
	}
	// To pack columns repays where many panels of B meet them.
	g.direct = a.Stride*size%conflict != 0 && (!a.Trans || g.panels <= groupMin)
	return g
}

func (g *gemm) release() {
	g.a, g.b, g.c, g.e, g.prepacked = Matrix{}, Matrix{}, nil, Epilogue{}, nil
	gemms.Put(g)
}

func (g *gemm) run() {
	most := wholeMax
	if g.prepacked != nil {
		most = nearMax
	}
	g.directB = g.prepacked == nil && !g.b.Trans && g.b.Stride*size%conflictB != 0
	g.block = min(max(aMax/(g.t.mr*min(max(g.k, 1), superMax*g.t.kc)), 1), rowsMax/g.t.mr, g.tiles)
	switch {
	case g.m*g.k <= most && g.panels > g.tiles:
		g.share = columns
		g.parallel(g.panels)
		return
	case g.direct && g.prepacked == nil && g.panels >= 2*groupMin*par.Threads():
		g.share = groups
		g.parallel(ceilDiv(g.panels, groupMin))
		return
	}
	g.share = cells
	// As many blocks of k at a time as B allows.
	blocks := g.t.blocks(g.k)
	each := blocks
	if g.prepacked == nil {
		each = max(bMax/(g.panels*g.t.nr)*blocks/max(g.k, 1), 1)
	}
	for first := 0; first < blocks; first += each {
		g.b0, g.b1 = first, min(first+each, blocks)
		g.parallel(ceilDiv(g.tiles, g.block) * g.panels)
	}
}

// start returns the first row of B in block blk of k.
func (g *gemm) start(blk int) int { return blk * g.k / g.t.blocks(g.k) }

// parallel lets all threads take parts of the phase until none is left.
func (g *gemm) parallel(total int) {
	g.total = total
	g.next.Store(0)
	if g.m*g.n*g.k < serialMax {
		g.Do(0)
		return
	}
	par.For(par.Threads(), g)
}

// Do is one thread's part. Shares shrink towards the end, so that the threads
// end together even when one is slowed down.
func (g *gemm) Do(int) {
	s := scratches.Get()
	s.first, s.whole = -1, false
	for {
		left := g.total - int(g.next.Load())
		if left <= 0 {
			break
		}
		share := max(left/(2*par.Threads()), 1)
		lo := int(g.next.Add(int64(share))) - share
		hi := min(lo+share, g.total)
		if lo >= hi {
			break
		}
		switch g.share {
		case cells:
			g.cells(lo, hi, s)
		case columns:
			g.columns(lo, hi, s)
		case groups:
			g.groups(lo, hi, s)
		}
	}
	scratches.Put(s)
}

// scratch is the memory that one thread packs into.
type scratch struct {
	a, b  []Float
	whole bool // the operand that is packed whole is there
	// a holds columns from block super on of the block of A that begins with
	// tile first, -1 for none.
	first, super int
}

// packedPanels are n packed panels of B, from one panel and one block of k on.
type packedPanels struct {
	data            []Float
	block, panel, n int
}

var scratches freelist.List[scratch]

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
	if kb == g.k && g.e.Activation == ReLU {
		f |= flagReLU
	}
	return f
}

// columns computes panels lo to hi against every tile of A, which the thread
// has packed whole.
func (g *gemm) columns(lo, hi int, s *scratch) {
	if !s.whole {
		s.a = g.packTiles(s.a, 0, g.tiles, 0, g.b1)
		s.whole = true
	}
	for p := lo; p < hi; p++ {
		for blk := range g.b1 {
			ka, kb := g.start(blk), g.start(blk+1)
			b := g.prepacked
			var far int
			if b != nil {
				b = b[g.panelAt(blk, p, 0, g.panels):]
				far = g.t.nr * (kb - ka) // the next panel, cold otherwise
			} else {
				s.b = grow(s.b, (kb-ka)*g.t.nr)
				b = s.b
				if !g.inPlace(p, ka, kb) {
					g.packPanel(b, p, ka, kb)
				}
				far = g.nextRows(p, kb-ka, b)
			}
			g.multiply(p, blk, 0, g.tiles, s.a, g.packedSize(g.m, 0, blk), b, far)
		}
	}
}

// cells computes cells lo to hi: panel by panel of block after block of A,
// against all of B, which the thread has packed whole.
func (g *gemm) cells(lo, hi int, s *scratch) {
	b := packedPanels{g.prepacked, 0, 0, g.panels}
	if g.prepacked == nil {
		if !s.whole {
			s.b = grow(s.b, g.panels*g.t.nr*(g.start(g.b1)-g.start(g.b0)))
			g.packPanels(s.b, 0, g.panels)
			s.whole = true
		}
		b = packedPanels{s.b, g.b0, 0, g.panels}
	}
	for lo < hi {
		p0 := lo % g.panels
		p1 := min(p0+hi-lo, g.panels)
		g.sweep(lo/g.panels*g.block, p0, p1, b, s)
		lo += p1 - p0
	}
}

// groups computes groups lo to hi of panels, which the thread packs, against
// block after block of A.
func (g *gemm) groups(lo, hi int, s *scratch) {
	for group := lo; group < hi; group++ {
		p0 := group * groupMin
		p1 := min(p0+groupMin, g.panels)
		s.b = grow(s.b, (p1-p0)*g.t.nr*g.k)
		g.packPanels(s.b, p0, p1)
		for t0 := 0; t0 < g.tiles; t0 += g.block {
			g.sweep(t0, p0, p1, packedPanels{s.b, g.b0, p0, p1 - p0}, s)
		}
	}
}

// sweep computes panels p0 to p1, which are among b, against the block of A that
// begins with tile t0.
func (g *gemm) sweep(t0, p0, p1 int, b packedPanels, s *scratch) {
	t1 := min(t0+g.block, g.tiles)
	rows := g.starts[t1] - g.starts[t0]
	for super := g.b0; super < g.b1; super += superMax {
		end := min(super+superMax, g.b1)
		if s.first != t0 || s.super != super {
			s.a = g.packTiles(s.a, t0, t1, super, end)
			s.first, s.super = t0, super
		}
		for p := p0; p < p1; p++ {
			for blk := super; blk < end; blk++ {
				at := g.panelAt(blk, p-b.panel, b.block, b.n)
				g.multiply(p, blk, t0, t1, s.a, g.packedSize(rows, super, blk), b.data[at:], 0)
			}
		}
	}
}

// How many rows of B a tile kernel fetches ahead of those it reads: few of a packed
// panel, and where B lies, which may be far from the core, as many as that takes.
const (
	rowsNear = 4
	rowsFar  = 48
)

// multiply computes tiles lo to hi of panel p over block blk of k, of which b
// and a from at on hold the packed operands, unless they are read where they lie.
// Unless far is 0, what lies far floats after b is fetched meanwhile.
func (g *gemm) multiply(p, blk, lo, hi int, a []Float, at int, b []Float, far int) {
	ka, kb := g.start(blk), g.start(blk+1)
	kc, flags := kb-ka, g.flags(ka, kb)
	col := p * g.t.nr
	n := min(g.n-col, g.t.nr)
	var bias *Float
	if flags&flagBias != 0 {
		bias = &g.e.Bias[col]
	}
	panel, ldb, ahead := &b[0], g.t.nr, rowsNear*g.t.nr*size
	if g.inPlace(p, ka, kb) {
		panel, ldb, ahead = &g.b.Data[ka*g.b.Stride+col], g.b.Stride, rowsFar*g.b.Stride*size
	}
	kernels := g.t.rows
	if g.a.Trans {
		kernels = g.t.columns
	}
	smooth := kb == g.k && g.e.Activation > ReLU
	for i := lo; i < hi; i++ {
		row := g.starts[i]
		tile, lda := g.tile(i, lo, ka, kc, a, at)
		kernels[g.starts[i+1]-row](kc, tile, lda, panel, ldb, ahead, &g.c[row*g.ldc+col], g.ldc, n, flags, bias)
		if far != 0 {
			ahead = far * size // b itself is near now
		}
		if smooth {
			g.activate(row, g.starts[i+1], col, col+n)
		}
	}
}

// inPlace reports whether rows ka to kb of panel p of B are read where they lie: a
// tile kernel reads whole registers, which must not end beyond the matrix.
func (g *gemm) inPlace(p, ka, kb int) bool {
	if !g.directB || ka == kb {
		return false
	}
	col, width := p*g.t.nr, g.t.nr
	if g.n-col <= g.t.lanes {
		width = g.t.lanes
	}
	return (kb-1)*g.b.Stride+col+width <= len(g.b.Data)
}

// tile returns tile i of A from column ka on, and how far its rows or columns are
// apart: as it lies, or of kc packed columns, of which a has those of tile lo at at.
func (g *gemm) tile(i, lo, ka, kc int, a []Float, at int) (*Float, int) {
	row := g.starts[i]
	if g.direct && g.a.Trans {
		return &g.a.Data[ka*g.a.Stride+row], g.a.Stride
	}
	if g.direct {
		return &g.a.Data[row*g.a.Stride+ka], g.a.Stride
	}
	packed := &a[at+(row-g.starts[lo])*(kc+rowGap)]
	if g.a.Trans {
		return packed, g.starts[i+1] - row
	}
	return packed, kc + rowGap
}

// activate applies a smooth activation to a tile of C that is complete, and near.
func (g *gemm) activate(r0, r1, c0, c1 int) {
	to := g.e.Activated
	if to == nil {
		to = g.c
	}
	f := active.gelu
	if g.e.Activation == GELUApprox {
		f = active.geluTanh
	}
	first := r0*g.ldc + c0
	f(&to[first], &g.c[first], c1-c0, r1-r0, g.ldc)
}

// blocks returns the number of blocks, equal up to one row, that k is split
// into. It depends on the path and k alone: so do the rounding errors.
func (t *tileKernels) blocks(k int) int { return max(ceilDiv(k, t.kc), 1) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
