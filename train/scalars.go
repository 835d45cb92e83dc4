package train

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// checkScalars says where in text, a configuration of type t, a value is left out or a whole
// number is one that the YAML library would cut, or read to another base than ten. What else
// can be wrong is the library's to say.
func checkScalars(text []byte, t reflect.Type) error {
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil //nolint:nilerr // the library says it with its line
	}
	for _, doc := range f.Docs {
		if err := checkNode(doc.Body, t); err != nil {
			return err
		}
	}
	return nil
}

func checkNode(node ast.Node, t reflect.Type) error {
	switch n := node.(type) {
	case *ast.AnchorNode:
		return checkNode(n.Value, t)
	case *ast.AliasNode:
		return nil
	case ast.MapNode:
		return checkFields(n, t)
	case ast.ScalarNode:
		want, ok := kindNames[t.Kind()]
		if _, null := n.(*ast.NullNode); !ok || !null && isWhole(n.GetToken().Value, t.Kind()) {
			return nil
		}
		at := n.GetToken().Position
		return fmt.Errorf("%d:%d: the value is %s; want %s", at.Line, at.Column, n.GetToken().Value, want)
	}
	return nil
}

func checkFields(m ast.MapNode, t reflect.Type) error {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := m.MapRange(); i.Next(); {
		for f := range t.Fields() {
			if f.Tag.Get("yaml") != i.Key().GetToken().Value {
				continue
			}
			if err := checkNode(i.Value(), f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// decimal is a number to the base ten.
var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)

// isWhole says whether text is a whole number, if kind is of such numbers.
func isWhole(text string, kind reflect.Kind) bool {
	var err error
	switch kind {
	case reflect.Int:
		_, err = strconv.ParseInt(text, 10, 64)
	case reflect.Uint64:
		_, err = strconv.ParseUint(text, 10, 64)
	default:
		return true
	}
	if err != nil { // 1e3 is whole too
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		if f != math.Trunc(f) || math.Abs(f) > 1<<53 || f < 0 && kind == reflect.Uint64 {
			return false
		}
	}
	return err == nil && decimal.MatchString(text)
}
