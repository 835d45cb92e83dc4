package builtin

import (
	"fmt"
	"math/rand/v2"
)

// generator derives random sentences of the grammar.
type generator struct {
	*rand.Rand
}

// sentence derives one sentence of a random kind.
func (g generator) sentence() Pair {
	kinds := []struct {
		name   string
		weight int
		derive func() (p phrase, polarity int)
	}{
		{KindAction, 22, g.action},
		{KindMotion, 12, g.motion},
		{KindDescription, 16, g.description},
		{KindRelative, 14, g.relative},
		{KindPossessive, 12, g.possessive},
		{KindReason, 6, g.reason},
		{KindExistence, 6, g.existence},
		{KindDate, 6, g.event},
		{KindNumber, 3, g.amount},
		{KindQuestion, 6, g.question},
	}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	at := g.IntN(total)
	for _, k := range kinds {
		if at -= k.weight; at < 0 {
			p, polarity := k.derive()
			return Pair{p.source, p.target, p.links, p.anaphora, polarity, k.name}
		}
	}
	panic("unreachable: weights sum to total")
}

// pick returns a random element of list.
func pick[T any](g generator, list []T) T { return list[g.IntN(len(list))] }

// chance reports true in percent of a hundred calls.
func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

// nominal is a noun phrase with what agrees with it.
type nominal struct {
	phrase
	plural bool
	gender pronoun
}

// singularNominal, pluralNominal and nominalOf derive a noun phrase. The
// modifier, an attributive adjective or "", stands before the noun.
func (g generator) singularNominal(n noun, m modifier) nominal {
	ja := m.ja + n.ja + "~h"
	if n.mass() {
		return nominal{derive(ja + " → " + m.en + n.singular + "~h"), false, n.gender}
	}
	en := m.en + n.singular + "~h"
	switch g.IntN(6) {
	case 0:
		return nominal{derive("この~d " + ja + " → this~d " + en), false, n.gender}
	case 1:
		return nominal{derive("あの~d " + ja + " → that~d " + en), false, n.gender}
	}
	return nominal{derive(ja + " → the " + en), false, n.gender}
}

func (g generator) pluralNominal(n noun, m modifier) nominal {
	ja, en := m.ja+n.ja+"~h", m.en+n.plural+"~h"
	animate := n.counter == "人" || n.counter == "匹" || n.counter == "頭" || n.counter == "羽"
	if animate && g.chance(50) {
		return nominal{derive(ja + " たち~h → the " + en), true, n.gender}
	}
	switch g.IntN(6) {
	case 0:
		return nominal{derive("これら~d の " + ja + " → these~d " + en), true, n.gender}
	case 1:
		return nominal{derive("多く~d の " + ja + " → many~d " + en), true, n.gender}
	case 2:
		return nominal{derive("ほとんど~d の " + ja + " → most~d " + en), true, n.gender}
	}
	count := 2 + g.IntN(8)
	if n.counter == "つ" {
		rule := fmt.Sprintf("%s~c の %s → %s~c %s", nativeCount[count], ja, units[count], en)
		return nominal{derive(rule), true, n.gender}
	}
	if g.chance(25) {
		count = 10 + g.IntN(21)
	}
	rule := fmt.Sprintf("$0 %s~n の %s → $0 %sn", n.counter, ja, en)
	return nominal{derive(rule, numeral(count)), true, n.gender}
}

func (g generator) nominalOf(n noun, m modifier) nominal {
	if !n.mass() && g.chance(45) {
		return g.pluralNominal(n, m)
	}
	return g.singularNominal(n, m)
}

// modifier is the two sides of an attributive adjective with a space after
// each, or empty.
type modifier struct{ ja, en string }

func (g generator) modifier(list []adjective) modifier {
	if g.chance(75) {
		return modifier{}
	}
	a := pick(g, list)
	return modifier{a.attributive() + " ", a.en + "~a "}
}

// agent derives a noun phrase for people, with or without a modifier.
func (g generator) agent() nominal {
	list := people
	if g.chance(20) {
		list = royals
	}
	return g.nominalOf(pick(g, list), g.modifier(peopleAdjectives))
}

// adverbial is an expression of time that goes with one tense.
type adverbial struct {
	ja, en string
	tense  tense
}

var adverbials = []adverbial{
	{"昨日", "yesterday", past},
	{"先週", "last week", past},
	{"去年", "last year", past},
	{"明日", "tomorrow", future},
	{"来週", "next week", future},
	{"来年", "next year", future},
	{"毎日", "every day", present},
	{"毎朝", "every morning", present},
	{"今", "now", progressive},
}

// timed picks a tense and the time expression that calls for it: the two
// sides of a rule, with a space towards the clause, or empty. A verb that is
// momentary gets no progressive, since the て いる form of 行く means having gone.
func (g generator) timed(momentary bool) (ja, en string, t tense) {
	simple := []tense{present, past, past}
	if g.chance(45) {
		if momentary {
			return "", "", pick(g, simple)
		}
		return "", "", pick(g, append(simple, progressive, pastProgressive))
	}
	a := pick(g, adverbials)
	for momentary && a.tense == progressive {
		a = pick(g, adverbials)
	}
	return mark(a.ja, "w") + " ", " " + mark(a.en, "w"), a.tense
}
