package train

import (
	"fmt"
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// machineMemory returns how many bytes there are, or that the container may use.
var machineMemory = memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)

// checkMemory refuses training steps of some tokens where what each surely holds, the
// logits of the whole vocabulary and their gradient, is more than the memory there is.
// how says what to make smaller.
func checkMemory(tokens, vocab int, how string) error {
	have, err := machineMemory()
	if err != nil {
		return nil //nolint:nilerr // a system that does not say; then the step has to show it
	}
	if need := 2 * 4 * float64(tokens) * float64(vocab); need > float64(have) {
		return fmt.Errorf("train: a batch of %d tokens, with a vocabulary of %d, needs more than %.0f GiB of memory, and there are %.1f; lower %s",
			tokens, vocab, math.Ceil(need/(1<<30)), float64(have)/(1<<30), how)
	}
	return nil
}
