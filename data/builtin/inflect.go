package builtin

import "strings"

// tense is the tense and aspect of a clause.
type tense int

const (
	present tense = iota
	future
	past
	progressive
	pastProgressive
)

// predicate returns the two sides of a rule for the polite form of v, without
// subject and object. The object of a transitive verb is slot $1 of the English
// side.
func (v verb) predicate(t tense, negated, plural bool) (ja, en string) {
	return v.polite(t, negated), v.english(t, negated, plural)
}

// polite returns the polite form: link letter v marks the verb, n the
// negation and t the tense.
func (v verb) polite(t tense, negated bool) string {
	stem := mark(v.stem, "v")
	if t == progressive || t == pastProgressive {
		stem = mark(v.euphonic, "v") + " " + v.te() + " い~t"
	}
	isPast := t == past || t == pastProgressive
	switch {
	case isPast && negated:
		return stem + " ませ ん~n でし た~t"
	case isPast:
		return stem + " まし た~t"
	case negated:
		return stem + " ませ~t ん~n"
	}
	return stem + " ます~t"
}

// english returns the English verb with its auxiliaries, marked as polite
// marks the Japanese one. The verb of a simple tense bears both letters.
func (v verb) english(t tense, negated, plural bool) string {
	not := ""
	if negated {
		not = " not~n"
	}
	object := ""
	if v.objects != nil {
		object = " $1"
	}
	if v.preposition != "" {
		object = " " + mark(v.preposition, "v") + object
	}
	switch {
	case t == progressive || t == pastProgressive:
		return be(t == pastProgressive, plural) + "~t" + not + " " + v.gerund + "~v" + object
	case t == future:
		return "will~t" + not + " " + v.base + "~v" + object
	case negated:
		return do(t == past, plural) + "~t" + not + " " + v.base + "~v" + object
	}
	return v.simple(t == past, plural) + "~vt" + object
}

// simple returns the English simple present or past form.
func (v verb) simple(isPast, plural bool) string {
	switch {
	case isPast:
		return v.past
	case plural:
		return v.base
	}
	return v.third
}

// te and ta return the particle of the て-form and of the plain past.
func (v verb) te() string {
	if v.voiced {
		return "で"
	}
	return "て"
}

func (v verb) ta() string {
	if v.voiced {
		return "だ"
	}
	return "た"
}

// modifier returns the form of v that stands before the noun it modifies.
func (v verb) modifier(isPast, negated bool) string {
	switch {
	case isPast && negated:
		return mark(v.negative, "v") + " なかっ~n た~t"
	case isPast:
		return mark(v.euphonic, "v") + " " + v.ta()
	case negated:
		return mark(v.negative, "v") + " ない~nt"
	}
	return mark(v.plain, "v")
}

// particled returns the object slot $1 with its case particle.
func (v verb) particled() string {
	if v.objects == nil {
		return ""
	}
	return "$1 " + v.particle + " "
}

// polite returns the polite predicate with link letter a for the adjective, n
// for the negation and t for the copula.
func (a adjective) polite(isPast, negated bool) string {
	if a.na {
		stem := a.ja + "~a"
		switch {
		case isPast && negated:
			return stem + " で~t は あり ませ ん~n でし た~t"
		case isPast:
			return stem + " でし~t た~t"
		case negated:
			return stem + " で~t は あり ませ ん~n"
		}
		return stem + " です~t"
	}
	stem := strings.TrimSuffix(a.ja, "い")
	switch {
	case isPast && negated:
		return stem + "く~a あり~t ませ ん~n でし た~t"
	case isPast:
		return stem + "かっ~a た~t です~t"
	case negated:
		return stem + "く~a あり~t ませ ん~n"
	}
	return a.ja + "~a です~t"
}

// attributive returns the form that stands before a noun.
func (a adjective) attributive() string {
	if a.na {
		return a.ja + "~a な"
	}
	return a.ja + "~a"
}

func be(isPast, plural bool) string {
	switch {
	case isPast && plural:
		return "were"
	case isPast:
		return "was"
	case plural:
		return "are"
	}
	return "is"
}

func do(isPast, plural bool) string {
	switch {
	case isPast:
		return "did"
	case plural:
		return "do"
	}
	return "does"
}
