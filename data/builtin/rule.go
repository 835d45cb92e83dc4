package builtin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// phrase is a derived piece of a sentence pair.
type phrase struct {
	source, target []string
	links          []Link
	anaphora       []Reference
	head           Link // the word that a pronoun for the phrase refers to
}

// derive applies a rule of the synchronous grammar. A rule is written
//
//	$0 は 大きい~a 家~h を 見~v まし た~v 。~p → $0 saw~v the big~a house~h .~p
//
// with the source side left of the arrow and the target side right of it. $i
// stands for args[i] and may occur once on each side. Letters after ~ name the
// links: words of the two sides that share a letter are linked to each other.
// The letter h also marks the head of the phrase, its first source word and
// last target word so marked; a rule without one takes the
// head of $0. A target word ending in @ is a pronoun for the head of $0.
//
// derive panics on a malformed rule, since all rules are part of this package.
func derive(rule string, args ...phrase) phrase {
	left, right, ok := strings.Cut(rule, " → ")
	if !ok {
		panic(fmt.Sprintf("builtin: rule %q has no arrow", rule))
	}
	source := expand(left, args, func(p phrase) []string { return p.source })
	target := expand(right, args, func(p phrase) []string { return p.target })

	p := phrase{source: source.words, target: target.words}
	for i, arg := range args {
		shift := Link{source.offset[i], target.offset[i]}
		for _, l := range arg.links {
			p.links = append(p.links, l.plus(shift))
		}
		for _, r := range arg.anaphora {
			p.anaphora = append(p.anaphora,
				Reference{r.Pronoun + shift.Target, r.Antecedent.plus(shift)})
		}
		if i == 0 {
			p.head = arg.head.plus(shift)
		}
	}
	for mark, from := range source.marks {
		for _, s := range from {
			for _, t := range target.marks[mark] {
				p.links = append(p.links, Link{s, t})
			}
		}
	}
	if s, t := source.marks['h'], target.marks['h']; len(s) > 0 && len(t) > 0 {
		p.head = Link{s[0], t[len(t)-1]}
	}
	for _, pronoun := range target.pronouns {
		antecedent := args[0].head.plus(Link{source.offset[0], target.offset[0]})
		p.anaphora = append(p.anaphora, Reference{pronoun, antecedent})
	}
	slices.SortFunc(p.links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target))
	})
	p.links = slices.Compact(p.links)
	slices.SortFunc(p.anaphora, func(a, b Reference) int { return cmp.Compare(a.Pronoun, b.Pronoun) })
	return p
}

func (l Link) plus(m Link) Link { return Link{l.Source + m.Source, l.Target + m.Target} }

// expansion is one side of a rule with its arguments filled in.
type expansion struct {
	words    []string
	offset   []int          // where each argument begins
	marks    map[rune][]int // indices of the words that bear a letter
	pronouns []int          // indices of the pronouns for the head of $0
}

func expand(side string, args []phrase, words func(phrase) []string) expansion {
	e := expansion{
		offset: make([]int, len(args)),
		marks:  map[rune][]int{},
	}
	for field := range strings.FieldsSeq(side) {
		at := len(e.words)
		if slot, ok := strings.CutPrefix(field, "$"); ok {
			i := int(slot[0] - '0')
			e.offset[i] = at
			e.words = append(e.words, words(args[i])...)
			continue
		}
		field, isPronoun := strings.CutSuffix(field, "@")
		if isPronoun {
			e.pronouns = append(e.pronouns, at)
		}
		word, letters, _ := strings.Cut(field, "~")
		for _, letter := range letters {
			e.marks[letter] = append(e.marks[letter], at)
		}
		e.words = append(e.words, word)
	}
	return e
}

// mark adds the link letter to every word of text.
func mark(text, letter string) string {
	words := strings.Fields(text)
	for i := range words {
		words[i] += "~" + letter
	}
	return strings.Join(words, " ")
}
