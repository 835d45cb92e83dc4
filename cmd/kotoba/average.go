package main

import (
	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/train"
)

func newAverage() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "average RUN RUN... --dir DIR",
		Short: "Average the weights of several runs",
		Long: `average makes a folder of the mean of the best weights of several runs, with all else as
in the first, but for thresholds of no answer, which are averaged too. Of runs that began
with the same weights, as those that fine-tune an encoder with several seeds, it can be
better than each, and costs no more to use than one (Wortsman et al. 2022, "Model soups").
Of runs that began with different random weights it is not.`,
		Example: `  kotoba train --preset bert-classify --init minilm --task mrpc --data glue --dir runs/mrpc --seeds 3
  kotoba average runs/mrpc/seed-1 runs/mrpc/seed-2 runs/mrpc/seed-3 --dir runs/mrpc-mean
  kotoba eval runs/mrpc-mean --data glue/MRPC/dev.tsv`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkNewFolder(dir); err != nil {
				return err
			}
			return train.AverageRuns(dir, args...)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "new folder for the mean")
	require(c, "dir")
	return c
}
