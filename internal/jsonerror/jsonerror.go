// Package jsonerror words errors of encoding/json for those who wrote the text.
package jsonerror

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"
)

// Plain says what is wrong with a text in words of JSON, where encoding/json speaks of the
// types of Go: which type was found in which value, and which is wanted. Other errors stay as
// they are.
func Plain(err error) error {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: found %s, want %s", cmp.Or(path(kind.Field), "the whole"), kind.Value, wanted(kind.Type))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early; is it cut off?")
	}
	return err
}

// path is the path of a value without the names of embedded structs of Go.
func path(field string) string {
	var keys []string
	for key := range strings.SplitSeq(field, ".") {
		if r := []rune(key); len(r) == 0 || !unicode.IsUpper(r[0]) {
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, ".")
}

// wanted is the type of JSON that a type of Go is read from.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return fmt.Sprintf("a number of %d bits", t.Bits())
	}
	return fmt.Sprintf("a whole number of %d bits in digits", t.Bits())
}
