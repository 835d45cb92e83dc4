package kernel

import "unsafe"

const (
	genericRows    = 4
	genericColumns = 4
)

func genericTiles() tileKernels {
	t := tileKernels{
		mr: genericRows, nr: genericColumns, kc: 512, lanes: genericColumns,
		packRows: packRowsGeneric, packWide: packRowsGeneric, packColumns: packColumnsGeneric,
		columns: []tileKernel{nil}, rows: []tileKernel{nil},
	}
	for h := 1; h <= genericRows; h++ {
		t.columns = append(t.columns, func(k int, a *Float, lda int, b *Float, ldb, _ int, c *Float, ldc, n, flags int, bias *Float) {
			tileGeneric(h, k, a, 1, lda, b, ldb, c, ldc, n, flags, bias)
		})
		t.rows = append(t.rows, func(k int, a *Float, lda int, b *Float, ldb, _ int, c *Float, ldc, n, flags int, bias *Float) {
			tileGeneric(h, k, a, lda, 1, b, ldb, c, ldc, n, flags, bias)
		})
	}
	return t
}

// tileGeneric computes a tile of h rows, one at a time in registers: element i
// of column p of a is a[i*row+p*column].
func tileGeneric(h, k int, a *Float, row, column int, b *Float, ldb int, c *Float, ldc, n, flags int, bias *Float) {
	bs := unsafe.Slice(b, (k-1)*ldb+genericColumns)
	as := unsafe.Slice(a, (h-1)*row+(k-1)*column+1)
	var acc [genericRows][genericColumns]Float
	for i := range h {
		var c0, c1, c2, c3 Float
		at := i * row
		for p := 0; p < k*ldb; p += ldb {
			x, y := as[at], bs[p:p+4:p+4]
			c0 += x * y[0]
			c1 += x * y[1]
			c2 += x * y[2]
			c3 += x * y[3]
			at += column
		}
		acc[i] = [4]Float{c0, c1, c2, c3}
	}
	finishGeneric(acc[:h], c, ldc, n, flags, bias)
}

func finishGeneric(acc [][genericColumns]Float, c *Float, ldc, n, flags int, bias *Float) {
	for i := range acc {
		row := unsafe.Slice((*Float)(unsafe.Add(unsafe.Pointer(c), uintptr(i*ldc)*unsafe.Sizeof(*c))), n)
		for j := range row {
			v := acc[i][j]
			if flags&flagBias != 0 {
				v += unsafe.Slice(bias, n)[j]
			}
			if flags&flagAdd != 0 {
				v += row[j]
			}
			if flags&flagReLU != 0 {
				v = max(v, 0)
			}
			row[j] = v
		}
	}
}

func packRowsGeneric(dst, src *Float, k, ld, n, stride int) {
	width := min(stride, genericColumns)
	for p := range k {
		to := unsafe.Slice(at(dst, p*stride), width)
		clear(to[copy(to, unsafe.Slice(at(src, p*ld), n)):])
	}
}

func packColumnsGeneric(dst, src *Float, k, ld, n, stride int) {
	width := min(stride, genericColumns)
	for p := range k {
		to := unsafe.Slice(at(dst, p*stride), width)
		for i := range to {
			to[i] = 0
			if i < n {
				to[i] = *at(src, i*ld+p)
			}
		}
	}
}

// at returns the address of element i of the array at p.
func at(p *Float, i int) *Float {
	return (*Float)(unsafe.Add(unsafe.Pointer(p), uintptr(i)*unsafe.Sizeof(*p)))
}
