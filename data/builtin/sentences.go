package builtin

import (
	"fmt"
	"slices"
)

// action derives subject, object and verb.
func (g generator) action() (phrase, int) {
	subject, v := g.agent(), pick(g, transitives)
	object := g.object(v)
	timeJa, timeEn, t := g.timed(false)
	ja, en := v.predicate(t, g.chance(25), subject.plural)
	particle := "は"
	also := ""
	if g.chance(12) {
		particle, also = "も~x", " too~x"
	}
	comment, polarity := g.comment()
	rule := fmt.Sprintf("%s%s$0 %s %s%s 。~. → %s$0 %s%s%s .~.",
		comment.ja, timeJa, particle, v.particled(), ja, comment.en, en, also, timeEn)
	return derive(rule, subject.phrase, object.phrase), polarity
}

// object derives an object of v.
func (g generator) object(v verb) nominal {
	return g.nominalOf(pick(g, v.objects), modifier{})
}

// comment derives the speaker's view of a whole sentence, mostly none.
func (g generator) comment() (modifier, int) {
	switch g.IntN(16) {
	case 0:
		return modifier{"幸い~u 、~, ", "fortunately~u ,~, "}, +1
	case 1:
		return modifier{"残念~u ながら~u 、~, ", "unfortunately~u ,~, "}, -1
	}
	return modifier{}, 0
}

// motion derives people that move or do something somewhere.
func (g generator) motion() (phrase, int) {
	subject := g.agent()
	v, circumstance, momentary := g.circumstance()
	timeJa, timeEn, t := g.timed(momentary)
	ja, en := v.predicate(t, g.chance(20), subject.plural)
	rule := fmt.Sprintf("%s$0 は $1 %s 。~. → $0 %s $1%s .~.", timeJa, ja, en, timeEn)
	return derive(rule, subject.phrase, circumstance), 0
}

// circumstance derives a verb with the way, the company or the place of it,
// and whether the verb is momentary.
func (g generator) circumstance() (v verb, circumstance phrase, momentary bool) {
	p := pick(g, places)
	if g.chance(40) {
		return pick(g, intransitives), derive(fmt.Sprintf("%s~a で~i → %s~i the %s~a",
			p.ja, p.preposition, p.singular)), false
	}
	from, to := g.IntN(len(cities)), g.IntN(len(cities)-1)
	if to >= from {
		to++
	}
	a, b, ride := cities[from], cities[to], pick(g, vehicles)
	way := derive("$0 と~w → with~w $0", g.agent().phrase)
	switch g.IntN(5) {
	case 0:
		way = derive(fmt.Sprintf("%s~a から~f %s~b まで~t → from~f %s~a to~t %s~b", a[0], b[0], a[1], b[1]))
	case 1:
		way = derive(fmt.Sprintf("%s~a で~y %s~b へ~t → to~t %s~b by~y %s~a", ride[0], b[0], b[1], ride[1]))
	case 2:
		way = derive(fmt.Sprintf("%s~a から~f → from~f %s~a", a[0], a[1]))
	case 3:
		way = derive(fmt.Sprintf("%s~a へ~t → to~t the %s~a", p.ja, p.singular))
	}
	return pick(g, motions), way, true
}

// subjectOfQuality derives something to describe with an adjective that suits
// it.
func (g generator) subjectOfQuality() (nominal, adjective) {
	switch g.IntN(5) {
	case 0:
		return g.nominalOf(pick(g, people), modifier{}), pick(g, peopleAdjectives)
	case 1:
		return g.nominalOf(pick(g, append(texts[:3:3], sights[0])), modifier{}), pick(g, workAdjectives)
	case 2:
		return g.nominalOf(pick(g, goods), modifier{}), pick(g, goodsAdjectives)
	case 3:
		return g.nominalOf(pick(g, food), modifier{}), pick(g, foodAdjectives)
	}
	return g.nominalOf(pick(g, places).noun, modifier{}), pick(g, placeAdjectives)
}

// description derives a statement that praises, blames or does neither.
func (g generator) description() (phrase, int) {
	subject, a := g.subjectOfQuality()
	isPast, negated := g.chance(40), g.chance(35)
	degree := modifier{}
	switch {
	case g.chance(50):
	case negated:
		degree = modifier{"あまり~g ", "very~g "}
	default:
		degree = pick(g, []modifier{
			{"とても~g ", "very~g "},
			{"少し~g ", "a~g little~g "},
			{"本当に~g ", "really~g "},
		})
	}
	not, polarity := "", a.polarity
	if negated {
		not, polarity = "not~n ", -a.polarity
	}
	rule := fmt.Sprintf("$0 は %s%s 。~. → $0 %s~t %s%s%s~a .~.",
		degree.ja, a.polite(isPast, negated), be(isPast, subject.plural), not, degree.en, a.en)
	return derive(rule, subject.phrase), polarity
}

// relative derives a sentence whose subject bears a relative clause, so that
// the main verb agrees with a noun far before it.
func (g generator) relative() (phrase, int) {
	if g.chance(40) {
		return g.objectRelative()
	}
	n, plural := pick(g, people), g.chance(50)
	clause := g.subjectRelative(n, plural)
	switch g.IntN(3) {
	case 0:
		v := pick(g, intransitives)
		ja, en := v.predicate(pick(g, []tense{present, progressive, pastProgressive}), g.chance(20), plural)
		return derive(fmt.Sprintf("$0 は %s 。~. → $0 %s .~.", ja, en), clause), 0
	case 1:
		v := pick(g, transitives)
		ja, en := v.predicate(pick(g, []tense{present, progressive}), false, plural)
		rule := fmt.Sprintf("$0 は %s%s 。~. → $0 %s .~.", v.particled(), ja, en)
		return derive(rule, clause, g.object(v).phrase), 0
	}
	a, isPast := pick(g, peopleAdjectives), g.chance(30)
	rule := fmt.Sprintf("$0 は %s 。~. → $0 %s~t %s~a .~.", a.polite(isPast, false), be(isPast, plural), a.en)
	return derive(rule, clause), a.polarity
}

// subjectRelative derives the noun n with a clause of which it is the subject.
func (g generator) subjectRelative(n noun, plural bool) phrase {
	ja, en := "$0 "+n.ja+"~h", "the "+n.singular+"~h who $0"
	if plural {
		ja, en = "$0 "+n.ja+"~h たち~h", "the "+n.plural+"~h who $0"
	}
	if g.chance(20) {
		p := pick(g, homes)
		live := verb{base: "live", third: "lives"}.simple(false, plural)
		return derive(ja+" → "+en, derive(fmt.Sprintf("%s~a に~i 住む~v → %s~v %s~i the %s~a",
			p.ja, live, p.preposition, p.singular)))
	}
	v, isPast := pick(g, transitives), g.chance(70)
	particled := fmt.Sprintf("$0 %s ", v.particle)
	object := "$0"
	if v.preposition != "" {
		object = mark(v.preposition, "v") + " $0"
	}
	clause := derive(fmt.Sprintf("%s%s → %s~v %s",
		particled, v.modifier(isPast, false), v.simple(isPast, plural), object), g.object(v).phrase)
	return derive(ja+" → "+en, clause)
}

// objectRelative derives a work with a clause of which it is the object.
func (g generator) objectRelative() (phrase, int) {
	v := transitives[g.IntN(2)] // to read or to write
	n, a, plural := pick(g, texts[:3]), pick(g, workAdjectives), g.chance(50)
	subject := g.agent()
	isPast, negated := g.chance(70), g.chance(35)
	noun, these := n.singular, modifier{"", "the "}
	if plural {
		noun, these = n.plural, modifier{"これら~d の ", "these~d "}
	}
	en := v.simple(isPast, subject.plural) + "~v"
	if negated {
		en = do(isPast, subject.plural) + "~t not~n " + v.base + "~v"
	}
	work := derive(fmt.Sprintf("$0 が %s %s%s~h → %s%s~h that $0 %s",
		v.modifier(isPast, negated), these.ja, n.ja, these.en, noun, en), subject.phrase)
	rule := fmt.Sprintf("$0 は %s 。~. → $0 %s~t %s~a .~.", a.polite(false, false), be(false, plural), a.en)
	return derive(rule, work), a.polarity
}

// existence derives "there is" and "there are".
func (g generator) existence() (phrase, int) {
	isPast := g.chance(35)
	if g.chance(50) {
		p := pick(g, places)
		where := derive(fmt.Sprintf("%s~h に~i → %s~i the %s~h", p.ja, p.preposition, p.singular))
		return g.thereIs(pick(g, slices.Concat(people, animals)), "い", where, isPast), 0
	}
	return g.thereIs(pick(g, portable), "あり", derive(pick(g, supports)), isPast), 0
}

func (g generator) thereIs(n noun, exist string, where phrase, isPast bool) phrase {
	count := 1 + g.IntN(9)
	name := n.plural
	if count == 1 {
		name = n.singular
	}
	var subject phrase
	if n.counter == "つ" {
		native := append([]string{"", "一つ"}, nativeCount[2:]...)[count]
		subject = derive(fmt.Sprintf("%s~c の %s~h → %s~c %s~h", native, n.ja, units[count], name))
	} else {
		subject = derive(fmt.Sprintf("$0 %s~n の %s~h → $0 %s~hn", n.counter, n.ja, name), numeral(count))
	}
	ending := "ます~v"
	if isPast {
		ending = "まし~v た~v"
	}
	rule := fmt.Sprintf("$1 $0 が %s~v %s 。~. → there~v %s~v $0 $1 .~.",
		exist, ending, be(isPast, count > 1))
	return derive(rule, subject, where)
}

// event derives when something begins, ends or takes place.
func (g generator) event() (phrase, int) {
	subject := g.singularNominal(pick(g, events), modifier{})
	day := pick(g, weekdays)
	first := 1 + g.IntN(21)
	month := 1 + g.IntN(12)
	begin := 1 + g.IntN(6)
	v := pick(g, []string{
		"始まり~v ます~v 。~. → $0 starts~v", "終わり~v ます~v 。~. → $0 ends~v",
		"始まり~v まし た~v 。~. → $0 started~v", "終わり~v まし た~v 。~. → $0 ended~v",
	})
	switch g.IntN(4) {
	case 0:
		return derive("$0 は $1 から~f $2 まで~t です~v 。~. → $0 is~v from~f $1 to~t $2 .~.",
			subject.phrase, date(month, first), date(month, first+1+g.IntN(6))), 0
	case 1:
		return derive(fmt.Sprintf("$0 は %s~d の $1 から~f $2 まで~t です~v 。~. → "+
			"$0 is~v from~f $1 to~t $2 on~d %s~d .~.", day[0], day[1]),
			subject.phrase, hour(begin), hour(begin+1+g.IntN(6))), 0
	case 2:
		return derive(fmt.Sprintf("$0 は %s~d の $1 に~a %s at~a $1 on~d %s~d .~.", day[0], v, day[1]),
			subject.phrase, hour(begin)), 0
	}
	return derive(fmt.Sprintf("$0 は $1 に~o %s on~o $1 .~.", v), subject.phrase, date(month, 1+g.IntN(28))), 0
}

// amount derives prices and populations.
func (g generator) amount() (phrase, int) {
	if g.chance(50) {
		n := pick(g, possessions)
		price := numeral(100 * (1 + g.IntN(99)))
		return derive(fmt.Sprintf("この~d %s~h は $0 円~y です~v 。~. → this~d %s~h costs~v $0 yen~y .~.",
			n.ja, n.singular), price), 0
	}
	p := pick(g, homes[:2])
	return derive(fmt.Sprintf("この~d %s~h に~i は $0 人~n が 住ん~v で い~v ます~v 。~. → "+
		"$0 people~n live~v %s~i this~d %s~h .~.", p.ja, p.preposition, p.singular),
		numeral(100+g.IntN(900))), 0
}

// question derives questions, requests and proposals.
func (g generator) question() (phrase, int) {
	v := pick(g, transitives)
	object := g.object(v)
	base := mark(v.base, "v")
	if v.preposition != "" {
		base += " " + mark(v.preposition, "v")
	}
	switch g.IntN(3) {
	case 0:
		return derive(fmt.Sprintf("$0 %s %s %s ください~r 。~. → please~r %s $0 .~.",
			v.particle, mark(v.euphonic, "v"), v.te(), base), object.phrase), 0
	case 1:
		return derive(fmt.Sprintf("$0 %s %s ましょ~r う~r 。~. → let~r us~r %s $0 .~.",
			v.particle, mark(v.stem, "v"), base), object.phrase), 0
	}
	subject := g.nominalOf(pick(g, people), modifier{})
	isPast := g.chance(60)
	t := present
	if isPast {
		t = past
	}
	return derive(fmt.Sprintf("$0 は %s%s か~? 。~? → %s~t $0 %s $1 ?~?",
		v.particled(), v.polite(t, false), do(isPast, subject.plural), base),
		subject.phrase, object.phrase), 0
}
