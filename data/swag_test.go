package data

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const swagHeader = ",video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label\n"

func TestReadSWAG(t *testing.T) {
	path := writeTable(t, "train.csv", swagHeader+`0,v,1,"A man sits, and. He",A man sits.,He,gold,"sings, well.",stands.,falls.,leaves.,2`+"\n")
	got, err := ReadSWAGFile(path)
	want := []Labelled{{
		Text: "A man sits.", Label: "2", Line: 2,
		Choices: []string{"He sings, well.", "He stands.", "He falls.", "He leaves."},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"":         ":1: unexpected EOF",
		"a,b\n":    `:1: there is no column "sent1"`,
		swagHeader: "has no rows",
		swagHeader + "0,v,1,s,A.,He,gold,a,b,c,d,4\n":    `:2: label "4"; want 0 to 3`,
		swagHeader + "0,v,1,s,A.\n":                      ":2: there are 5 columns",
		swagHeader + "\"0\n":                             ":",
		swagHeader + "0,v,1,s,A.,He,gold,a,b,c,d,+2\n":   `:2: label "+2"; want 0 to 3`,
		swagHeader + "0,v,1,s,A.,He,gold,a,b,\xff,d,2\n": ":2: not valid UTF-8",
	} {
		if _, err := ReadSWAGFile(writeTable(t, "train.csv", text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want one with %q", text, err, want)
		}
	}
	if _, _, err := ReadSWAG(t.TempDir()); err == nil || !strings.Contains(err.Error(), "train.csv: no such file") {
		t.Errorf("error %v for a folder without files", err)
	}
}

func FuzzReadSWAG(f *testing.F) {
	f.Add([]byte(swagHeader + `0,v,1,"A man sits, and. He",A man sits.,He,gold,"sings, well.",stands.,"fa""lls.` + "\n" + `",leaves.,2` + "\n"))
	f.Add([]byte("\ufeff" + swagHeader + "0,v,1,s,A.,He,gold,a,b,c,d,04\n"))
	f.Add([]byte("label,sent1,sent2,ending3,ending2,ending1,ending0\r\n0,1,2,3,4,5,6\r\n3,,,,,,"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := parseTable(bytes.NewReader(text), ".csv", readSWAG)
		checkRows(t, text, rows, err)
		for _, r := range rows {
			if !slices.Contains([]string{"0", "1", "2", "3"}, r.Label) || len(r.Choices) != 4 {
				t.Errorf("label %q of %d choices", r.Label, len(r.Choices))
			}
		}
	})
}
