package data

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestWriteNPY(t *testing.T) {
	var b bytes.Buffer
	if err := WriteNPY(&b, [][]float32{{1, -2, 0.5}, {3, 4, 5}}, 3); err != nil {
		t.Fatal(err)
	}
	// What numpy.save writes for the same array, but for the padding of the header.
	file := b.Bytes()
	header, _, _ := strings.Cut(string(file[10:]), "\n")
	if n := 10 + len(header) + 1; n%64 != 0 || int(file[8])+int(file[9])<<8 != len(header)+1 {
		t.Errorf("the elements begin at byte %d, and the header says that it has %d", n, file[8])
	}
	if !strings.HasPrefix(string(file), "\x93NUMPY\x01\x00") || strings.TrimRight(header, " ") != "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" {
		t.Errorf("header %q", header)
	}
	elements := file[10+len(header)+1:]
	if len(elements) != 24 || math.Float32frombits(uint32(elements[4])|uint32(elements[5])<<8|uint32(elements[6])<<16|uint32(elements[7])<<24) != -2 {
		t.Errorf("elements %x", elements)
	}
	if err := WriteNPY(&b, [][]float32{{1}, {1, 2}}, 1); err == nil {
		t.Error("no error for rows of different length")
	}
}
