package tokenizer

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/data/builtin"
)

// TestWordPieceOfMiniLM compares the ids of the built-in corpus with those of the reference
// with a published vocabulary: see testdata/hash_with_reference.py.
func TestWordPieceOfMiniLM(t *testing.T) {
	dir := os.Getenv("KOTOBA_WEIGHTS")
	if dir == "" {
		t.Skip("KOTOBA_WEIGHTS is not set; fill a folder with models/bert/testdata/fetch_weights.sh and name it there")
	}
	w, err := LoadWordPiece(filepath.Join(dir, "minilm"))
	if err != nil {
		t.Fatal(err)
	}
	digest, lines := sha256.New(), 0
	fit, _, _ := builtin.Corpus()
	for _, p := range fit {
		for _, words := range [][]string{p.Source, p.Target} {
			var b []byte
			for _, id := range w.Encode(strings.Join(words, " ")) {
				b = binary.LittleEndian.AppendUint32(b, uint32(id))
			}
			_, _ = digest.Write(binary.LittleEndian.AppendUint32(b, math.MaxUint32))
			lines++
		}
	}
	const want = "18000 ffe560e3d92e3e9d850298b007656d339f24820998a08692e6b551184a24d570"
	if got := fmt.Sprintf("%d %x", lines, digest.Sum(nil)); got != want {
		t.Errorf("%s; the reference has %s", got, want)
	}
}
