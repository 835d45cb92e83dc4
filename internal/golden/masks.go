package golden

import "github.com/kotoba-nlp/kotoba/nn"

// Masks returns how many masks of dropout a pass draws.
func Masks(pass func(d *nn.Dropout)) int {
	drawn, fresh := nn.NewDropout(1, 1), nn.NewDropout(1, 1)
	pass(drawn)
	n, next := 0, drawn.Mask(0.5).Key
	for fresh.Mask(0.5).Key != next {
		n++
	}
	return n
}
