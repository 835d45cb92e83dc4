package inspect

import (
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
	"text/template"
)

// The bundle is built from web/src; see web/build.
//
//go:generate sh -c "cd web && npm ci && npm run check && cd build && go run ."

var (
	//go:embed web/page.html
	pageText string
	//go:embed web/dist/attention.js
	pageScript string
	//go:embed web/dist/attention.css
	pageStyle string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// packedKind is one kind of attention as the page reads it.
type packedKind struct {
	Name    string   `json:"name"`
	Queries []string `json:"queries"`
	Keys    []string `json:"keys"`
	Layers  int      `json:"layers"`
	Heads   int      `json:"heads"`
	Weights string   `json:"weights"`
}

// packedExample is one sentence pair as the page reads it.
type packedExample struct {
	Name  string       `json:"name"`
	Kinds []packedKind `json:"kinds"`
}

// WriteHTML writes a page that shows the attention of a; see [WriteHTML].
func (a Attention) WriteHTML(w io.Writer) error { return WriteHTML(w, "Attention", a) }

// WriteHTML writes a web page that shows the attention of each example, with a
// menu to choose among them. The page needs no other file and no network. It
// carries the weights rounded to 16 bits. An error says which example has
// weights of a shape that does not fit its tokens.
func WriteHTML(w io.Writer, title string, examples ...Attention) error {
	if len(examples) == 0 {
		return fmt.Errorf("inspect: no example for the attention page")
	}
	packed := make([]packedExample, len(examples))
	for i, a := range examples {
		if err := a.check(); err != nil {
			return fmt.Errorf("example %d: %w", i, err)
		}
		packed[i] = a.pack()
	}
	data, err := json.Marshal(packed) // escapes <, > and &
	if err != nil {
		return err
	}
	return pageTemplate.Execute(w, struct{ Title, Style, Data, Script string }{
		html.EscapeString(title), pageStyle, string(data), pageScript,
	})
}

func (a Attention) pack() packedExample {
	tokens := a.Source
	if len(tokens) == 0 {
		tokens = a.Target
	}
	e := packedExample{Name: strings.Join(tokens, " ")}
	for _, k := range []Kind{EncoderSelf, DecoderSelf, EncoderDecoder} {
		w := a.weights(k)
		if len(w) == 0 {
			continue
		}
		queries, keys := a.tokens(k)
		e.Kinds = append(e.Kinds, packedKind{k.String(), queries, keys, len(w), len(w[0]), w.pack()})
	}
	return e
}

// pack returns the weights as Base64 of little-endian 16-bit integers, 65535
// for a weight of 1.
func (w Weights) pack() string {
	var raw []byte
	for _, layer := range w {
		for _, head := range layer {
			for _, row := range head {
				for _, weight := range row {
					level := min(max(float64(weight), 0), 1)*65535 + 0.5
					raw = binary.LittleEndian.AppendUint16(raw, uint16(level))
				}
			}
		}
	}
	return base64.StdEncoding.EncodeToString(raw)
}
