package train

import (
	"fmt"
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// machineMemory returns how many bytes there are, or that the container may use.
var machineMemory = memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)

// checkTraining refuses to train where so many numbers with their gradients, which it surely
// holds for what, are more than the memory there is. how says what to make smaller.
func checkTraining(numbers float64, what, how string) error {
	return checkMemory(2*numbers, what+" with their gradients", "lower "+how)
}

// checkOpening is checkTraining for the weights of a run in dir that is used.
func checkOpening(dir string, weights float64) error {
	return checkMemory(weights, "the weights that "+dir+" is configured for", "take a machine that has more")
}

// checkMemory is checkTraining without gradients, of a model that is used; how says what to do.
func checkMemory(numbers float64, what, how string) error {
	have, err := machineMemory()
	if err != nil {
		return nil //nolint:nilerr // a system that does not say; then the step has to show it
	}
	if need := 4 * numbers; need > float64(have) {
		return fmt.Errorf("train: %s need more than %.0f GiB of memory, and there are %.1f; %s", what, math.Ceil(need/(1<<30)), float64(have)/(1<<30), how)
	}
	return nil
}
