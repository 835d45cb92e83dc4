package metrics_test

import (
	"fmt"
	"log"

	"github.com/kotoba-nlp/kotoba/metrics"
)

func ExampleBLEUConfig_Corpus() {
	hyp := []string{"The dog bit the man.", "It was not unexpected."}
	ref := []string{"The dog bit the man.", "It was not surprising."}
	var config metrics.BLEUConfig
	bleu, err := config.Corpus(hyp, ref)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bleu)
	fmt.Println(config.Signature(metrics.Run{References: 1}))
	// Output:
	// BLEU = 74.19 90.9/77.8/71.4/60.0 (BP = 1.000 ratio = 1.000 hyp_len = 11 ref_len = 11)
	// nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0
}
