package tokenizer

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// BenchmarkWordPiece encodes real text with a published vocabulary; MB/s counts the bytes of the text. Run it
// with -cpu 1 for the figure of one core.
func BenchmarkWordPiece(b *testing.B) {
	for _, file := range []string{"multi30k/train.en", "novels/botchan.txt", "multi30k/train.de", "enja/train.ja"} {
		lines := slices.DeleteFunc(readLines(b, dataDir(b), file), func(s string) bool { return s == "" })
		size := 0
		for _, line := range lines {
			size += len(line)
		}
		for _, c := range []struct {
			name   string
			encode func(w *WordPiece, text string)
		}{
			{"ids", func(w *WordPiece, text string) { w.Encode(text) }},
			{"offsets", func(w *WordPiece, text string) { w.EncodeWithOffsets(text) }},
		} {
			b.Run(strings.ReplaceAll(file, "/", "-")+"/"+c.name, func(b *testing.B) {
				w, _ := loadMiniLM(b)
				b.SetBytes(int64(size / len(lines)))
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					c.encode(w, lines[i%len(lines)])
					i++
				}
			})
		}
	}
}

// BenchmarkTrainWordPiece makes a vocabulary of 8,000 pieces from 58,000 lines.
func BenchmarkTrainWordPiece(b *testing.B) {
	text := slices.Concat(readLines(b, dataDir(b), "multi30k/train.en"), readLines(b, dataDir(b), "multi30k/train.de"))
	for b.Loop() {
		if _, err := TrainWordPiece(slices.Values(text), WordPieceTrainOptions{VocabSize: 8000}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoadWordPiece reads the folder $KOTOBA_WORDPIECE.
func BenchmarkLoadWordPiece(b *testing.B) {
	dir := os.Getenv("KOTOBA_WORDPIECE")
	if dir == "" {
		b.Skip("needs a folder of a BERT model, named by $KOTOBA_WORDPIECE")
	}
	for b.Loop() {
		if _, err := LoadWordPiece(dir); err != nil {
			b.Fatal(err)
		}
	}
}
