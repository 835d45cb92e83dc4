// Package tfrecord frames records as TensorFlow does
// (https://www.tensorflow.org/tutorials/load_data/tfrecord): length, its checksum, data,
// their checksum.
package tfrecord

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the masked CRC-32C of the format.
func checksum(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// Sizes of what is around the data.
const (
	before = 12
	After  = 4 // bytes of a record that follow its data
)

// Append appends a record that holds data.
func Append(dst, data []byte) []byte {
	head := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(data)))
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[head:]))
	dst = append(dst, data...)
	return binary.LittleEndian.AppendUint32(dst, checksum(data))
}

// longest bounds what a damaged length can make Read take.
const longest = 1 << 28

// Read returns the data of the next record, and io.EOF where there is none.
func Read(r io.Reader) ([]byte, error) {
	var head [before]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, cut(err)
	}
	n := binary.LittleEndian.Uint64(head[:])
	if binary.LittleEndian.Uint32(head[8:]) != checksum(head[:8]) || n > longest {
		return nil, errors.New("a record's length and its checksum do not agree; the file is damaged, or none of records")
	}
	data := make([]byte, n+After)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("a record of %d bytes ends early: %w", n, io.ErrUnexpectedEOF)
	}
	if binary.LittleEndian.Uint32(data[n:]) != checksum(data[:n]) {
		return nil, errors.New("a record and its checksum do not agree; the file is damaged")
	}
	return data[:n], nil
}

// cut tells the end of a file from one in the middle of a record.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("a record ends early: %w", err)
	}
	return err
}
