package cpu

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	best := supported[len(supported)-1]
	if p, err := choose(""); p != best || err != nil {
		t.Errorf("choose(\"\") = %v, %v; want the fastest, %v", p, err, best)
	}
	for _, want := range supported {
		if p, err := choose(want.String()); p != want || err != nil {
			t.Errorf("choose(%q) = %v, %v", want, p, err)
		}
	}
	p, err := choose("avx1024")
	if p != best || err == nil || !strings.Contains(err.Error(), "generic") {
		t.Errorf("choose of an unknown name = %v, %v; want the fastest and an error that lists the paths", p, err)
	}
}
