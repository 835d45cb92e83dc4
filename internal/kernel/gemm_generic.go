package kernel

import "unsafe"

const (
	genericRows    = 4
	genericColumns = 4
)

func genericTiles() tileKernels {
	t := tileKernels{
		mr: genericRows, nr: genericColumns, lanes: genericColumns,
		packRows: packRowsGeneric, packWide: packRowsGeneric, packColumns: packColumnsGeneric,
		run: make([]func(k int, a, b, c *Float, ldc, n, flags int, bias *Float), genericRows+1),
	}
	for h := 1; h < genericRows; h++ {
		t.run[h] = func(k int, a, b, c *Float, ldc, n, flags int, bias *Float) {
			var acc [genericRows][genericColumns]Float
			as, bs := unsafe.Slice(a, k*h), unsafe.Slice(b, k*genericColumns)
			for p := range k {
				for i, x := range as[p*h : (p+1)*h] {
					for j, y := range bs[p*genericColumns : (p+1)*genericColumns] {
						acc[i][j] += x * y
					}
				}
			}
			finishGeneric(acc[:h], c, ldc, n, flags, bias)
		}
	}
	t.run[genericRows] = tile4x4
	return t
}

// tile4x4 is the full tile, a row of C at a time in registers.
func tile4x4(k int, a, b, c *Float, ldc, n, flags int, bias *Float) {
	as, bs := unsafe.Slice(a, k*4), unsafe.Slice(b, k*4)
	var acc [genericRows][genericColumns]Float
	for i := range 4 {
		var c0, c1, c2, c3 Float
		for p := 0; p+4 <= len(bs); p += 4 {
			x, y := as[p+i], bs[p:p+4:p+4]
			c0 += x * y[0]
			c1 += x * y[1]
			c2 += x * y[2]
			c3 += x * y[3]
		}
		acc[i] = [4]Float{c0, c1, c2, c3}
	}
	finishGeneric(acc[:], c, ldc, n, flags, bias)
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
