package data

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTaggedSentencesAreRead(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		text string
		c    TaggedColumns
		want []Tagged
	}{
		"ner.txt": {
			"\ufeff-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n\n# NN I-NP O\n1.5\tCD\tI-NP\tO\r\n",
			TaggedColumns{},
			[]Tagged{{[]string{"EU", "rejects"}, []string{"B-ORG", "O"}, 3}, {[]string{"#", "1.5"}, []string{"O", "O"}, 7}},
		},
		"spaces.txt": {
			"New York\tB-LOC\n10\u00a0000 \t\tO\nParis\u3000x B-LOC\n",
			TaggedColumns{},
			[]Tagged{{[]string{"New York", "10\u00a0000", "Paris\u3000x"}, []string{"B-LOC", "O", "B-LOC"}, 1}},
		},
		"pos.txt": {"EU NNP B-NP B-ORG\n", TaggedColumns{Label: 2}, []Tagged{{[]string{"EU"}, []string{"NNP"}, 1}}},
		"end.txt": {"B-ORG EU x\n", TaggedColumns{Word: -2, Label: 1}, []Tagged{{[]string{"EU"}, []string{"B-ORG"}, 1}}},
		"ewt.conllu": {
			"# text = vámonos al\n1-2\tvámonos\t_\t_\n1\tvamos\tir\tVERB\n2\tnos él\tnosotros\tPRON\n2.1\tx\ty\tX\n\n",
			TaggedColumns{},
			[]Tagged{{[]string{"vamos", "nos él"}, []string{"VERB", "PRON"}, 3}},
		},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadTagged(path, test.c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTaggedSentencesThatAreRefused(t *testing.T) {
	for want, text := range map[string]string{
		":2: there is one column only":               "a O\nb\n",
		":4: there are 2 columns, and 3 in line 2":   "\na\tX\tO\n\nb\tX\t\n",
		":1: not valid UTF-8":                        "a\xff O\n",
		": there are no words":                       "\n-DOCSTART- O\n",
		":3: the sentence that begins here has more": "a O\n\n" + strings.Repeat("some text\t1\n", mostWords+1),
		":2: bufio.Scanner: token too long; want":    "a O\n" + strings.Repeat("x", 1<<17),
	} {
		if _, err := readTagged(bufio.NewScanner(strings.NewReader(text)), false, TaggedColumns{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	if _, err := readTagged(bufio.NewScanner(strings.NewReader("a O\n")), false, TaggedColumns{Label: 3}); err == nil || !strings.Contains(err.Error(), "no column 3 among 2") {
		t.Errorf("error %v for a column that is not there", err)
	}
	if _, err := ReadTagged("nosuch.txt", TaggedColumns{}); err == nil || !strings.Contains(err.Error(), "nosuch.txt") {
		t.Errorf("error %v for a file that is not there", err)
	}
	err := CheckTagged("dev.txt", []Tagged{{[]string{"EU"}, []string{"B-ORG"}, 7}}, []string{"O"})
	if err == nil || !strings.Contains(err.Error(), `dev.txt: the sentence at line 7 has the label "B-ORG", at "EU"; want one of those for training: O`) {
		t.Errorf("error %v for an unknown label", err)
	}
}

func FuzzReadTagged(f *testing.F) {
	f.Add("EU B-ORG\n\nrejects O\n", false, 0, 0)
	f.Add("# x\n1-2\tx\ty\tz\n1\tx\ty\tz\n", true, 1, -1)
	f.Fuzz(func(t *testing.T, text string, isCoNLLU bool, word, label int) {
		all, err := readTagged(bufio.NewScanner(strings.NewReader(text)), isCoNLLU, TaggedColumns{word, label})
		if (err == nil) != (len(all) > 0) {
			t.Errorf("%d sentences, error %v", len(all), err)
		}
		for _, s := range all {
			if len(s.Words) == 0 || len(s.Words) != len(s.Labels) {
				t.Errorf("%d words, %d labels", len(s.Words), len(s.Labels))
			}
		}
	})
}
