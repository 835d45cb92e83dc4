package data

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// WriteNPY writes a matrix, rows of so many elements each, as single-precision numbers in the
// format of NumPy, version 1.0
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
func WriteNPY[T float32 | float64](w io.Writer, rows [][]T, cols int) error {
	for i, r := range rows {
		if len(r) != cols {
			return fmt.Errorf("data: row %d has %d elements; want %d in each", i, len(r), cols)
		}
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", len(rows), cols)
	const before, alignment = 10, 64 // of the header and of what follows it
	header += strings.Repeat(" ", alignment-1-(before+len(header))%alignment) + "\n"
	head := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	if _, err := w.Write(append(head, header...)); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	var line []byte
	for _, r := range rows {
		line = line[:0]
		for _, x := range r {
			line = binary.LittleEndian.AppendUint32(line, math.Float32bits(float32(x)))
		}
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("data: %w", err)
		}
	}
	return nil
}
