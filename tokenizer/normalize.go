package tokenizer

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// spaceSymbol stands for a space inside pieces: U+2581, lower one eighth block.
const spaceSymbol = "\u2581"

// replacement stands for a byte that is not part of valid UTF-8.
const replacement = "\ufffd"

// normalizer brings text into the form that a vocabulary was trained on:
// leftmost-longest replacement by the rules of a model, then the treatment of
// spaces.
type normalizer struct {
	spec        normalizerSpec
	spaceSuffix bool
	rules       doubleArray // values are offsets into replaced
	replaced    string      // NUL-terminated replacements
	symbols     doubleArray // user-defined symbols, which no rule touches
	// verbatim marks the bytes that stay as they are before an ASCII byte or
	// the end of text, so that most text needs no look-up.
	verbatim [utf8.RuneSelf]bool
}

func newNormalizer(spec normalizerSpec, spaceSuffix bool, symbols doubleArray) (*normalizer, error) {
	n := &normalizer{spec: spec, spaceSuffix: spaceSuffix, symbols: symbols}
	if err := n.readCharsmap(spec.charsmap); err != nil {
		return nil, err
	}
	for c := range byte(utf8.RuneSelf) {
		n.verbatim[c] = c != ' ' && n.leavesAlone(c)
	}
	return n, nil
}

// readCharsmap reads precompiled rules: the size in bytes of a double array
// as a little-endian 32-bit number, the double array, the replacements.
func (n *normalizer) readCharsmap(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if len(b) < 4 {
		return fmt.Errorf("precompiled_charsmap has %d bytes; expected 4 bytes of size at the least", len(b))
	}
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if uint64(size) >= uint64(len(b)) || size%4 != 0 {
		return fmt.Errorf("precompiled_charsmap declares a trie of %d bytes in %d; expected a multiple of 4 that leaves room for the replacements", size, len(b))
	}
	n.rules = doubleArrayFromBytes(b[:size])
	n.replaced = string(b[size:])
	if !strings.HasSuffix(n.replaced, "\x00") {
		return fmt.Errorf("precompiled_charsmap does not end in NUL; expected NUL-terminated replacements")
	}
	for _, unit := range n.rules {
		if at := unit &^ daIsValue; unit&daIsValue != 0 && int(at) >= len(n.replaced) {
			return fmt.Errorf("precompiled_charsmap refers to byte %d of %d bytes of replacements", at, len(n.replaced))
		}
	}
	return nil
}

// leavesAlone reports whether neither a rule nor a symbol applies to c when
// the byte after it is ASCII.
func (n *normalizer) leavesAlone(c byte) bool {
	if _, ok := n.symbols.step(daRoot, c); ok {
		return false
	}
	node, ok := n.rules.step(daRoot, c)
	if !ok {
		return true
	}
	if _, ok := n.rules.value(node); ok {
		return false
	}
	for next := range byte(utf8.RuneSelf) {
		if _, ok := n.rules.step(node, next); ok {
			return false
		}
	}
	return true
}

// prefix returns what the first size bytes of text become.
func (n *normalizer) prefix(text string) (to string, size int) {
	if size, _ := longest(n.symbols, text); size > 0 {
		return text[:size], size
	}
	if size, at := longest(n.rules, text); size > 0 {
		to = n.replaced[at:]
		return to[:strings.IndexByte(to, 0)], size
	}
	if r, size := utf8.DecodeRuneInString(text); r != utf8.RuneError || size > 1 {
		return text[:size], size
	}
	return replacement, 1
}

// appendNormalized appends the normalised text to dst, which must be empty.
func (n *normalizer) appendNormalized(dst []byte, text string) []byte {
	if n.spec.removeExtraWhitespaces {
		text = n.trimLeft(text)
	}
	if text == "" {
		return dst
	}
	space := " "
	if n.spec.escapeWhitespaces {
		space = spaceSymbol
	}
	if n.spec.addDummyPrefix && !n.spaceSuffix {
		dst = append(dst, space...)
	}
	afterSpace := n.spec.removeExtraWhitespaces
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf && n.verbatim[c] && (i+1 == len(text) || text[i+1] < utf8.RuneSelf) {
			dst = append(dst, c)
			afterSpace = false
			i++
			continue
		}
		to, size := n.prefix(text[i:])
		i += size
		if afterSpace {
			to = strings.TrimLeft(to, " ")
		}
		if to == "" {
			continue
		}
		dst = appendEscaped(dst, to, space)
		afterSpace = n.spec.removeExtraWhitespaces && to[len(to)-1] == ' '
	}
	if n.spec.removeExtraWhitespaces {
		for len(dst) >= len(space) && string(dst[len(dst)-len(space):]) == space {
			dst = dst[:len(dst)-len(space)]
		}
	}
	if n.spec.addDummyPrefix && n.spaceSuffix {
		dst = append(dst, space...)
	}
	return dst
}

// trimLeft drops what becomes a space at the beginning of text.
func (n *normalizer) trimLeft(text string) string {
	for text != "" {
		to, size := n.prefix(text)
		if to != " " {
			break
		}
		text = text[size:]
	}
	return text
}

func appendEscaped(dst []byte, s, space string) []byte {
	for i := range len(s) {
		if s[i] == ' ' {
			dst = append(dst, space...)
		} else {
			dst = append(dst, s[i])
		}
	}
	return dst
}
