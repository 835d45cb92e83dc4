package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/kotoba-nlp/kotoba/train"
)

// classifyFlags are the flags of train for classifiers.
type classifyFlags struct{ init, task, data string }

func (f *classifyFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.init, "init", "", "folder of the encoder to fine-tune, in the layout of Hugging Face")
	flags.StringVar(&f.task, "task", "", "task of GLUE that a classifier learns: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte or wnli")
	flags.StringVar(&f.data, "data", "", "folder of the task's files")
}

func (t training) classifier(ctx context.Context, w io.Writer, args []string) error {
	config, err := configure(args, t.preset, train.ReadClassifyConfig, train.ClassifyPreset, map[string]string{
		"init": t.classify.init, "data.task": t.classify.task, "data.dir": t.classify.data,
	}, t.sets, (*train.ClassifyConfig).Set)
	if err != nil {
		return err
	}
	run, err := train.NewClassifyRun(t.dir, config)
	if err != nil {
		return err
	}
	if n := run.Task.Cut; n > 0 {
		fmt.Fprintf(w, "%d training texts are longer than %d tokens; their ends are left out\n", n, run.Task.Encoder.MaxLength)
	}
	return fit(ctx, w, t.dir, run.Steps(), run.Train)
}
