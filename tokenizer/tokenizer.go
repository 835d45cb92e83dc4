// Package tokenizer turns text into the ids of a fixed vocabulary and back.
//
// Every tokenizer of kotoba, whatever its algorithm, is a [Tokenizer]; decoding and the
// training of translation and language models know nothing else.
package tokenizer

// None is the id of a special symbol that a vocabulary lacks.
const None int32 = -1

// Special holds the ids of the control symbols, [None] for one that the
// vocabulary lacks.
type Special struct {
	Unknown, Begin, End, Pad int32
}

// Tokenizer is a fixed vocabulary with a segmentation of text into it.
// Implementations are safe for concurrent use.
type Tokenizer interface {
	// Encode returns the ids of text. It adds no begin or end symbol.
	Encode(text string) []int32
	// Decode returns the text of ids; control symbols leave nothing behind.
	// It panics when an id is outside [0, Len).
	Decode(ids []int32) string
	// Len is the number of entries of the vocabulary.
	Len() int
	// Token returns the surface of an entry, for people to look at.
	// It panics when id is outside [0, Len).
	Token(id int32) string
	// ID returns the id of an entry by its surface.
	ID(token string) (id int32, ok bool)
	// Special returns the ids of the control symbols.
	Special() Special
	// Save writes the vocabulary to a file that [Load] reads back.
	Save(path string) error
}
