package tfrecord

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestReadWhatIsAppended(t *testing.T) {
	want := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), 1000)}
	var file []byte
	for _, data := range want {
		file = Append(file, data)
	}
	r := bytes.NewReader(file)
	for _, data := range want {
		if got, err := Read(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%q, %v; want %q", got, err, data)
		}
	}
	if _, err := Read(r); !errors.Is(err, io.EOF) {
		t.Errorf("error %v at the end; want io.EOF", err)
	}
	for n := 1; n < 19; n++ { // the first record has 19 bytes
		if _, err := Read(bytes.NewReader(file[:n])); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("error %v for %d bytes of 19", err, n)
		}
	}
	for i := range 19 {
		broken := bytes.Clone(file[:19])
		broken[i] ^= 1
		if _, err := Read(bytes.NewReader(broken)); err == nil {
			t.Errorf("no error where byte %d is another", i)
		}
	}
}

// TestKnownChecksum compares with a published one.
func TestKnownChecksum(t *testing.T) {
	crc := uint32(0x8a9136aa) // of 32 bytes of zeros (RFC 3720, B.4)
	if got, want := checksum(make([]byte, 32)), (crc>>15|crc<<17)+0xa282ead8; got != want {
		t.Errorf("%08x; want %08x", got, want)
	}
}
