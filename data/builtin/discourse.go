package builtin

import (
	"fmt"
	"slices"
	"strings"
)

// owning is what one kind of owner does with what it owns.
type owning struct {
	owners []noun
	// anaphor is a piece of the source side that refers back to the owner and
	// leaves number and sex unsaid, with link letter o.
	anaphor string
	verbs   []verb // each with the objects that are owned
}

var ownings = []owning{
	{organisations, "その~o", dealings},
	{animals, "自分~o の", []verb{
		transitives[2].of(belongings[:2]),
		transitives[10].of(belongings),
		transitives[17].of(belongings[:2]),
		dealings[3].of(belongings),
	}},
	{slices.Concat(people, royals), "自分~o の", []verb{
		transitives[6].of(possessions),
		transitives[9].of(goods[:4]),
		transitives[10].of(possessions),
		transitives[11].of(goods[2:]),
		transitives[12].of(goods),
	}},
}

// of returns v with other objects.
func (v verb) of(objects []noun) verb {
	v.objects = objects
	return v
}

// possessive derives a sentence whose object belongs to its subject.
func (g generator) possessive() (phrase, int) {
	o := pick(g, ownings)
	owner := pick(g, o.owners)
	subject := g.nominalOf(owner, modifier{})
	if owner.gender == epicene {
		subject = g.pluralNominal(owner, modifier{})
	}
	v := pick(g, o.verbs)
	owned := pick(g, v.objects)
	name := owned.singular
	if subject.plural && !owned.mass() {
		name = owned.plural
	}
	timeJa, timeEn, t := g.timed(false)
	ja, en := v.predicate(t, g.chance(20), subject.plural)
	en = strings.Replace(en, "$1", fmt.Sprintf("%s~o@ %s~h", subject.pronouns().possessive, name), 1)
	rule := fmt.Sprintf("%s$0 は %s %s~h %s %s 。~. → $0 %s%s .~.",
		timeJa, o.anaphor, owned.ja, v.particle, ja, en, timeEn)
	return derive(rule, subject.phrase), 0
}

// reason derives a sentence with a pronoun that has no word in Japanese: the
// subject of the second clause is understood.
func (g generator) reason() (phrase, int) {
	who := pick(g, slices.Concat(people, royals, animals))
	subject := g.nominalOf(who, modifier{})
	if who.gender == epicene {
		subject = g.pluralNominal(who, modifier{})
	}
	s := pick(g, states)
	resultJa, resultEn, _ := strings.Cut(pick(g, s.results), " → ")
	rule := fmt.Sprintf("$0 は %s い~t た~t ので~b 、 %s 。~. → $0 %s because~b %s@ %s~t %s~s .~.",
		s.te, resultJa, resultEn, subject.pronouns().subject, be(true, subject.plural), s.en)
	return derive(rule, subject.phrase), 0
}

// pronouns are the English pronouns for a noun phrase.
type pronouns struct{ subject, possessive string }

// pronouns returns what agrees with n. It panics for an epicene singular,
// which the grammar never refers back to.
func (n nominal) pronouns() pronouns {
	if n.plural {
		return pronouns{"they", "their"}
	}
	switch n.gender {
	case neuter:
		return pronouns{"it", "its"}
	case masculine:
		return pronouns{"he", "his"}
	case feminine:
		return pronouns{"she", "her"}
	}
	panic("builtin: pronoun for a person of unstated sex")
}
