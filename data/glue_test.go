package data

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func writeTable(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTablesAreReadByTheirColumns(t *testing.T) {
	want := []Labelled{{Text: "a, \"b\"", Pair: "c", Label: "1"}, {Text: "日本", Pair: "", Label: "0"}}
	for name, test := range map[string]struct {
		text    string
		columns Columns
		first   int // line of the first row
	}{
		"t.tsv":     {"x\tlabel\ty\na, \"b\"\t1\tc\n日本\t0\t\n", Columns{"x", "y", "label"}, 2},
		"bom.tsv":   {"\ufeffx\tlabel\ty\r\na, \"b\"\t1\tc\r\n日本\t0\t", Columns{"x", "y", "label"}, 2},
		"n.tsv":     {"a, \"b\"\t1\tc\n日本\t0\t\n", Columns{"0", "2", "1"}, 1},
		"t.csv":     {"label,x,y\n1,\"a, \"\"b\"\"\",c\n0,日本,\n", Columns{"x", "y", "label"}, 2},
		"bom.csv":   {"\ufeff\"label\",x,y\n1,\"a, \"\"b\"\"\",c\n0,日本,\n", Columns{"x", "y", "label"}, 2},
		"bom.jsonl": {"\ufeff{\"x\": \"a, \\\"b\\\"\", \"y\": \"c\", \"label\": 1}\n{\"y\": \"\", \"label\": \"0\", \"x\": \"日本\"}\n", Columns{"x", "y", "label"}, 1},
		"t.jsonl":   {"{\"x\": \"a, \\\"b\\\"\", \"y\": \"c\", \"label\": 1}\n{\"y\": \"\", \"label\": \"0\", \"x\": \"日本\"}\n", Columns{"x", "y", "label"}, 1},
	} {
		got, err := ReadTable(writeTable(t, name, test.text), test.columns)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range want {
			want[i].Line = test.first + i
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTablesThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct{ file, text, want string }{
		"no such column":  {"t.tsv", "a\tb\nx\ty\n", `:1: there is no column "text"; the first line has "a, b"`},
		"a short row":     {"t.tsv", "text\tlabel\n\nx\n", ":3: the row ends before the column label: it has 1, and that is number 1"},
		"a tab in a text": {"t.tsv", "text\tlabel\na\t1\t\t\nx\ty\t1\n", ": line 3 has 3 columns, and the first line 2; put texts"},
		"an open comma":   {"t.csv", "text,label\nx, y,1\n", ": line 2 has 3 columns"},
		"names twice":     {"t.csv", "text,label,text\nx,1,y\n", `:1: two columns are called "text"`},
		"no rows":         {"t.tsv", "text\tlabel\n", "has no rows"},
		"empty":           {"t.csv", "", "has no rows"},
		"bad quotes":      {"t.csv", "text,label\n\"a,1\n", ":"},
		"bytes":           {"t.tsv", "text\tlabel\n\xff\t1\n", ":2: not valid UTF-8"},
		"not JSON":        {"t.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\n", ":2: "},
		"no such key":     {"t.jsonl", "{\"text\": \"a\"}\n", `:1: "label" is missing`},
		"a list":          {"t.jsonl", "{\"text\": [\"\\n\"], \"label\": 1}\n", `:1: "text" is "[\n]"; want`},
		"two objects":     {"t.jsonl", "{\"text\": \"a\", \"label\": 1} {}\n", ":1: more follows the object"},
		"bytes in JSON":   {"t.jsonl", "{\"text\": \"\xff\", \"label\": 1}\n", ":1: not valid UTF-8"},
		"bytes in quotes": {"t.csv", "text,label\n\"\xff\",1\n", ":2: not valid UTF-8"},
	} {
		_, err := ReadTable(writeTable(t, test.file, test.text), Columns{Text: "text", Label: "label"})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want one with %q", name, err, test.want)
		}
	}
	if _, err := ReadTable(filepath.Join(t.TempDir(), "none.tsv"), Columns{}); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// TestCoLAHasNamesInJSON reads a task whose tables come without a header line.
func TestCoLAHasNamesInJSON(t *testing.T) {
	cola, _ := GLUE("cola")
	got, err := cola.ReadFile(writeTable(t, "train.jsonl", `{"sentence": "a", "label": 1, "idx": 0}`+"\n"))
	if want := []Labelled{{Text: "a", Label: "1", Line: 1}}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// TestAHeaderMayBeLong reads a header that is longer than 4096 bytes.
func TestAHeaderMayBeLong(t *testing.T) {
	sst2, _ := GLUE("sst2")
	text := strings.Repeat("x\t", 5000)
	got, err := sst2.ReadFile(writeTable(t, "train.tsv", text+"sentence\tlabel\n"+text+"a\t1\n"))
	if want := []Labelled{{Text: "a", Label: "1", Line: 2}}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// TestGLUEFilesHaveTheirColumns reads a line of each task as the official files have it,
// and as those do that come without the header line.
func TestGLUEFilesHaveTheirColumns(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Labelled
	}{
		"cola":          {"gj04\t1\t\tThe sailors rode.\n", Labelled{Text: "The sailors rode.", Pair: "", Label: "1", Line: 1}},
		"sst2":          {"sentence\tlabel\na fine film \t1\n", Labelled{Text: "a fine film ", Pair: "", Label: "1", Line: 2}},
		"mrpc":          {"\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t5\t6\tHe said \"no\".\tNo, he said.\n", Labelled{Text: "He said \"no\".", Pair: "No, he said.", Label: "1", Line: 2}},
		"mrpc, bare":    {"0\t5\t6\tA.\tB.\n", Labelled{Text: "A.", Pair: "B.", Label: "0", Line: 1}},
		"stsb, bare":    {"4\tmain\tMSRvid\t2012\t0009\tnone\tnil\tA man.\tA boy.\t4.250\n", Labelled{Text: "A man.", Pair: "A boy.", Label: "4.250", Line: 1}},
		"stsb":          {"index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n0\tm\tM\t2\t1\tn\tm\tA.\tB.\t5.0\n", Labelled{Text: "A.", Pair: "B.", Label: "5.0", Line: 2}},
		"qqp":           {"id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\tWhy?\tHow?\t0\n", Labelled{Text: "Why?", Pair: "How?", Label: "0", Line: 2}},
		"qqp, broken":   {"id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t1\t2\tWhat\nis it?\tHow?\t1\n0\t1\t2\tWhy?\tHow?\t0\n", Labelled{Text: "Why?", Pair: "How?", Label: "0", Line: 4}},
		"mnli":          {"index\tpromptID\tsentence1\tsentence2\tlabel1\tgold_label\n0\t1\tA.\tB.\tneutral\tcontradiction\n", Labelled{Text: "A.", Pair: "B.", Label: "contradiction", Line: 2}},
		"qnli":          {"index\tquestion\tsentence\tlabel\n0\tWho?\tHe.\tnot_entailment\n", Labelled{Text: "Who?", Pair: "He.", Label: "not_entailment", Line: 2}},
		"rte":           {"index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tentailment\n", Labelled{Text: "A.", Pair: "B.", Label: "entailment", Line: 2}},
		"wnli, no line": {"0\tA.\tB.\t1", Labelled{Text: "A.", Pair: "B.", Label: "1", Line: 1}},
	} {
		short, _, _ := strings.Cut(name, ",")
		task, err := GLUE(short)
		if err != nil {
			t.Fatal(err)
		}
		got, err := task.ReadFile(writeTable(t, "x.tsv", test.text))
		if err != nil || len(got) != 1 || !cmp.Equal(got[0], test.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, test.want)
		}
	}
	for file, text := range map[string]string{
		"x.csv": "sentence,label\n\"a, b\",1\n", "bare.csv": "\"a, b\",1\n", "x.jsonl": `{"label": 1, "sentence": "a, b"}`, "x.tsv": "\na, b\t1\n\n",
	} {
		task, _ := GLUE("sst2")
		if got, err := task.ReadFile(writeTable(t, file, text)); err != nil || len(got) != 1 || got[0].Text != "a, b" || got[0].Label != "1" {
			t.Errorf("%s: %+v, %v; want the text and the label", file, got, err)
		}
	}
	rte, _ := GLUE("RTE")
	if _, err := rte.ReadFile(writeTable(t, "dev.tsv", "0\tA.\tB.\tentails\n")); err == nil || !strings.Contains(err.Error(), `dev.tsv:1: label "entails"; want one of entailment, not_entailment`) {
		t.Errorf("error %v for a label that is none", err)
	}
	stsb, _ := GLUE("stsb")
	for _, label := range []string{"", "NaN", "inf", "1e999", "many"} {
		_, err := stsb.ReadFile(writeTable(t, "dev.tsv", "4\tmain\tMSRvid\t2012\t0009\tnone\tnil\tA man.\tA boy.\t"+label+"\n"))
		if want := fmt.Sprintf("dev.tsv:1: label %q; want a number", label); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
	sst2, _ := GLUE("sst2")
	if _, err := sst2.ReadFile(writeTable(t, "train.tsv", "text\tlabel\na film\t1\n")); err == nil || !strings.Contains(err.Error(), `train.tsv:1: there is no column "sentence"; the first line has "text, label"`) {
		t.Errorf("error %v for a header without a column", err)
	}
	if _, err := GLUE("ax"); err == nil {
		t.Error("no error for a task that is none")
	}
}

// TestGLUECorpora counts the rows of real files where they are.
func TestGLUECorpora(t *testing.T) {
	const dir = "../../shared/data/glue"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the corpora of GLUE are not there")
	}
	for name, want := range map[string]int{"cola": 527, "sst2": 872, "rte": 277} {
		task, err := GLUE(name)
		if err != nil {
			t.Fatal(err)
		}
		train, dev, err := task.Read(dir)
		if err != nil || len(dev) != want || len(train) < want {
			t.Errorf("%s: %d and %d rows, %v; want %d to develop with", name, len(train), len(dev), err, want)
		}
	}
}

// checkRows says what of rows and an error no reader may return.
func checkRows(t *testing.T, text []byte, rows []Labelled, err error) {
	t.Helper()
	if err != nil {
		if s := err.Error(); !strings.HasPrefix(s, ":") || strings.Contains(s, "\n") || len(s) > 1000 {
			t.Errorf("error %q; want a short line with a place in front", s)
		}
		return
	}
	lines := bytes.Count(text, []byte("\n")) + 1
	if len(rows) == 0 || len(rows) > lines {
		t.Errorf("%d rows of %d lines", len(rows), lines)
	}
	for i, r := range rows {
		if r.Line < 1 || r.Line > lines || i > 0 && r.Line <= rows[i-1].Line {
			t.Errorf("row %d is in line %d", i, r.Line)
		}
		if !utf8.ValidString(r.Text + r.Pair + r.Label + strings.Join(r.Choices, "")) {
			t.Errorf("%+v is not UTF-8", r)
		}
	}
}

func FuzzReadTable(f *testing.F) {
	endings := []string{".tsv", ".csv", ".jsonl"}
	f.Add(uint8(0), []byte("\ufeffx\ttext\tlabel\r\n\ta\t1"))
	f.Add(uint8(1), []byte("label,text\n1,\"a\n\"\"b\"\"\"\n"))
	f.Add(uint8(1), []byte("text,label\n\"a,1\n"))
	f.Add(uint8(2), []byte("{\"text\": true, \"label\": 1e5}\n \n{\"text\": \"\\ud800\", \"label\": [\"\\n\"]}\n"))
	f.Add(uint8(2), []byte("{\"text\": \"a\tb\", \"label\": null}"))
	f.Fuzz(func(t *testing.T, ending uint8, text []byte) {
		for _, c := range []Columns{{Text: "text", Label: "label"}, {Text: "0", Pair: "1", Label: "0"}} {
			rows, err := parseTable(bytes.NewReader(text), endings[int(ending)%len(endings)], func(r *bufio.Reader, ending string) ([]Labelled, error) {
				return readTable(r, ending, c)
			})
			checkRows(t, text, rows, err)
		}
	})
}

func FuzzReadGLUE(f *testing.F) {
	for i, task := range GLUETasks {
		label := "5.0"
		if task.Labels != nil {
			label = task.Labels[0]
		}
		c := task.Header
		f.Add(uint8(i), []byte(fmt.Sprintf("\ufeffx\t%s\t%s\t%s\r\n0\ta\t日本\t%s\r\n", c.Text, c.Pair, c.Label, label)))
		f.Add(uint8(i), []byte(strings.Repeat(label+"\t", 9)+label+"\n"))
		f.Add(uint8(i), []byte(strings.Repeat("NaN\t", 9)+"NaN\n"))
	}
	f.Fuzz(func(t *testing.T, number uint8, text []byte) {
		task := GLUETasks[int(number)%len(GLUETasks)]
		rows, err := parseTable(bytes.NewReader(text), ".tsv", task.read)
		checkRows(t, text, rows, err)
		for _, r := range rows {
			x, isNumber := strconv.ParseFloat(r.Label, 64)
			if err == nil && (task.Labels != nil && !slices.Contains(task.Labels, r.Label) || task.Labels == nil && (isNumber != nil || math.Abs(x) > math.MaxFloat64 || x != x)) {
				t.Errorf("%s: label %q", task.Name, r.Label)
			}
		}
	})
}
