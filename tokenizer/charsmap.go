package tokenizer

import (
	"compress/gzip"
	"embed"
	"fmt"
	"io"
)

// charsmaps holds the normalisation rules that models are trained with, as
// the reference precompiled them; testdata/make_goldens.py extracts them.
//
//go:embed charsmap/*.bin.gz
var charsmaps embed.FS

// charsmap returns precompiled rules by name.
func charsmap(name string) ([]byte, error) {
	switch name {
	case "identity":
		return nil, nil
	case "nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf":
	default:
		return nil, fmt.Errorf("normalization is %q; expected nmt_nfkc, nfkc, nmt_nfkc_cf, nfkc_cf or identity", name)
	}
	f, err := charsmaps.Open("charsmap/" + name + ".bin.gz")
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
