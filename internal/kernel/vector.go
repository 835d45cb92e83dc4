package kernel
type vector struct{}
func genericVector() vector { return vector{} }
func vectorAVX2() vector { return vector{} }
func vectorAVX512() vector { return vector{} }
