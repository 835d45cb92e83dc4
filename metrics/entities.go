package metrics

import "strings"

// Entity is a run of words that labels name as one thing: words From to To, the one after
// the last.
type Entity struct {
	Type     string
	From, To int
}

// Entities returns the entities that the labels of a sentence mark, in order: B-TYPE begins
// one, I-TYPE goes on with one, or begins one where none of its type is open, E-TYPE ends and
// S-TYPE is one by itself, O is outside (conlleval, the script of the shared task of CoNLL
// 2000 and 2003). U- is another name of S-, and L- of E- (BILOU, Ratinov and Roth 2009).
func Entities(labels []string) []Entity {
	var all []Entity
	open := false // whether the last entity may go on
	for i, label := range labels {
		prefix, kind := SplitLabel(label)
		switch prefix {
		case "B", "S", "I", "E":
			if last := len(all) - 1; open && (prefix == "I" || prefix == "E") && all[last].Type == kind {
				all[last].To++
			} else {
				all = append(all, Entity{kind, i, i + 1})
			}
			open = prefix == "B" || prefix == "I"
		default:
			open = false
		}
	}
	return all
}

// SplitLabel returns the prefix of a label, B, I, E or S, which U and L stand for too (see
// [Entities]), and what is left, the type of an entity; "" and the whole label where it has
// no such prefix.
func SplitLabel(label string) (prefix, kind string) {
	prefix, kind, ok := strings.Cut(label, "-")
	switch {
	case !ok:
		return "", label
	case prefix == "U":
		return "S", kind
	case prefix == "L":
		return "E", kind
	case prefix == "B" || prefix == "I" || prefix == "E" || prefix == "S":
		return prefix, kind
	}
	return "", label
}

// HasEntities says whether labels mark entities: each is O or has a prefix of
// [Entities].
func HasEntities(labels []string) bool {
	some := false
	for _, label := range labels {
		if prefix, _ := SplitLabel(label); prefix == "" && label != "O" {
			return false
		}
		some = some || label != "O"
	}
	return some
}

// EntityScores are precision, recall and F1 of entities, from 0 to 1: one counts as right
// where its type and both its ends are. They are micro-averages over all types.
type EntityScores struct{ Precision, Recall, F1 float64 }

// ScoreEntities compares the labels of sentences, predicted and right ones.
func ScoreEntities(predicted, gold [][]string) EntityScores {
	mustPair("ScoreEntities", len(predicted), len(gold))
	var right, found, wanted float64
	for i := range gold {
		mustPair("ScoreEntities", len(predicted[i]), len(gold[i]))
		p, g := Entities(predicted[i]), Entities(gold[i])
		there := map[Entity]bool{}
		for _, e := range g {
			there[e] = true
		}
		for _, e := range p {
			if there[e] {
				right++
			}
		}
		found, wanted = found+float64(len(p)), wanted+float64(len(g))
	}
	if right == 0 {
		return EntityScores{}
	}
	return EntityScores{right / found, right / wanted, 2 * right / (found + wanted)}
}
