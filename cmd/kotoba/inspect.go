package main

import "github.com/spf13/cobra"

func newInspect() *cobra.Command {
	c := &cobra.Command{
		Use:   "inspect",
		Short: "Look inside models",
		Long:  "inspect draws what goes on inside models.",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	c.AddCommand(newInspectPositions(), newInspectAttention(), newInspectGradflow())
	return c
}
