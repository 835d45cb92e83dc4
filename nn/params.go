package nn

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// Param is a parameter of a model and what its checkpoint calls it. A tensor
// that stacks several published ones has their names in order, equal shares of
// its rows each.
type Param struct {
	Names  []string
	Tensor *tensor.Tensor
	Matrix bool // even with one row; otherwise one row is a vector
}

// Name is the parameter's own name, unique in the model.
func (p Param) Name() string { return strings.Join(p.Names, "+") }

// Params returns the parameters of a model: the tensors in its fields tagged
// `param:"name"`, and in those of structs, pointers and slices below, whose
// names are joined by dots; an element of a slice is named by its number.
// A name a+b says that the layer stacks the rows of layers a and b; one that ends in
// ",matrix" is that of a matrix even with one row. Fields that are nil are left out. It panics
// when model is not a pointer to a struct, and when two fields are one tensor, which would
// be trained twice: leave the tag off one of them.
func Params(model any) []Param {
	v := reflect.ValueOf(model)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("nn: Params of %T; want a pointer to a struct", model))
	}
	all := walk(v.Elem(), []string{""})
	names := map[*tensor.Tensor]string{}
	for _, p := range all {
		if other, ok := names[p.Tensor]; ok {
			panic(fmt.Sprintf("nn: Params of %T: %s and %s are one tensor; leave the tag off one of them", model, other, p.Name()))
		}
		names[p.Tensor] = p.Name()
	}
	return all
}

var tensorType = reflect.TypeFor[*tensor.Tensor]()

func walk(v reflect.Value, names []string) []Param {
	switch {
	case v.Type() == tensorType:
		if v.IsNil() {
			return nil
		}
		for i := range names {
			names[i] = strings.TrimSuffix(names[i], ".")
		}
		return []Param{{Names: names, Tensor: v.Interface().(*tensor.Tensor)}}
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return walk(v.Elem(), names)
	case v.Kind() == reflect.Slice:
		var all []Param
		for i := range v.Len() {
			all = append(all, walk(v.Index(i), extend(names, fmt.Sprint(i)))...)
		}
		return all
	case v.Kind() != reflect.Struct:
		panic(fmt.Sprintf("nn: a field of type %s is tagged as a parameter", v.Type()))
	}
	var all []Param
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("param")
		if !ok {
			continue
		}
		if f := v.Type().Field(i); !f.IsExported() {
			panic(fmt.Sprintf("nn: the field %s of %s is tagged as a parameter and not exported", f.Name, v.Type()))
		}
		tag, matrix := strings.CutSuffix(tag, ",matrix")
		for _, p := range walk(v.Field(i), extend(names, tag)) {
			p.Matrix = p.Matrix || matrix
			all = append(all, p)
		}
	}
	return all
}

// extend appends each part of tag to each name.
func extend(names []string, tag string) []string {
	var out []string
	for _, n := range names {
		for part := range strings.SplitSeq(tag, "+") {
			out = append(out, n+part+".")
		}
	}
	return out
}

// Count returns the number of elements of all parameters.
func Count(params []Param) int {
	n := 0
	for _, p := range params {
		n += len(p.Tensor.Data)
	}
	return n
}

// Pack prepares the matrices of a model, which Linear multiplies by, for inference; tables
// are those that it only looks rows up in. A packed model must not be trained; Unpack makes
// it trainable again.
func Pack(model any, tables ...*tensor.Tensor) {
	for _, p := range Params(model) {
		if p.Tensor.Rows() > 1 && !slices.Contains(tables, p.Tensor) {
			p.Tensor.Pack()
		}
	}
}

// Unpack undoes Pack.
func Unpack(model any) {
	for _, p := range Params(model) {
		p.Tensor.Unpack()
	}
}
