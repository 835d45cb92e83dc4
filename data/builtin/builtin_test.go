package builtin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// all returns the three parts in one list.
func all() []Pair {
	train, valid, test := Corpus()
	return slices.Concat(train, valid, test)
}

func TestCorpusSizes(t *testing.T) {
	train, valid, test := Corpus()
	if len(train) != 9000 || len(valid) != 500 || len(test) != 500 {
		t.Errorf("sizes are %d, %d, %d; want 9000, 500, 500", len(train), len(valid), len(test))
	}
	kinds := map[string]int{}
	for _, p := range test {
		kinds[p.Kind]++
	}
	if len(kinds) != 10 {
		t.Errorf("the test part has the kinds %v, want all 10", kinds)
	}
}

// The hash pins every word, link, reference and label. Change it only together
// with a deliberate change of the grammar: models trained before are void.
func TestCorpusIsTheSameEverywhere(t *testing.T) {
	h := sha256.New()
	for _, p := range all() {
		line := fmt.Sprintf("%q %q %v %v %d %s\n", p.Source, p.Target, p.Alignment, p.Anaphora, p.Polarity, p.Kind)
		h.Write([]byte(line))
	}
	const want = "6e90db406eff7d4c03436a766a36fdbf617fb3c00cfd43d343058f45139bf7bc"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("corpus hash is %s, want %s", got, want)
	}
}

func TestSentencesAreDistinctAcrossParts(t *testing.T) {
	seen := map[string]int{}
	for i, p := range all() {
		for _, side := range [][]string{p.Source, p.Target} {
			sentence := strings.Join(side, " ")
			if j, ok := seen[sentence]; ok {
				t.Errorf("sentence %d repeats sentence %d: %s", i, j, sentence)
			}
			seen[sentence] = i
		}
	}
}

func TestSizesSuitASmallModel(t *testing.T) {
	source, target := map[string]bool{}, map[string]bool{}
	for _, p := range all() {
		if len(p.Source) < 4 || len(p.Source) > 20 || len(p.Target) < 4 || len(p.Target) > 20 {
			t.Errorf("length outside [4, 20]: %v → %v", p.Source, p.Target)
		}
		for _, w := range p.Source {
			source[w] = true
		}
		for _, w := range p.Target {
			target[w] = true
		}
	}
	if len(source) > 520 || len(target) > 520 {
		t.Errorf("vocabularies hold %d and %d words, want at most 520", len(source), len(target))
	}
}

// A source sentence has one translation, however often it is derived.
func TestTranslationIsDetermined(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 1))}
	translation := map[string]string{}
	for range 60000 {
		p := g.sentence()
		source, target := strings.Join(p.Source, " "), strings.Join(p.Target, " ")
		if old, ok := translation[source]; ok && old != target {
			t.Fatalf("%s has two translations:\n%s\n%s", source, old, target)
		}
		translation[source] = target
	}
}

// Words that may stand without a counterpart.
var (
	sourceFunction = strings.Fields("は が を に の と て で だ た な い ませ まし でし あり 、")
	targetFunction = strings.Fields("the who that")
)

func TestEveryContentWordIsAligned(t *testing.T) {
	for _, p := range all() {
		source, target := make([]bool, len(p.Source)), make([]bool, len(p.Target))
		for _, l := range p.Alignment {
			if l.Source < 0 || l.Source >= len(p.Source) || l.Target < 0 || l.Target >= len(p.Target) {
				t.Fatalf("link %v outside %v → %v", l, p.Source, p.Target)
			}
			source[l.Source], target[l.Target] = true, true
		}
		pronoun := map[int]bool{}
		for _, r := range p.Anaphora {
			pronoun[r.Pronoun] = true
		}
		for i, w := range p.Source {
			if !source[i] && !slices.Contains(sourceFunction, w) {
				t.Errorf("source word %q is not aligned in %v → %v", w, p.Source, p.Target)
			}
		}
		for i, w := range p.Target {
			if !target[i] && !slices.Contains(targetFunction, w) && !pronoun[i] {
				t.Errorf("target word %q is not aligned in %v → %v", w, p.Source, p.Target)
			}
		}
	}
}

func TestAlignmentIsSortedWithoutRepetition(t *testing.T) {
	for _, p := range all() {
		for i := 1; i < len(p.Alignment); i++ {
			a, b := p.Alignment[i-1], p.Alignment[i]
			if a.Source > b.Source || a.Source == b.Source && a.Target >= b.Target {
				t.Fatalf("links %v and %v are out of order in %v", a, b, p.Source)
			}
		}
	}
}

func TestPronounsAgreeWithTheirAntecedents(t *testing.T) {
	agreeing := map[string]map[string]bool{} // noun to the pronouns for it
	allow := func(word string, pronouns ...string) {
		agreeing[word] = map[string]bool{}
		for _, p := range pronouns {
			agreeing[word][p] = true
		}
	}
	ja := map[string]string{}
	for _, n := range slices.Concat(people, royals, animals, organisations) {
		ja[n.singular], ja[n.plural] = n.ja, n.ja
		allow(n.plural, "they", "their")
		switch n.gender {
		case neuter:
			allow(n.singular, "it", "its")
		case masculine:
			allow(n.singular, "he", "his")
		case feminine:
			allow(n.singular, "she", "her")
		}
	}
	count := 0
	for _, p := range all() {
		for _, r := range p.Anaphora {
			count++
			noun, pronoun := p.Target[r.Antecedent.Target], p.Target[r.Pronoun]
			if !agreeing[noun][pronoun] {
				t.Errorf("%q stands for %q in %v", pronoun, noun, p.Target)
			}
			if got := p.Source[r.Antecedent.Source]; got != ja[noun] {
				t.Errorf("the antecedent %q is %q in %v", noun, got, p.Source)
			}
		}
		for i, w := range p.Target {
			isPronoun := slices.Contains(strings.Fields("it its he his she her they their"), w)
			resolved := slices.ContainsFunc(p.Anaphora, func(r Reference) bool { return r.Pronoun == i })
			if isPronoun != resolved {
				t.Errorf("%q in %v: pronoun %v, resolved %v", w, p.Target, isPronoun, resolved)
			}
		}
	}
	if count < 1000 {
		t.Errorf("%d pronouns, want at least 1000", count)
	}
}

func TestNegationTurnsPolarity(t *testing.T) {
	polarity := map[string]int{}
	for _, list := range [][]adjective{
		peopleAdjectives, workAdjectives, goodsAdjectives, foodAdjectives, placeAdjectives,
	} {
		for _, a := range list {
			polarity[a.en] = a.polarity
		}
	}
	for _, p := range all() {
		if p.Kind != KindDescription {
			continue
		}
		want := polarity[p.Target[len(p.Target)-2]]
		if slices.Contains(p.Target, "not") {
			want = -want
		}
		if p.Polarity != want {
			t.Errorf("polarity of %v is %d, want %d", p.Target, p.Polarity, want)
		}
	}
}

func TestKnownSentences(t *testing.T) {
	known := map[string]Pair{}
	for _, p := range all() {
		known[strings.Join(p.Source, " ")] = p
	}
	for source, want := range map[string]string{
		"科学者 を 待っ た 作家 は 走っ て い まし た 。":      "the writer who waited for the scientist was running .",
		"町 に 住む 学生 たち は 冷たかっ た です 。":         "the students who live in the town were cold .",
		"狐 は 疲れ て い た ので 、 帰り まし た 。":        "the fox returned because it was tired .",
		"これら の 帽子 は あまり 便利 で は あり ませ ん 。":    "these hats are not very useful .",
		"この 村 に は 三 百 七 十 四 人 が 住ん で い ます 。": "three hundred seventy four people live in this village .",
	} {
		if got := strings.Join(known[source].Target, " "); got != want {
			t.Errorf("%s is %q, want %q", source, got, want)
		}
	}
	if p := known["これら の 帽子 は あまり 便利 で は あり ませ ん 。"]; p.Polarity != -1 {
		t.Errorf("polarity of %v is %d, want -1", p.Target, p.Polarity)
	}
	fox := known["狐 は 疲れ て い た ので 、 帰り まし た 。"]
	if want := []Reference{{Pronoun: 4, Antecedent: Link{0, 1}}}; !slices.Equal(fox.Anaphora, want) {
		t.Errorf("references of %v are %v, want %v", fox.Target, fox.Anaphora, want)
	}
}

func TestDerive(t *testing.T) {
	subject := derive("三~c 匹~n の 犬~h → three~c dogs~hn")
	object := derive("巣~h → nests~h")
	got := derive("$0 は 自分~o の $1 を 見~v まし た~v 。~. → $0 saw~v their~o@ $1 .~.", subject, object)
	want := phrase{
		source: strings.Fields("三 匹 の 犬 は 自分 の 巣 を 見 まし た 。"),
		target: strings.Fields("three dogs saw their nests ."),
		links: []Link{
			{0, 0}, {1, 1}, {3, 1}, {5, 3}, {7, 4}, {9, 2}, {11, 2}, {12, 5},
		},
		anaphora: []Reference{{Pronoun: 3, Antecedent: Link{3, 1}}},
		head:     Link{3, 1},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(phrase{})); diff != "" {
		t.Errorf("derive differs (-want +got):\n%s", diff)
	}
}

// Pronouns keep their antecedents inside a larger phrase, on both sides, and
// words that share two letters are linked once.
func TestDeriveNested(t *testing.T) {
	clause := derive("$0 は その 巣 を 見 た → $0 saw its@ nest", derive("犬~hx → the dog~hx"))
	got := derive("昨日~w $0 → yes~w yes~w $0", clause)
	want := []Reference{{Pronoun: 5, Antecedent: Link{1, 3}}}
	if diff := cmp.Diff(want, got.anaphora); diff != "" {
		t.Errorf("references differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Link{{0, 0}, {0, 1}, {1, 3}}, got.links); diff != "" {
		t.Errorf("links differ (-want +got):\n%s", diff)
	}
}

func TestNumeral(t *testing.T) {
	for _, c := range []struct {
		n      int
		ja, en string
	}{
		{7, "七", "seven"},
		{10, "十", "ten"},
		{15, "十 五", "fifteen"},
		{40, "四 十", "forty"},
		{100, "百", "one hundred"},
		{320, "三 百 二 十", "three hundred twenty"},
		{1998, "千 九 百 九 十 八", "one thousand nine hundred ninety eight"},
		{8001, "八 千 一", "eight thousand one"},
	} {
		p := numeral(c.n)
		if ja, en := strings.Join(p.source, " "), strings.Join(p.target, " "); ja != c.ja || en != c.en {
			t.Errorf("numeral(%d) = %q, %q; want %q, %q", c.n, ja, en, c.ja, c.en)
		}
	}
}

func TestDate(t *testing.T) {
	p := date(3, 15)
	if ja, en := strings.Join(p.source, " "), strings.Join(p.target, " "); ja != "三月 十 五 日" || en != "march 15" {
		t.Errorf("date(3, 15) = %q, %q", ja, en)
	}
	if p = date(12, 20); strings.Join(p.source, " ") != "十二月 二 十 日" {
		t.Errorf("date(12, 20) = %q", p.source)
	}
}

func TestConjugation(t *testing.T) {
	plain := func(s string) string { // without link letters
		var words []string
		for f := range strings.FieldsSeq(s) {
			w, _, _ := strings.Cut(f, "~")
			words = append(words, w)
		}
		return strings.Join(words, "")
	}
	read, swim, nice, healthy := transitives[0], intransitives[2], adjective{ja: "優しい"}, adjective{ja: "元気", na: true}
	for _, c := range []struct{ got, want string }{
		{read.polite(present, false), "読みます"},
		{read.polite(present, true), "読みません"},
		{read.polite(past, false), "読みました"},
		{read.polite(past, true), "読みませんでした"},
		{read.polite(progressive, false), "読んでいます"},
		{read.polite(pastProgressive, true), "読んでいませんでした"},
		{read.modifier(true, false), "読んだ"},
		{read.modifier(true, true), "読まなかった"},
		{read.modifier(false, false), "読む"},
		{swim.polite(progressive, false), "泳いでいます"},
		{nice.polite(false, true), "優しくありません"},
		{nice.polite(true, false), "優しかったです"},
		{healthy.polite(true, true), "元気ではありませんでした"},
		{healthy.attributive(), "元気な"},
	} {
		if got := plain(c.got); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
