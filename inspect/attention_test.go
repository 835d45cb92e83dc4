package inspect

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ramped returns weights that are all different.
func ramped(layers, heads, queries, keys int) Weights {
	w := make(Weights, layers)
	n := 0
	for l := range w {
		w[l] = make([][][]float32, heads)
		for h := range w[l] {
			w[l][h] = make([][]float32, queries)
			for q := range w[l][h] {
				w[l][h][q] = make([]float32, keys)
				for k := range w[l][h][q] {
					w[l][h][q][k] = float32(n%101) / 100
					n++
				}
			}
		}
	}
	return w
}

func sample() Attention {
	source, target := strings.Fields("犬 は 眠り まし た"), strings.Fields("the dog slept")
	return Attention{
		Source: source, Target: target,
		Encoder: ramped(2, 3, 5, 5), Decoder: ramped(2, 3, 3, 3), Cross: ramped(2, 3, 3, 5),
	}
}

// pageData returns the examples that a page carries.
func pageData(t *testing.T, page string) []packedExample {
	t.Helper()
	found := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the page has no data")
	}
	var examples []packedExample
	if err := json.Unmarshal([]byte(found[1]), &examples); err != nil {
		t.Fatal(err)
	}
	return examples
}

func TestPageCarriesTheWeights(t *testing.T) {
	var page strings.Builder
	a := sample()
	if err := WriteHTML(&page, "Two", a, Attention{Target: a.Target, Decoder: a.Decoder}); err != nil {
		t.Fatal(err)
	}
	examples := pageData(t, page.String())
	if len(examples) != 2 || len(examples[0].Kinds) != 3 || len(examples[1].Kinds) != 1 {
		t.Fatalf("page has %d examples", len(examples))
	}
	cross := examples[0].Kinds[2]
	if cross.Name != "Encoder–decoder" || strings.Join(cross.Keys, " ") != "犬 は 眠り まし た" {
		t.Errorf("third kind is %q with the keys %q", cross.Name, cross.Keys)
	}
	raw, err := base64.StdEncoding.DecodeString(cross.Weights)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for l, layer := range a.Cross {
		for h, head := range layer {
			for q, row := range head {
				for k, want := range row {
					got := float64(binary.LittleEndian.Uint16(raw[2*i:])) / 65535
					if math.Abs(got-float64(want)) > 0.5/65535+1e-9 {
						t.Fatalf("weight [%d][%d][%d][%d] is %v, want %v", l, h, q, k, got, want)
					}
					i++
				}
			}
		}
	}
	if 2*i != len(raw) {
		t.Errorf("%d bytes of weights, want %d", len(raw), 2*i)
	}
}

// A page must not fetch anything, nor take a token for markup.
func TestPageIsSelfContained(t *testing.T) {
	a := sample()
	a.Source[0] = "</script><script>alert(1)</script>"
	var page strings.Builder
	if err := WriteHTML(&page, "A <b> & B", a); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	if strings.Contains(text, "alert(1)</script>") {
		t.Error("a token ends the script")
	}
	if !strings.Contains(text, "<title>A &lt;b&gt; &amp; B</title>") {
		t.Error("the title is not escaped")
	}
	if found := regexp.MustCompile(`(?i)(src=|href=|url\(|@import|fetch\()\S*`).FindString(text); found != "" {
		t.Errorf("the page refers to another file: %s", found)
	}
	if pageData(t, text)[0].Kinds[0].Queries[0] != a.Source[0] {
		t.Error("the token is not carried as it is")
	}
}

// The bundle names the hash of the sources it was built from.
func TestBundleIsCurrent(t *testing.T) {
	sources, err := filepath.Glob("web/src/*")
	if err != nil || len(sources) == 0 {
		t.Fatalf("sources: %v, %v", sources, err)
	}
	hash := sha256.New()
	for _, path := range append(sources, "web/package-lock.json") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(data)
	}
	if want := fmt.Sprintf("/* sources %x\n", hash.Sum(nil)); !strings.HasPrefix(pageScript, want) {
		t.Errorf("web/dist is not current, run go generate ./inspect; it begins %.80q, want %q", pageScript, want)
	}
}

func TestShapeErrorsSayWhere(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Attention)
		want  string
	}{
		{"empty", func(a *Attention) { *a = Attention{Source: a.Source} }, "no weights of any kind"},
		{"tokens", func(a *Attention) { a.Source = nil }, "Encoder attention: weights for 0 query and 0 key tokens"},
		{"heads", func(a *Attention) { a.Decoder[1] = a.Decoder[1][:2] }, "Decoder attention: layer 1 has 2 heads, want 3"},
		{"queries", func(a *Attention) { a.Cross[0][2] = a.Cross[0][2][:1] }, "layer 0, head 2 has 1 queries, want 3"},
		{"keys", func(a *Attention) { a.Cross[0][0][1] = nil }, "layer 0, head 0, query 1 has 0 keys, want 5"},
	} {
		a := sample()
		c.spoil(&a)
		if err := a.WriteHTML(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", c.name, err, c.want)
		}
	}
	if err := WriteHTML(&bytes.Buffer{}, "none"); err == nil {
		t.Error("no error for a page without examples")
	}
	if _, err := sample().HeatMaps(EncoderDecoder, 2); err == nil || !strings.Contains(err.Error(), "no layer 3") {
		t.Errorf("error is %v, want it to name the layer", err)
	}
}
