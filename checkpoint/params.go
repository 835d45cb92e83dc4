package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Tensors returns parameters as the tensors of a checkpoint, views of their
// memory. One of a single row is a vector there, any other a matrix; a
// parameter that stacks several published ones becomes those.
func Tensors(params []nn.Param) []Tensor {
	var all []Tensor
	for _, p := range params {
		parts, n := len(p.Names), len(p.Tensor.Data)/len(p.Names)
		shape := []int{p.Tensor.Rows() / parts, p.Tensor.Cols()}
		if p.Tensor.Rows() == 1 && !p.Matrix {
			shape = []int{n}
		}
		for i, name := range p.Names {
			all = append(all, Tensor{Name: name, Shape: shape, Data: p.Tensor.Data[i*n : (i+1)*n]})
		}
	}
	return all
}

// Save writes parameters, further tensors such as the state of an optimiser,
// and texts to keep with them; see [Write].
func Save(path string, params []nn.Param, metadata map[string]string, extra ...Tensor) error {
	return Write(path, append(Tensors(params), extra...), metadata)
}

// Source is where tensors are read from: a [File], or several that hold a model
// together.
type Source interface {
	// Path is the file or folder, for errors.
	Path() string
	// Metadata returns the texts beside the tensors; see [File.Metadata].
	Metadata() map[string]string
	// Names returns the names of all tensors in order.
	Names() []string
	// Shape returns the shape of a tensor, and whether there is one of that name.
	Shape(name string) (shape []int, ok bool)
	// Floats returns the elements of a tensor of floating-point numbers; see [File.Floats].
	Floats(name string, shape ...int) ([]tensor.Float, error)
	// Ints returns the elements of a tensor of 64-bit integers.
	Ints(name string, shape ...int) ([]int64, error)
}

// Load fills parameters, and the Data or Ints of further tensors, from a source
// that holds exactly these, in these shapes. Otherwise nothing is changed and
// the error names what differs.
func Load(f Source, params []nn.Param, extra ...Tensor) error {
	return match(f, append(Tensors(params), extra...), func(t Tensor, floats []tensor.Float, ints []int64) {
		copy(t.Data, floats)
		copy(t.Ints, ints)
	})
}

// Map gives parameters the elements that [Load] would copy to them, without a copy
// where [File.Floats] returns a view and the parameter does not stack several tensors.
// The source must stay open as long as the parameters are used.
func Map(f Source, params []nn.Param) error {
	whole := map[string]*tensor.Tensor{} // parameters that are one tensor of the source
	for _, p := range params {
		if len(p.Names) == 1 {
			whole[p.Names[0]] = p.Tensor
		}
	}
	return match(f, Tensors(params), func(t Tensor, floats []tensor.Float, _ []int64) {
		if p := whole[t.Name]; p != nil {
			p.Data = floats
		} else {
			copy(t.Data, floats)
		}
	})
}

// CheckFinite says which parameter, read from path, has an element that is no number, which a
// model has that diverged in training.
func CheckFinite(path string, params []nn.Param) error {
	for _, p := range params {
		for i, x := range p.Tensor.Data {
			if x-x != 0 { // NaN or infinite
				return fmt.Errorf("checkpoint: %s: element %d of %s is %v; the model is damaged, or it diverged in training", path, i, p.Name(), x)
			}
		}
	}
	return nil
}

// match gives use each of the wanted tensors with its elements in a source that holds
// exactly these, in these shapes; otherwise it gives none.
func match(f Source, wanted []Tensor, use func(t Tensor, floats []tensor.Float, ints []int64)) error {
	if err := checkNames(f, wanted); err != nil {
		return err
	}
	floats, ints := make([][]tensor.Float, len(wanted)), make([][]int64, len(wanted))
	for i, t := range wanted {
		if want, have := t.elements(); want != have {
			return fmt.Errorf("checkpoint: there is room for %d elements of tensor %q; shape %v wants %d", have, t.Name, t.Shape, want)
		}
		var err error
		if t.Ints != nil {
			ints[i], err = f.Ints(t.Name, t.Shape...)
		} else {
			floats[i], err = f.Floats(t.Name, t.Shape...)
		}
		if err != nil {
			return err
		}
	}
	for i, t := range wanted {
		use(t, floats[i], ints[i])
	}
	return nil
}

// checkNames says which of the wanted tensors a file lacks, and which of its
// own are not wanted.
func checkNames(f Source, wanted []Tensor) error {
	isWanted := map[string]bool{}
	var missing, unexpected []string
	for _, t := range wanted {
		isWanted[t.Name] = true
		if _, ok := f.Shape(t.Name); !ok {
			missing = append(missing, t.Name)
		}
	}
	for _, name := range f.Names() {
		if !isWanted[name] {
			unexpected = append(unexpected, name)
		}
	}
	if len(missing)+len(unexpected) == 0 {
		return nil
	}
	slices.Sort(missing)
	var says []string
	if len(missing) > 0 {
		says = append(says, "lacks "+list(missing))
	}
	if len(unexpected) > 0 {
		says = append(says, "has unexpected "+list(unexpected))
	}
	return fmt.Errorf("checkpoint: %s: it %s; expected the tensors of the model exactly", f.Path(), strings.Join(says, " and "))
}

// list names the first of some tensors.
func list(names []string) string {
	const most = 10
	var first []string
	for _, name := range names[:min(len(names), most)] {
		first = append(first, plain(name))
	}
	s := fmt.Sprintf("%d tensors (%s", len(names), strings.Join(first, ", "))
	if len(names) > most {
		s += ", ..."
	}
	return s + ")"
}

// plain returns a name, in quotes and cut where it is long or has what does not belong
// into a line.
func plain(name string) string {
	if q := fmt.Sprintf("%.100q", name); q != `"`+name+`"` {
		return q
	}
	return name
}
