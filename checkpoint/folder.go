package checkpoint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Files of a model's folder in the layout of Hugging Face.
const (
	WeightsFile = "model.safetensors"
	indexFile   = "model.safetensors.index.json" // of weights in several files
)

// Folder is the weights of a model in one file or several. It is safe for concurrent
// use.
type Folder struct {
	dir   string
	files []*File
	at    map[string]*File // of each tensor
}

// OpenFolder opens model.safetensors in a folder, or without it the files that
// model.safetensors.index.json names, as transformers does. It is an error when
// the index and the files disagree about which tensors there are.
func OpenFolder(dir string) (_ *Folder, err error) {
	f := &Folder{dir: dir, at: map[string]*File{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	missing := f.add(WeightsFile, nil)
	if !errors.Is(missing, fs.ErrNotExist) {
		return f, missing
	}
	index, err := readIndex(filepath.Join(dir, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cmp.Or(checkPickle(dir), fmt.Errorf("checkpoint: %s has neither %s nor %s; want the folder of a model with its weights", dir, WeightsFile, indexFile))
	}
	if err != nil {
		return nil, err
	}
	names := map[string][]string{} // of the tensors in each file
	for tensor, file := range index {
		names[file] = append(names[file], tensor)
	}
	for _, file := range slices.Sorted(maps.Keys(names)) {
		if err := f.add(file, names[file]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// pickleFile is what PyTorch writes where it is not asked for safetensors.
const pickleFile = "pytorch_model.bin"

// checkPickle says, where weights are missing, that those that are there cannot be read.
func checkPickle(dir string) error {
	if info, err := os.Stat(filepath.Join(dir, pickleFile)); err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // then there is nothing more to say
	}
	return fmt.Errorf("checkpoint: %s is a pickle of Python, which is not read; save the model by transformers with safe_serialization=True", filepath.Join(dir, pickleFile))
}

// readIndex returns in which file each tensor is.
func readIndex(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	var index struct {
		Files map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, jsonerror.Plain(err))
	}
	if len(index.Files) == 0 {
		return nil, fmt.Errorf("checkpoint: %s: weight_map names no tensors", path)
	}
	for tensor, file := range index.Files {
		if !filepath.IsLocal(file) {
			return nil, fmt.Errorf("checkpoint: %s: tensor %q is in %q; want a file in the folder", path, tensor, file)
		}
	}
	return index.Files, nil
}

// add opens a file, which is to hold exactly the tensors of the given names; nil are any.
func (f *Folder) add(file string, names []string) error {
	opened, err := Open(filepath.Join(f.dir, file))
	if err != nil {
		return err
	}
	f.files = append(f.files, opened)
	if names != nil {
		var wanted []Tensor
		for _, name := range names {
			wanted = append(wanted, Tensor{Name: name})
		}
		if err := checkNames(opened, wanted); err != nil {
			return fmt.Errorf("%w, as %s says", err, indexFile)
		}
	}
	for _, name := range opened.Names() {
		f.at[name] = opened
	}
	return nil
}

// Close closes all files; see [File.Close].
func (f *Folder) Close() error {
	var all []error
	for _, file := range f.files {
		all = append(all, file.Close())
	}
	return errors.Join(all...)
}

// Path implements Source.
func (f *Folder) Path() string { return f.dir }

// Metadata implements Source: it is that of the first file.
func (f *Folder) Metadata() map[string]string { return f.files[0].Metadata() }

// Names implements Source.
func (f *Folder) Names() []string { return slices.Sorted(maps.Keys(f.at)) }

// Shape implements Source.
func (f *Folder) Shape(name string) (shape []int, ok bool) {
	if file := f.at[name]; file != nil {
		return file.Shape(name)
	}
	return nil, false
}

// Floats implements Source.
func (f *Folder) Floats(name string, shape ...int) ([]tensor.Float, error) {
	file, err := f.find(name)
	if err != nil {
		return nil, err
	}
	return file.Floats(name, shape...)
}

// Ints implements Source.
func (f *Folder) Ints(name string, shape ...int) ([]int64, error) {
	file, err := f.find(name)
	if err != nil {
		return nil, err
	}
	return file.Ints(name, shape...)
}

func (f *Folder) find(name string) (*File, error) {
	if file := f.at[name]; file != nil {
		return file, nil
	}
	return nil, fmt.Errorf("checkpoint: %s: there is no tensor %q", f.dir, name)
}
